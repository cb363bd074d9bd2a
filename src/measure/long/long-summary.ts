/** What the record of a long level takes from counts instead of from raw samples. */
import type { Instant } from '../../common/units.js';
import type { LatencySummary, LevelRecord } from '../../record/run-record.js';
import { batchMeans } from '../statistics/batch-means.js';
import type { LogHistogram } from '../statistics/log-histogram.js';
import type { InFlightTime } from '../windows/in-flight-time.js';
import type { MeasuredWindow } from '../windows/measured-window.js';
import type { LongLevel } from './long-level.js';

const TIMELINE_SLICES = 60;
const BATCHES = 20;

/** The window of `long`: rates from all requests; latencies, for intervals, from the random sample. */
export function longWindow(long: LongLevel, sampled: MeasuredWindow, to: Instant, isVaried: boolean): MeasuredWindow {
  const { slices, widthNs } = long.slices(to);
  const rates = Float64Array.from(slices, ({ received }) => (received * 1e9) / widthNs);
  return {
    ...sampled,
    from: long.from,
    to,
    isVaried,
    warmupRequestCount: long.warmupCount,
    rates: rates.length < BATCHES ? wholeRate(long, to) : batchMeans(rates, BATCHES),
    batchCount: rates.length < BATCHES ? 0 : Math.min(BATCHES, sampled.batchCount),
  };
}

/** Of all requests, over the whole slices; over the time so far where none is whole yet. */
function wholeRate(long: LongLevel, to: Instant): Float64Array {
  const { slices, widthNs } = long.slices(to);
  if (slices.length === 0) return Float64Array.of((long.latency.total * 1e9) / Math.max(1, to - long.from));
  const received = slices.reduce((sum, slice) => sum + slice.received, 0);
  return Float64Array.of((received * 1e9) / (slices.length * widthNs));
}

/** Requests in flight by Little's law slice by slice, since no instants are left to count them by. */
export function longInFlight(long: LongLevel, to: Instant): InFlightTime {
  const { slices, widthNs } = long.slices(to);
  return {
    means: Float64Array.from(slices, ({ latencyNs }) => latencyNs / widthNs),
    dueCount: long.dueCount,
    meanLatencyNs: long.latency.mean,
  };
}

/** Null where nothing was counted. Percentiles are those of all requests, to a thousandth. */
export function summarizeHistogram(histogram: LogHistogram): LatencySummary | null {
  if (histogram.total === 0) return null;
  const at = (percentile: number): number => Math.max(0, histogram.percentile(percentile));
  return {
    mean: Math.max(0, Math.round(histogram.mean)),
    p50: at(50),
    p90: at(90),
    p95: at(95),
    p99: at(99),
    p99_9: at(99.9),
    max: Math.max(0, histogram.largest),
  };
}

export function longTimeline(long: LongLevel, to: Instant, batchSize: number): LevelRecord['timeline'] {
  const { slices, widthNs } = long.slices(to);
  const joined = Math.max(1, Math.ceil(slices.length / TIMELINE_SLICES));
  const parts = Math.floor(slices.length / joined);
  return Array.from({ length: parts }, (_, part) => {
    const own = slices.slice(part * joined, (part + 1) * joined);
    const received = own.reduce((sum, slice) => sum + slice.received, 0);
    const latencyNs = own.reduce((sum, slice) => sum + slice.latencyNs, 0);
    return {
      startNs: Math.round(part * joined * widthNs),
      throughputPerSec: (received * batchSize * 1e9) / (joined * widthNs),
      latencyMeanNs: received === 0 ? null : Math.round(latencyNs / received),
    };
  });
}
