import { expect, it } from 'vitest';
import { areSameConfigs, differInChangeable } from '../../../engine/repository/compare-configs.js';
import { fullModelConfig } from '../../../src/kserve/admin-codec.js';
import type { ModelConfig } from '../../../src/model-config/model-config.js';

const config: ModelConfig = {
  name: 'm',
  max_batch_size: 8,
  input: [{ name: 'IN', data_type: 'TYPE_FP32', dims: [4] }],
  dynamic_batching: { max_queue_delay_microseconds: 100 },
  instance_group: [{ kind: 'KIND_CPU', count: 2 }],
  version_policy: { latest: { num_versions: 1 } },
};

it('takes a config that a server has answered for the one it was made from', () => {
  const answered = fullModelConfig(config) as ModelConfig;
  const reversed = Object.fromEntries(Object.entries(answered).reverse()) as ModelConfig;
  expect(areSameConfigs(config, reversed)).toBe(true);
  expect(differInChangeable(config, reversed)).toBe(true);
});

it.each([
  ['the number of instances', { instance_group: [{ kind: 'KIND_CPU', count: 3 }] } as const, true],
  ['no instance group', { instance_group: [] }, true],
  ['the version policy', { version_policy: { all: {} } }, true],
  ['the batch size', { max_batch_size: 4 }, false],
  ['no batching at all', { dynamic_batching: undefined }, false],
  ['a parameter', { parameters: { x: { string_value: '1' } } }, false],
])('with a change of %s, a change in place is possible: %s', (_, change, isPossible) => {
  const changed = { ...config, ...change } as ModelConfig;
  expect(areSameConfigs(config, changed)).toBe(false);
  expect(differInChangeable(config, changed)).toBe(isPossible);
});
