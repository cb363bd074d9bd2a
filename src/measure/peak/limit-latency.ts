/** The latency of a level that a limit speaks of: its mean, or any percentile. */
import { outcomeCodes } from '../../client/outcome.js';
import type { RequestColumns } from '../../load/request-columns.js';
import type { LatencySummary, LevelRecord } from '../../record/run-record.js';
import { percentileOf, sortSamples } from '../statistics/percentile.js';

const recorded: ReadonlyMap<number, keyof LatencySummary> = new Map([
  [50, 'p50'],
  [90, 'p90'],
  [95, 'p95'],
  [99, 'p99'],
  [99.9, 'p99_9'],
]);

/** As metrics are named: `latency_mean`, `latency_p99`, `latency_p97`. */
export const limitMetric = (percentile: number | undefined): string =>
  percentile === undefined ? 'latency_mean' : `latency_p${String(percentile).replace('.', '_')}`;

/** Undefined when no request succeeded. `columns` are needed for percentiles that a record does not hold. */
export function limitLatency(
  level: LevelRecord,
  columns: RequestColumns,
  percentile: number | undefined,
): number | undefined {
  if (level.latencyNs === null) return undefined;
  if (percentile === undefined) return level.latencyNs.mean;
  const name = recorded.get(percentile);
  if (name !== undefined) return level.latencyNs[name];
  return windowPercentile(level, columns, percentile);
}

/** The interval of that latency, where the record has one. */
export function limitInterval(level: LevelRecord, percentile: number | undefined): [number, number] | null {
  if (level.latencyIntervalNs === null) return null;
  if (percentile === undefined) return level.latencyIntervalNs.mean;
  const name = recorded.get(percentile);
  return name === undefined ? null : level.latencyIntervalNs[name];
}

/** Over the requests intended after the warm-up. */
function windowPercentile({ warmupNs }: LevelRecord, columns: RequestColumns, percentile: number): number | undefined {
  const { length, intendedNs, receivedNs, outcomes } = columns;
  const begin = intendedNs.reduce((least, at) => Math.min(least, at), Infinity);
  const latencies = new Float64Array(length);
  let count = 0;
  for (let row = 0; row < length; row++) {
    if (outcomes[row] !== outcomeCodes.ok || intendedNs[row]! < begin + warmupNs) continue;
    latencies[count++] = receivedNs[row]! - intendedNs[row]!;
  }
  return count === 0 ? undefined : percentileOf(sortSamples(latencies.subarray(0, count)), percentile);
}
