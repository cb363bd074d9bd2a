import { describe, expect, it } from 'vitest';
import { completeModelConfig } from '../../src/model-config/complete-config.js';
import type { ModelConfig } from '../../src/model-config/model-config.js';
import type { ModelSignature } from '../../src/model-config/model-signature.js';
import { parseModelConfig } from '../../src/model-config/parse-config.js';
import { validateModelConfig } from '../../src/model-config/validate-config.js';

const batchable: ModelSignature = {
  inputs: [{ name: 'x', dataType: 'FP32', shape: [-1, 3, -1] }],
  outputs: [{ name: 'y', dataType: 'INT64', shape: [-1] }],
};
const fixed: ModelSignature = { ...batchable, outputs: [{ name: 'y', dataType: 'BYTES', shape: [] }] };

const complete = (config: ModelConfig | undefined, signature = batchable, hasGpu = false): ModelConfig =>
  completeModelConfig(config, { modelName: 'm', signature, hasGpu });

const tensors = {
  input: [{ name: 'x', data_type: 'TYPE_FP32', dims: [3, -1] }],
  output: [{ name: 'y', data_type: 'TYPE_INT64', dims: [1], reshape: { shape: [] } }],
};

describe('completeModelConfig', () => {
  it('makes the whole config of a batchable model that has none, as Triton reports it', () => {
    expect(complete(undefined)).toEqual({
      name: 'm',
      backend: 'onnxruntime',
      platform: 'onnxruntime_onnx',
      default_model_filename: 'model.onnx',
      version_policy: { latest: { num_versions: 1 } },
      max_batch_size: 4,
      ...tensors,
      dynamic_batching: { preferred_batch_size: [4] },
      instance_group: [{ name: 'm', kind: 'KIND_CPU', count: 2 }],
      optimization: { input_pinned_memory: { enable: true }, output_pinned_memory: { enable: true } },
    });
  });

  it('does not batch a model with a first dimension that is fixed or missing', () => {
    const config = complete(undefined, fixed);
    expect(config.max_batch_size).toBe(0);
    expect(config.dynamic_batching).toBeUndefined();
    expect(config.input).toEqual([{ name: 'x', data_type: 'TYPE_FP32', dims: [-1, 3, -1] }]);
    expect(config.output).toEqual([{ name: 'y', data_type: 'TYPE_STRING', dims: [1] }]);
  });

  it('takes a config that names inputs and outputs at its word about batching', () => {
    expect(complete({ max_batch_size: 32, ...tensors }).dynamic_batching).toBeUndefined();
    expect(complete({ ...tensors }).max_batch_size).toBe(0);
  });

  it('turns dynamic batching on when max_batch_size is given but inputs or outputs are not', () => {
    const config = complete({ max_batch_size: 16, input: tensors.input });
    expect(config.dynamic_batching).toEqual({ preferred_batch_size: [16] });
    expect(config.output).toEqual(tensors.output);
    expect(complete({ max_batch_size: 1 }).dynamic_batching).toBeUndefined();
  });

  it('keeps given preferred sizes and fills in missing ones', () => {
    const given = { max_batch_size: 8, ...tensors };
    expect(complete({ ...given, dynamic_batching: { preferred_batch_size: [2] } }).dynamic_batching).toEqual({
      preferred_batch_size: [2],
    });
    expect(complete({ ...given, dynamic_batching: { max_queue_delay_microseconds: 5 } }).dynamic_batching).toEqual({
      preferred_batch_size: [8],
      max_queue_delay_microseconds: 5,
    });
  });

  it('names groups, resolves KIND_AUTO and fills in counts by kind', () => {
    const groups = complete({
      instance_group: [{}, { count: 3, name: 'own' }, { kind: 'KIND_GPU', gpus: [1] }],
    }).instance_group;
    expect(groups).toEqual([
      { name: 'm_0', kind: 'KIND_CPU', count: 2 },
      { name: 'own', kind: 'KIND_CPU', count: 3 },
      { name: 'm_2', kind: 'KIND_GPU', count: 1, gpus: [1] },
    ]);
    expect(complete(undefined, batchable, true).instance_group).toEqual([{ name: 'm', kind: 'KIND_GPU', count: 1 }]);
  });

  it('leaves a config for another backend alone but for what every backend has', () => {
    const config = complete({ backend: 'python', ...tensors });
    expect(config).toMatchObject({ backend: 'python', instance_group: [{ name: 'm', kind: 'KIND_CPU', count: 1 }] });
    expect(config.platform).toBeUndefined();
  });

  it('keeps everything that is given', () => {
    const given: ModelConfig = {
      name: 'other',
      version_policy: { all: {} },
      optimization: { graph: { level: -1 }, input_pinned_memory: { enable: false } },
      parameters: { intra_op_thread_count: { string_value: '1' } },
    };
    expect(complete(given)).toMatchObject(given);
  });

  it('changes nothing the second time', () => {
    const once = complete(undefined);
    expect(complete(once)).toEqual(once);
  });

  it('knows the lines of the file after completing', () => {
    const config = complete(parseModelConfig('\nmax_batch_size: -1', 'config.pbtxt'));
    expect(validateModelConfig(config, 'config.pbtxt')[0]?.where).toBe('config.pbtxt:2');
  });
});
