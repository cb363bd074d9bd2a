/** Model statistics with chosen totals and nothing else in them. */
import type { ModelStatistics, StatisticDuration } from '../../src/kserve/metadata.js';

export interface StatisticTotals {
  readonly requests: number;
  readonly version?: string;
  /** Default: as many as requests. */
  readonly executions?: number;
  readonly queueNs?: number;
  readonly inputNs?: number;
  readonly inferNs?: number;
  readonly outputNs?: number;
}

export function statisticsOf(totals: StatisticTotals): ModelStatistics {
  const count = totals.requests;
  const of = (ns = 0): StatisticDuration => ({ count, ns });
  const none = { count: 0, ns: 0 };
  const { queueNs = 0, inputNs = 0, inferNs = 0, outputNs = 0 } = totals;
  return {
    name: 'model',
    version: totals.version ?? '1',
    last_inference: 0,
    inference_count: count,
    execution_count: totals.executions ?? count,
    inference_stats: {
      success: of(queueNs + inputNs + inferNs + outputNs),
      fail: none,
      queue: of(queueNs),
      compute_input: of(inputNs),
      compute_infer: of(inferNs),
      compute_output: of(outputNs),
      cache_hit: none,
      cache_miss: none,
    },
    batch_stats: [],
  };
}
