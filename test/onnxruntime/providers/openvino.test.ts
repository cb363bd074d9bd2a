import { describe, expect, it } from 'vitest';
import type { ModelConfig } from '../../../src/model-config/model-config.js';
import { readSessionSettings } from '../../../src/onnxruntime/triton-settings.js';

const config = (parameters: Record<string, string>, more: ModelConfig = {}): ModelConfig => ({
  ...more,
  optimization: { execution_accelerators: { cpu_execution_accelerator: [{ name: 'openvino', parameters }] } },
});
const optionsOf = (parameters: Record<string, string>, more?: ModelConfig): Readonly<Record<string, string>> => {
  const { settings, problems } = readSessionSettings(config(parameters, more));
  expect(problems).toEqual([]);
  return settings.providers![0]!.options;
};
const propertiesOf = (parameters: Record<string, string>): unknown => JSON.parse(optionsOf(parameters).load_config!);

describe('OpenVINO’s options', () => {
  it('say the precision and leave threads unpinned where a config says nothing', () => {
    expect(optionsOf({})).toMatchObject({ device_type: 'CPU', precision: 'FP32' });
    expect(propertiesOf({})).toEqual({ CPU: { INFERENCE_PRECISION_HINT: 'f32', ENABLE_CPU_PINNING: 'NO' } });
  });

  it('turn our keys into properties, and a property file goes before them', () => {
    expect(propertiesOf({ inference_precision: 'bf16', enable_cpu_pinning: 'true' })).toEqual({
      CPU: { INFERENCE_PRECISION_HINT: 'bf16', ENABLE_CPU_PINNING: 'YES' },
    });
    const load_config = '{"CPU":{"INFERENCE_PRECISION_HINT":"f16","PERFORMANCE_HINT":"LATENCY"}}';
    expect(propertiesOf({ inference_precision: 'bf16', load_config })).toEqual({
      CPU: { INFERENCE_PRECISION_HINT: 'f16', ENABLE_CPU_PINNING: 'NO', PERFORMANCE_HINT: 'LATENCY' },
    });
  });

  it('take the model’s thread count unless they have their own', () => {
    const threads = { parameters: { intra_op_thread_count: { string_value: '2' } } };
    expect(optionsOf({}, threads).num_of_threads).toBe('2');
    expect(optionsOf({ num_of_threads: '1' }, threads).num_of_threads).toBe('1');
  });

  it.each([
    ['inference_precision', 'zz'],
    ['device_type', 'XPU'],
    ['num_streams', '0'],
    ['num_of_threads', '0'],
    ['load_config', '{"GPU":{}}'],
    ['load_config', '{"CPU":{"INFERENCE_PRECISION_HINT":"zz"}}'],
    ['load_config', '{"CPU":{"NUM_STREAMS":2}}'],
    ['load_config', 'null'],
    ['reshape_input', 'image'],
    ['reshape_input', 'image[a,b]'],
  ])('refuse %s = %s, which OpenVINO would take without a word or misread', (key, text) => {
    expect(readSessionSettings(config({ [key]: text })).problems).toHaveLength(1);
  });

  it.each(['image[2,1,32,100]', 'image[1..4,1,32,100],mask[1,8]'])('take the static shape %s', (text) => {
    expect(optionsOf({ reshape_input: text }).reshape_input).toBe(text);
  });
});
