/**
 * The part of a level that counts, from the end of warm-up to the stop: which requests belong to it, its rates and
 * latencies in order of time, and how precisely they are known.
 */
import { outcomeCodes } from '../../client/outcome.js';
import type { Instant } from '../../common/units.js';
import type { RequestColumns } from '../../load/request-columns.js';
import { batchCountFor, batchMeans, estimateMean, estimateQuantile } from '../statistics/batch-means.js';
import { type SortedSamples, sortSamples } from '../statistics/percentile.js';
import { sliceTime } from '../statistics/time-slices.js';
import { findTrend, type Trend } from '../statistics/trend.js';
import { detectWarmUp } from '../statistics/warm-up.js';

/** A request belongs to the window when its intended start lies in [from, to); it is followed to its end, however late. */
export interface MeasuredWindow {
  readonly from: Instant;
  readonly to: Instant;
  readonly isWarmUpOver: boolean;
  readonly isVaried: boolean;
  /** Successful requests cut with the warm-up. */
  readonly warmupRequestCount: number;
  /** Of successful requests from intended start to receipt, in order of receipt; nanoseconds. */
  readonly latenciesNs: Float64Array;
  readonly orderedLatenciesNs: SortedSamples;
  /** From send to receipt, same order. */
  readonly servicesNs: Float64Array;
  /** From intended start to send, same order. */
  readonly sendLagsNs: Float64Array;
  /** Batches for intervals; 0 where there are too few requests for any. */
  readonly batchCount: number;
  /** Successful requests a second in as many consecutive parts of equal time; in one part where there are no batches. */
  readonly rates: Float64Array;
  /** Of a level of several visits: the same with the visits' means made equal, for how precisely the window is known. */
  readonly centred?: MeasuredWindow;
}

/** Relative half widths of intervals; undefined where the samples allow none. */
export interface Precision {
  readonly throughput: number | undefined;
  readonly latencyMean: number | undefined;
  readonly latencyP99: number | undefined;
}

/**
 * Finds the warm-up of a level that began at `begin` and gathers what lies between its end and `to` (after `begin`).
 * `together` requests are under way at once. A load that is varied on purpose is never steady: nothing is cut from it, and
 * it is asked for no steadiness. Nothing is cut either where every request counts (`isWhole`).
 */
export function openWindow(
  columns: RequestColumns,
  begin: Instant,
  to: Instant,
  together: number,
  isVaried = false,
  isWhole = isVaried,
): MeasuredWindow {
  const { end: from, isOver } = isWhole ? { end: begin, isOver: true } : detectWarmUp(columns, begin, to, together);
  const { intendedNs, sentNs, receivedNs, outcomes } = columns;
  const latenciesNs = new Float64Array(columns.length);
  const servicesNs = new Float64Array(columns.length);
  const sendLagsNs = new Float64Array(columns.length);
  let warmupRequestCount = 0;
  let count = 0;
  for (let row = 0; row < columns.length; row++) {
    const intended = intendedNs[row]!;
    if (outcomes[row] !== outcomeCodes.ok || intended >= to) continue;
    if (intended < from) {
      warmupRequestCount++;
      continue;
    }
    latenciesNs[count] = receivedNs[row]! - intended;
    servicesNs[count] = receivedNs[row]! - sentNs[row]!;
    sendLagsNs[count] = sentNs[row]! - intended;
    count++;
  }
  // A batch of `together` requests lasts as long as one request.
  const batchCount = batchCountFor(count, together);
  const slices = sliceTime(columns, from, to, Math.max(1, batchCount));
  return {
    from,
    to,
    isWarmUpOver: isOver,
    isVaried,
    warmupRequestCount,
    latenciesNs: latenciesNs.subarray(0, count),
    orderedLatenciesNs: sortSamples(latenciesNs.subarray(0, count)),
    servicesNs: servicesNs.subarray(0, count),
    sendLagsNs: sendLagsNs.subarray(0, count),
    batchCount,
    rates: slices.completions.map((completed) => (completed * 1e9) / slices.widthNs),
  };
}

/** How precisely the window tells throughput, mean latency and p99, at `confidence`. */
export function precisionOf(window: MeasuredWindow, confidence: number): Precision {
  const { latenciesNs, orderedLatenciesNs, rates, batchCount } = window.centred ?? window;
  if (batchCount === 0) return { throughput: undefined, latencyMean: undefined, latencyP99: undefined };
  const throughput = estimateMean(rates, confidence);
  const latency = estimateMean(batchMeans(latenciesNs, batchCount), confidence);
  const p99 = estimateQuantile(latenciesNs, orderedLatenciesNs, 99, confidence, batchCount);
  return {
    throughput: throughput.halfWidth / throughput.mean,
    latencyMean: latency.halfWidth / latency.mean,
    latencyP99: p99.interval && (p99.interval[1] - p99.interval[0]) / 2 / p99.value,
  };
}

/** The quantities whose target is missed; p99 has twice the target and is asked only where it has an interval. */
export function missedTargets(precision: Precision, targetHalfWidth: number): (keyof Precision)[] {
  const limits = { throughput: targetHalfWidth, latencyMean: targetHalfWidth, latencyP99: 2 * targetHalfWidth };
  return (Object.keys(limits) as (keyof Precision)[]).filter((name) => {
    const reached = precision[name];
    return reached === undefined ? name !== 'latencyP99' : !(reached <= limits[name]);
  });
}

/** The drift of throughput or of mean latency over the window, whichever is larger; undefined where neither drifts. */
export function driftOf(
  whole: MeasuredWindow,
): { readonly of: 'throughput' | 'latency'; readonly trend: Trend } | undefined {
  const window = whole.centred ?? whole;
  if (window.batchCount === 0 || window.isVaried) return undefined;
  const throughput = { of: 'throughput', trend: findTrend(window.rates) } as const;
  const latency = { of: 'latency', trend: findTrend(batchMeans(window.latenciesNs, window.batchCount)) } as const;
  return [throughput, latency]
    .filter(({ trend }) => trend.isDrift)
    .sort((a, b) => Math.abs(b.trend.relativeChange) - Math.abs(a.trend.relativeChange))[0];
}
