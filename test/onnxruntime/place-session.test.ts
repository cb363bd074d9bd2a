import { describe, expect, it } from 'vitest';
import { placeSession } from '../../src/onnxruntime/place-session.js';
import { readSessionSettings } from '../../src/onnxruntime/triton-settings.js';

const names = (settings: ReturnType<typeof placeSession>): string[] =>
  (settings.providers ?? []).map(({ name }) => name);

describe('an instance', () => {
  const { settings } = readSessionSettings({
    instance_group: [{ kind: 'KIND_GPU', gpus: [1] }, { kind: 'KIND_CPU' }],
    optimization: {
      execution_accelerators: {
        gpu_execution_accelerator: [{ name: 'tensorrt', parameters: { precision_mode: 'FP16' } }],
        cpu_execution_accelerator: [{ name: 'openvino' }],
      },
    },
  });

  it('on a GPU gets TensorRT, then CUDA, which nobody asked for, both for that GPU', () => {
    const placed = placeSession(settings, 1);
    expect(placed.providers).toMatchObject([
      { name: 'tensorrt', options: { trt_fp16_enable: '1', device_id: '1' } },
      { name: 'cuda', options: { device_id: '1' } },
    ]);
    expect(placed.configEntries).toBeUndefined();
  });

  it('on the CPU gets OpenVINO, which must take every node', () => {
    const placed = placeSession(settings, undefined);
    expect(names(placed)).toEqual(['openvino']);
    expect(placed.configEntries).toEqual({ 'session.disable_cpu_ep_fallback': '1' });
  });

  it('without accelerators is left alone', () => {
    expect(placeSession({ intraOpThreads: 1 }, undefined)).toEqual({ intraOpThreads: 1 });
  });
});
