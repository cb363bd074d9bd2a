/** Arbitrary model configurations in canonical form: no empty lists, no undefined fields. */
import fc from 'fast-check';
import { dataTypes, toConfigType } from '../../src/kserve/data-types.js';
import type { ModelConfig } from '../../src/model-config/model-config.js';

const text = fc.string({ unit: 'grapheme', maxLength: 12 });
/** An object cannot hold the key __proto__ as an entry of its own when written as a literal. */
const key = text.filter((value) => value !== '__proto__');
const count = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const microseconds = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const some = <T>(element: fc.Arbitrary<T>) => fc.array(element, { minLength: 1, maxLength: 4 });
const record = <T extends object>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(fields, { requiredKeys: [] });
const map = <T>(keys: fc.Arbitrary<string>, value: fc.Arbitrary<T>) =>
  fc.dictionary(keys, value, { minKeys: 1, maxKeys: 3, noNullPrototype: true });

const dims = fc.array(fc.oneof(fc.constant(-1), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })), {
  maxLength: 4,
});
const dataType = fc.constantFrom(...dataTypes.map(toConfigType));
const reshape = fc.record({ shape: dims });
const tensor = { name: text, data_type: dataType, dims, reshape, is_shape_tensor: fc.boolean() };
const input = fc.record(
  {
    ...tensor,
    format: fc.constantFrom('FORMAT_NONE', 'FORMAT_NHWC'),
    allow_ragged_batch: fc.boolean(),
    optional: fc.boolean(),
  },
  { requiredKeys: ['name', 'data_type', 'dims'] },
);
const output = fc.record({ ...tensor, label_filename: text }, { requiredKeys: ['name', 'data_type', 'dims'] });
const queuePolicy = record({
  timeout_action: fc.constantFrom('REJECT', 'DELAY'),
  default_timeout_microseconds: microseconds,
  allow_timeout_override: fc.boolean(),
  max_queue_size: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
});
const accelerator = fc.record({ name: text, parameters: map(key, text) }, { requiredKeys: ['name'] });
const scheduler = fc.oneof(
  fc.constant({}),
  fc.record({
    dynamic_batching: record({
      preferred_batch_size: some(count),
      max_queue_delay_microseconds: microseconds,
      preserve_ordering: fc.boolean(),
      priority_levels: microseconds,
      default_queue_policy: queuePolicy,
      priority_queue_policy: map(fc.nat().map(String), queuePolicy),
    }),
  }),
  fc.record({
    sequence_batching: record({
      direct: record({ minimum_slot_utilization: fc.double({ noDefaultInfinity: false, noNaN: false }) }),
      control_input: some(record({ name: text, control: some(record({ fp32_false_true: some(fc.double()) })) })),
    }),
  }),
);

const common = record({
  name: text,
  platform: text,
  backend: text,
  version_policy: fc.oneof(
    fc.record({ latest: record({ num_versions: count }) }),
    fc.constant({ all: {} }),
    fc.record({ specific: record({ versions: some(microseconds) }) }),
  ),
  max_batch_size: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  input: some(input),
  output: some(output),
  instance_group: some(
    record({
      name: text,
      kind: fc.constantFrom('KIND_AUTO', 'KIND_GPU', 'KIND_CPU'),
      count,
      gpus: some(count),
      passive: fc.boolean(),
    }),
  ),
  optimization: record({
    graph: record({ level: fc.integer({ min: -10, max: 10 }) }),
    priority: fc.constantFrom('PRIORITY_DEFAULT', 'PRIORITY_MAX'),
    execution_accelerators: record({
      gpu_execution_accelerator: some(accelerator),
      cpu_execution_accelerator: some(accelerator),
    }),
    input_pinned_memory: record({ enable: fc.boolean() }),
  }),
  default_model_filename: text,
  metric_tags: map(key, text),
  parameters: map(key, fc.record({ string_value: text })),
  response_cache: record({ enable: fc.boolean() }),
  model_metrics: record({
    metric_control: some(record({ histogram_options: record({ buckets: some(fc.double()) }) })),
  }),
});

export const modelConfigs: fc.Arbitrary<ModelConfig> = fc
  .tuple(common, scheduler)
  .map(([fields, choice]) => ({ ...fields, ...choice }) as ModelConfig);
