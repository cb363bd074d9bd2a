import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffModelConfigs } from '../../src/model-config/diff-configs.js';
import type { ModelConfig } from '../../src/model-config/model-config.js';
import { modelConfigs } from './config-arbitrary.js';

describe('diffModelConfigs', () => {
  it('names each changed field by its path, in the order of the schema', () => {
    const before: ModelConfig = {
      max_batch_size: 8,
      instance_group: [{ count: 1 }],
      dynamic_batching: { preferred_batch_size: [4] },
      parameters: { intra_op_thread_count: { string_value: '1' } },
    };
    const after: ModelConfig = {
      max_batch_size: 16,
      instance_group: [{ count: 2, kind: 'KIND_CPU' }, { count: 1 }],
      dynamic_batching: { preferred_batch_size: [4, 8], max_queue_delay_microseconds: 100 },
      parameters: { intra_op_thread_count: { string_value: '2' }, 'session.x': { string_value: 'on' } },
      optimization: { graph: { level: 1 } },
    };
    expect(diffModelConfigs(before, after)).toEqual([
      { path: 'max_batch_size', from: 8, to: 16 },
      { path: 'optimization', from: null, to: { graph: { level: 1 } } },
      { path: 'dynamic_batching.preferred_batch_size', from: [4], to: [4, 8] },
      { path: 'dynamic_batching.max_queue_delay_microseconds', from: null, to: 100 },
      { path: 'instance_group[0].kind', from: null, to: 'KIND_CPU' },
      { path: 'instance_group[0].count', from: 1, to: 2 },
      { path: 'instance_group[1]', from: null, to: { count: 1 } },
      { path: 'parameters["intra_op_thread_count"].string_value', from: '1', to: '2' },
      { path: 'parameters["session.x"]', from: null, to: { string_value: 'on' } },
    ]);
  });

  it('is empty for equal configs, and mirrored when the sides are swapped', () => {
    fc.assert(
      fc.property(modelConfigs, modelConfigs, (a, b) => {
        expect(diffModelConfigs(a, structuredClone(a))).toEqual([]);
        const mirrored = diffModelConfigs(b, a).map(({ path, from, to }) => ({ path, from: to, to: from }));
        expect(diffModelConfigs(a, b)).toEqual(mirrored);
      }),
    );
  });
});
