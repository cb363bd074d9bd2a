/** Turns a level's raw columns into its record: pure, so a record can be made again from saved samples. */
import { outcomeCodes } from '../client/outcome.js';
import { type Instant, instant } from '../common/units.js';
import type { RequestColumns } from '../load/request-columns.js';
import type { LoadLevel, StopRule } from '../plan/load-plan.js';
import type {
  EndReason,
  Estimate,
  LatencyIntervals,
  LatencySummary,
  LevelRecord,
  ServerTimes,
} from '../record/run-record.js';
import { batchMeans, estimateMean, estimateQuantile } from './batch-means.js';
import { type MeasuredWindow, openWindow } from './measured-window.js';
import { meanOf, percentileOf, type SortedSamples, sortSamples } from './percentile.js';
import { sliceTime } from './time-slices.js';
import { judgeLevel } from './verdict.js';

const CONFIDENCE = 0.95;
const TIMELINE_SLICES = 60;
/** Requests that a slice of the time plot needs on average. */
const REQUESTS_PER_SLICE = 10;

export interface LevelSamples {
  readonly level: LoadLevel;
  readonly rule: StopRule;
  readonly columns: RequestColumns;
  readonly begin: Instant;
  /** When sending ended. */
  readonly end: Instant;
  readonly endReason: EndReason;
  readonly errors: Readonly<Record<string, number>>;
  readonly maxBusyRatio: number;
  readonly cpuNs: number;
}

/** The record, and the window it speaks of. `server` of the record is filled by `serverBetween` for that window. */
export function summarizeLevel(
  samples: LevelSamples,
  serverBetween: (from: Instant, to: Instant) => ServerTimes | undefined,
): LevelRecord {
  const { level, columns, rule, endReason, errors } = samples;
  const to = instant(Math.max(samples.end, samples.begin + 1));
  const window = openWindow(columns, samples.begin, to, level.concurrency);
  const successCount = columns.outcomes.reduce((count, outcome) => count + (outcome === outcomeCodes.ok ? 1 : 0), 0);
  const errorCount = Object.values(errors).reduce((sum, count) => sum + count, 0);
  const { maxBusyRatio } = samples;
  const requestsPerSec = estimateRate(window, 1);
  return {
    load: { kind: 'closed', concurrency: level.concurrency, batchSize: level.batchSize },
    ...judgeLevel({ window, rule, endReason, successCount, errorCount, maxBusyRatio }),
    endReason,
    throughputPerSec: estimateRate(window, level.batchSize),
    requestsPerSec: requestsPerSec.value,
    latencyNs: summarizeLatency(window.orderedLatenciesNs),
    latencyIntervalNs: latencyIntervals(window),
    serviceNs: summarizeLatency(sortSamples(window.servicesNs)),
    sendLagNs: summarizeLag(sortSamples(window.sendLagsNs)),
    requestCount: window.latenciesNs.length,
    errorCount,
    errors: { ...errors },
    durationNs: window.to - window.from,
    warmupNs: window.from - samples.begin,
    warmupRequestCount: window.warmupRequestCount,
    clientCpuNsPerRequest: columns.length === 0 ? null : Math.round(samples.cpuNs / columns.length),
    server: serverBetween(window.from, window.to) ?? null,
    timeline: drawTimeline(columns, window, level.batchSize),
  };
}

/** Mean rate of the window times `rows`, with its interval. */
function estimateRate({ rates }: MeasuredWindow, rows: number): Estimate {
  if (rates.length === 1) return { value: rates[0]! * rows, low: null, high: null };
  const { mean, halfWidth } = estimateMean(rates, CONFIDENCE);
  return { value: mean * rows, low: Math.max(0, mean - halfWidth) * rows, high: (mean + halfWidth) * rows };
}

/** Null for no samples. */
function summarizeLatency(samples: SortedSamples): LatencySummary | null {
  if (samples.length === 0) return null;
  const at = (percentile: number): number => Math.max(0, percentileOf(samples, percentile));
  return {
    mean: Math.max(0, Math.round(meanOf(samples))),
    p50: at(50),
    p90: at(90),
    p95: at(95),
    p99: at(99),
    p99_9: at(99.9),
    max: at(100),
  };
}

function summarizeLag(samples: SortedSamples): LevelRecord['sendLagNs'] {
  const summary = summarizeLatency(samples);
  return summary && { p50: summary.p50, p99: summary.p99, max: summary.max };
}

/** Null where there are too few samples for any interval. */
function latencyIntervals(window: MeasuredWindow): LatencyIntervals | null {
  const { latenciesNs, orderedLatenciesNs, batchCount } = window;
  if (batchCount === 0) return null;
  const { mean, halfWidth } = estimateMean(batchMeans(latenciesNs, batchCount), CONFIDENCE);
  const at = (percentile: number): [number, number] | null => {
    const { interval } = estimateQuantile(latenciesNs, orderedLatenciesNs, percentile, CONFIDENCE, batchCount);
    return interval === undefined ? null : [interval[0], interval[1]];
  };
  return {
    mean: [Math.max(0, Math.round(mean - halfWidth)), Math.round(mean + halfWidth)],
    p50: at(50),
    p90: at(90),
    p95: at(95),
    p99: at(99),
  };
}

/** Slices of the window for the time plot; `startNs` counts from the window's start. */
function drawTimeline(columns: RequestColumns, window: MeasuredWindow, batchSize: number): LevelRecord['timeline'] {
  const wanted = Math.floor(window.latenciesNs.length / REQUESTS_PER_SLICE);
  const count = Math.min(TIMELINE_SLICES, Math.max(1, wanted));
  const slices = sliceTime(columns, window.from, window.to, count);
  return Array.from(slices.completions, (completed, slice) => {
    const received = slices.received[slice]!;
    return {
      startNs: Math.round(slice * slices.widthNs),
      throughputPerSec: (completed * batchSize * 1e9) / slices.widthNs,
      latencyMeanNs: received === 0 ? null : Math.round(slices.latencySumNs[slice]! / received),
    };
  });
}
