/** A trial's figure for a metric of design's list by its name, read from the record alone. */
import { largestOf, smallestOf } from '../common/append-all.js';
import type { Bounded } from '../common/format.js';
import { errorRatioOf } from '../record/level-judgement.js';
import type { LevelRecord } from '../record/run-record.js';
import type { TrialRecord } from '../record/study-record.js';

const statistics = ['mean', 'p50', 'p90', 'p95', 'p99', 'p99_9', 'max'] as const;

const NOTHING: Bounded = { value: null, low: null, high: null };
const exactly = (value: number | null | undefined): Bounded => ({ value: value ?? null, low: null, high: null });

/** With the level's 95 % interval where it has one; null where the trial has no such number. */
export function readMetric(trial: TrialRecord, metric: string): Bounded {
  const { level } = trial;
  if (metric === 'load_time') return exactly(trial.loadTimeNs);
  if (metric === 'memory_rss' && typeof trial.memoryBytes === 'number') return exactly(trial.memoryBytes);
  if (level === null) return NOTHING;
  if (metric === 'throughput') return level.throughputPerSec;
  const [kind, statistic] = splitStatistic(metric);
  if (kind === 'latency' && statistic !== undefined) {
    const interval = level.latencyIntervalNs?.[statistic];
    return { value: level.latencyNs?.[statistic] ?? null, low: interval?.[0] ?? null, high: interval?.[1] ?? null };
  }
  if (kind === 'service' && statistic !== undefined) return exactly(level.serviceNs?.[statistic]);
  return exactly(plain[metric]?.(level));
}

function splitStatistic(metric: string): readonly [kind: string, statistic: (typeof statistics)[number] | undefined] {
  const at = metric.indexOf('_');
  const name = metric.slice(at + 1);
  return [metric.slice(0, at), statistics.find((statistic) => statistic === name)];
}

const plain: Readonly<Record<string, (level: LevelRecord) => number | null | undefined>> = {
  request_rate: (level) => level.requestsPerSec,
  error_rate: errorRatioOf,
  queue_time: ({ server }) => server?.queueNs,
  compute_time: ({ server }) => server && server.computeInputNs + server.computeInferNs + server.computeOutputNs,
  memory_rss: ({ monitors }) => monitors?.serverMemoryBytes,
  gpu_memory: ({ monitors }) => sum((monitors?.gpus ?? []).map((gpu) => gpu.memoryUsedBytes)),
  energy_per_inference: ({ monitors }) => monitors?.energyPerInferenceJoules,
};

function sum(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
}

/**
 * Several trials of one variant as one figure: the geometric mean, because gains are ratios of it, from the lowest to
 * the highest bound. Null without a number, without bounds where one trial has none.
 */
export function pool(figures: readonly Bounded[]): Bounded {
  const known = figures.filter(({ value }) => value !== null);
  if (known.length === 0) return NOTHING;
  const lows = known.flatMap(({ low }) => low ?? []);
  const highs = known.flatMap(({ high }) => high ?? []);
  const isBounded = lows.length === known.length && highs.length === known.length;
  return {
    value: meanOf(known.map(({ value }) => value!)),
    low: isBounded ? smallestOf(lows) : null,
    high: isBounded ? largestOf(highs) : null,
  };
}

/** Geometric where all are above 0, else arithmetic. */
function meanOf(values: readonly number[]): number {
  const isPositive = values.every((value) => value > 0);
  const total = values.reduce((sum, value) => sum + (isPositive ? Math.log(value) : value), 0) / values.length;
  return isPositive ? Math.exp(total) : total;
}
