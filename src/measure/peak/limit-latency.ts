/** The latency of a level that a limit speaks of, over its measured window: its mean, or any percentile. */
import type { LatencySummary, LevelRecord } from '../../record/run-record.js';

const recorded: ReadonlyMap<number, Exclude<keyof LatencySummary, 'mean' | 'max'>> = new Map([
  [50, 'p50'],
  [90, 'p90'],
  [95, 'p95'],
  [99, 'p99'],
  [99.9, 'p99_9'],
]);

/** As metrics are named: `latency_mean`, `latency_p99`, `latency_p97`. */
export const limitMetric = (percentile: number | undefined): string =>
  percentile === undefined ? 'latency_mean' : `latency_p${String(percentile).replace('.', '_')}`;

/** Undefined when no request succeeded. */
export function limitLatency(level: LevelRecord, percentile: number | undefined): number | undefined {
  if (level.latencyNs === null) return undefined;
  if (percentile === undefined) return level.latencyNs.mean;
  const name = recorded.get(percentile);
  if (name !== undefined) return level.latencyNs[name];
  return level.otherPercentile?.percentile === percentile ? level.otherPercentile.latencyNs : undefined;
}

/** The interval of that latency, where there are enough requests for one. */
export function limitInterval(level: LevelRecord, percentile: number | undefined): [number, number] | null {
  if (percentile === undefined) return level.latencyIntervalNs?.mean ?? null;
  const name = recorded.get(percentile);
  if (name !== undefined) return level.latencyIntervalNs?.[name] ?? null;
  return level.otherPercentile?.percentile === percentile ? level.otherPercentile.intervalNs : null;
}
