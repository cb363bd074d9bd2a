import { describe, expect, it } from 'vitest';
import { ModelStats } from '../../../engine/stats/model-stats.js';

const times = { computeStartNs: 1000, inferStartNs: 1010, inferEndNs: 1110, computeEndNs: 1115 };

describe('model statistics', () => {
  it('begin with nothing', () => {
    const { inference_count, execution_count, last_inference, inference_stats, batch_stats } = new ModelStats().read(
      'm',
      '1',
    );
    expect([inference_count, execution_count, last_inference, batch_stats]).toEqual([0, 0, 0, []]);
    expect(Object.values(inference_stats)).toEqual(Array(8).fill({ count: 0, ns: 0 }));
  });

  it('count rows as inferences, batches as executions, and add a batch’s compute time to each of its requests', () => {
    const stats = new ModelStats();
    stats.addExecution(times, 5, 2, 1_700_000_000_000);
    stats.addSuccesses(2, 400, 1600);
    expect(stats.read('m', '3')).toEqual({
      name: 'm',
      version: '3',
      last_inference: 1_700_000_000_000,
      inference_count: 5,
      execution_count: 1,
      inference_stats: {
        success: { count: 2, ns: 1600 },
        fail: { count: 0, ns: 0 },
        queue: { count: 2, ns: 400 },
        compute_input: { count: 2, ns: 20 },
        compute_infer: { count: 2, ns: 200 },
        compute_output: { count: 2, ns: 10 },
        cache_hit: { count: 0, ns: 0 },
        cache_miss: { count: 0, ns: 0 },
      },
      batch_stats: [
        {
          batch_size: 5,
          compute_input: { count: 1, ns: 10 },
          compute_infer: { count: 1, ns: 100 },
          compute_output: { count: 1, ns: 5 },
        },
      ],
    });
  });

  it('list batch sizes in rising order', () => {
    const stats = new ModelStats();
    for (const rows of [16, 2, 16, 9]) stats.addExecution(times, rows, 1, 0);
    const { batch_stats } = stats.read('m', '1');
    expect(batch_stats.map(({ batch_size, compute_infer }) => [batch_size, compute_infer.count])).toEqual([
      [2, 1],
      [9, 1],
      [16, 2],
    ]);
  });

  it('count failures apart from inferences, and by reason', () => {
    const stats = new ModelStats();
    stats.addFailure(50, 'REJECTED');
    stats.addFailure(30, 'BACKEND');
    stats.addFailure(20, 'REJECTED');
    const { inference_count, inference_stats } = stats.read('m', '1');
    expect(inference_count).toBe(0);
    expect(inference_stats.fail).toEqual({ count: 3, ns: 100 });
    expect(stats.failureCounts()).toEqual({ REJECTED: 2, CANCELED: 0, BACKEND: 1, OTHER: 0 });
  });
});
