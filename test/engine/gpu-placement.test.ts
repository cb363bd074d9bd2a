import { describe, expect, it } from 'vitest';
import { findUnservable } from '../../engine/config-limits.js';
import { planInstances } from '../../engine/instance/instance-plan.js';
import { completeModelConfig } from '../../src/model-config/complete-config.js';
import type { ModelConfig } from '../../src/model-config/model-config.js';
import { findConfigNotes } from '../../src/onnxruntime/config-notes.js';
import { readSessionSettings } from '../../src/onnxruntime/triton-settings.js';

const two = () => ({ devices: [0, 1].map((gpu) => ({ gpu, name: 'a GPU' })) });
const none = () => ({ devices: [], reason: 'no driver' });
const onGpus = (gpus: readonly number[], name = 'cuda', count = 1): ModelConfig => ({
  name: 'm',
  instance_group: [{ kind: 'KIND_GPU', gpus, count }],
  optimization: { execution_accelerators: { gpu_execution_accelerator: [{ name }] } },
});

describe('instances on GPUs', () => {
  it('are as many as the count on each device', () => {
    expect(planInstances(onGpus([0, 1], 'cuda', 2))).toEqual([
      { name: 'm_0_0', gpu: 0 },
      { name: 'm_0_1', gpu: 0 },
      { name: 'm_0_2', gpu: 1 },
      { name: 'm_0_3', gpu: 1 },
    ]);
  });

  it('are on every device when the config names none', () => {
    const signature = { inputs: [], outputs: [], opset: 17, producer: '' };
    const config = completeModelConfig(
      { backend: 'onnxruntime' },
      { modelName: 'm', signature, hasGpu: true, gpus: [0, 1] },
    );
    expect(config.instance_group).toMatchObject([{ kind: 'KIND_GPU', gpus: [0, 1], count: 1 }]);
  });

  it('are refused where there is no GPU, or not that one', () => {
    expect(findUnservable(onGpus([0]), none)).toMatchObject([
      { where: 'instance_group[0]', what: 'asks for a GPU, and there is none: no driver' },
    ]);
    expect(findUnservable(onGpus([1, 3]), two)).toMatchObject([
      { where: 'instance_group[0].gpus', what: 'there is no CUDA device 3, only 0, 1' },
    ]);
    expect(findUnservable(onGpus([1]), two)).toEqual([]);
  });

  it('may be missing where an accelerator for GPUs is asked for, which then has no effect and is told', () => {
    const config: ModelConfig = { ...onGpus([]), instance_group: [{ kind: 'KIND_CPU' }] };
    expect(findUnservable(config, two)).toEqual([]);
    expect(readSessionSettings(config)).toMatchObject({ providers: [], problems: [] });
    expect(findConfigNotes(config)).toMatchObject([
      { path: 'optimization.execution_accelerators.gpu_execution_accelerator' },
    ]);
  });

  it('are refused beside each other for a provider that can run one in a process', () => {
    expect(findUnservable(onGpus([0], 'webgpu', 2), none)).toMatchObject([{ where: 'instance_group' }]);
    expect(findUnservable(onGpus([0], 'webgpu'), none)).toEqual([]);
  });

  it('on the CPU must not name devices', () => {
    expect(findUnservable({ instance_group: [{ kind: 'KIND_CPU', gpus: [0] }] }, two)).toHaveLength(1);
  });
});
