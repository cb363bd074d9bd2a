import { describe, expect, it } from 'vitest';
import { completeModelConfig } from '../../src/model-config/complete-config.js';
import type { ModelSignature } from '../../src/model-config/model-signature.js';
import { parseModelConfig } from '../../src/model-config/parse-config.js';
import { type ValidationFacts, validateModelConfig } from '../../src/model-config/validate-config.js';

const check = (text: string, facts?: ValidationFacts): string[] =>
  validateModelConfig(parseModelConfig(text, 'config.pbtxt'), 'config.pbtxt', facts).map(
    ({ where, what }) => `${where} ${what}`,
  );

const signature: ModelSignature = {
  inputs: [
    { name: 'x', dataType: 'FP32', shape: [-1, 3, -1] },
    { name: 'n', dataType: 'INT32', shape: [-1] },
  ],
  outputs: [{ name: 'y', dataType: 'FP32', shape: [-1, 10] }],
};

describe('validateModelConfig', () => {
  it('finds nothing wrong with a config completed from the model', () => {
    const config = completeModelConfig(undefined, { modelName: 'm', signature, hasGpu: false });
    expect(validateModelConfig(config, 'config.pbtxt', { modelName: 'm', signature })).toEqual([]);
  });

  it('reports all problems together, each with its line and path', () => {
    const text = `name: "other"
      backend: "python"
      max_batch_size: -2
      input { name: "x" data_type: TYPE_FP32 dims: [ 0, -2 ] }
      input { name: "x" dims: 1 }
      output { data_type: TYPE_FP32 }
      dynamic_batching {
        preferred_batch_size: [ 0, 4 ]
      }
      instance_group [
        { count: -1 kind: KIND_CPU
          gpus: [ 0 ] }
      ]
      version_policy { latest { } }
      sequence_batching_is_not_here: 0`.replace(/\n.*not_here.*/, '');
    expect(check(text, { modelName: 'm' })).toEqual([
      "config.pbtxt:1 name: 'other' must be the name of its folder, 'm', or be left out",
      "config.pbtxt:2 backend: 'python' is not supported, only 'onnxruntime'",
      'config.pbtxt:3 max_batch_size: is -2, but must be 0 (no batching) or more',
      'config.pbtxt:4 input[0].dims[0]: 0 is not a size: give 1 or more, or -1 for any',
      'config.pbtxt:4 input[0].dims[1]: -2 is not a size: give 1 or more, or -1 for any',
      'config.pbtxt:5 input[1].data_type: a data type such as TYPE_FP32 must be given',
      "config.pbtxt:5 input[1].name: 'x' is already the name of input[0]",
      'config.pbtxt:6 output[0].dims: must be given; a scalar has dims: [ 1 ]',
      'config.pbtxt:6 output[0]: an output needs a name',
      'config.pbtxt:8 dynamic_batching.preferred_batch_size[0]: 0 must be above 0',
      'config.pbtxt:8 dynamic_batching.preferred_batch_size[1]: 4 is above max_batch_size, which is -2',
      'config.pbtxt:11 instance_group[0].count: is -1, but must be 1 or more (0 means the default)',
      'config.pbtxt:12 instance_group[0].gpus: cannot be given for KIND_CPU',
      'config.pbtxt:14 version_policy.latest.num_versions: must be 1 or more',
    ]);
  });

  it.each([
    ['sequence_batching { direct { } }', 'sequence_batching: the sequence batcher is not supported'],
    ['ensemble_scheduling { }', 'ensemble_scheduling: ensembles are not supported'],
    ['model_transaction_policy { decoupled: true }', 'model_transaction_policy.decoupled: decoupled models'],
    ['batch_input { kind: BATCH_ELEMENT_COUNT }', 'batch_input: generated batch inputs'],
    [
      'input { name: "x" data_type: TYPE_FP32 dims: 1 allow_ragged_batch: true }',
      'input[0].allow_ragged_batch: ragged batches',
    ],
  ])('names the unsupported feature of %s', (text, sentence) => {
    const problems = check(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`config.pbtxt:1 ${sentence}`);
  });

  it('accepts what changes nothing: switched-off features, warm-up requests, metric tags', () => {
    expect(
      check(
        'response_cache { enable: false } model_transaction_policy { } model_warmup { name: "w" } metric_tags { key: "a" value: "b" }',
      ),
    ).toEqual([]);
  });

  it('refuses what contradicts ordered responses and priority levels', () => {
    const text = `dynamic_batching { preserve_ordering: true priority_levels: 2 default_priority_level: 3
      default_queue_policy { timeout_action: DELAY default_timeout_microseconds: 1 }
      priority_queue_policy { key: 3 value { max_queue_size: 1 } } }`;
    expect(check(text)).toEqual([
      'config.pbtxt:1 dynamic_batching.default_priority_level: must be from 1 to 2, the number of priority_levels',
      'config.pbtxt:3 dynamic_batching.priority_queue_policy["3"]: there are only levels 1 to 2',
      'config.pbtxt:1 dynamic_batching.preserve_ordering: contradicts 2 priority_levels',
      'config.pbtxt:2 dynamic_batching.default_queue_policy.timeout_action: DELAY contradicts preserve_ordering',
    ]);
  });

  it('compares names, types and shapes with the model', () => {
    const text = `max_batch_size: 8
      input { name: "x" data_type: TYPE_FP16 dims: [ 3, 7 ] }
      input { name: "z" data_type: TYPE_FP32 dims: [ 1 ] }
      output { name: "y" data_type: TYPE_FP32 dims: [ 11 ] }`;
    expect(check(text, { signature })).toEqual([
      "config.pbtxt:2 input: does not name the model's 'n'",
      'config.pbtxt:2 input[0].data_type: is TYPE_FP16, the model has TYPE_FP32',
      "config.pbtxt:3 input[1].name: the model has no input 'z', it has 'x', 'n'",
      "config.pbtxt:4 output[0].dims: [11] does not fit the model's [10] after the batch dimension",
    ]);
  });

  it('refuses batching for a model whose first dimension is fixed', () => {
    const unbatchable = { ...signature, outputs: [{ name: 'y', dataType: 'FP32' as const, shape: [1, 10] }] };
    expect(check('max_batch_size: 8', { signature: unbatchable })).toEqual([
      "config.pbtxt:1 max_batch_size: must be 0: the first dimension of 'y' is not a batch of any size",
    ]);
  });

  it('refuses a reshape that loses elements', () => {
    expect(check('input { name: "x" data_type: TYPE_FP32 dims: [ 2, 3 ] reshape { shape: [ 4 ] } }')).toEqual([
      'config.pbtxt:1 input[0].reshape.shape: [4] does not hold as many elements as dims [2, 3]',
    ]);
  });

  it('checks a config that did not come from text against the schema first', () => {
    const problems = validateModelConfig({ max_batch_size: 1.5, extra: 1 }, 'override');
    expect(problems).toEqual([
      { where: 'override', what: 'max_batch_size: must be a whole number from -2147483648 to 2147483647' },
      { where: 'override', what: 'extra: there is no such field' },
    ]);
  });
});
