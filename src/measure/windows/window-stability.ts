/**
 * When a level is stable as perf_analyzer judges it: contiguous windows, and the last three within a factor of each
 * other. Pure functions over completed requests; only `--compat perf_analyzer` asks for them.
 */
import { outcomeCodes } from '../../client/outcome.js';
import { type Instant, instant } from '../../common/units.js';
import type { RequestColumns } from '../../load/request-columns.js';
import type { WindowRule } from '../../plan/load-plan.js';

/** Windows that must agree, and whose requests are reported together. */
export const JUDGED_WINDOWS = 3;

/** A window of time lasts this much longer than was asked for, as perf_analyzer's do. */
const INTERVAL_STRETCH = 1.2;

/** What was answered in one window; a request belongs to the window in which its answer was complete. */
export interface WindowFigures {
  readonly from: Instant;
  readonly to: Instant;
  readonly requestCount: number;
  readonly requestsPerSec: number;
  /** Mean, or the rule's percentile; undefined in an empty window. */
  readonly latencyNs: number | undefined;
  /** Ascending, nanoseconds. */
  readonly latenciesNs: Float64Array;
}

export type WindowDecision =
  | { readonly kind: 'continue' }
  | { readonly kind: 'stable' | 'throughput-only' | 'over-limit' | 'not-stable' };

/** perf_analyzer's percentile: the sample at the nearest rank of p/100 × (n − 1), without interpolation. */
export function nearestPercentile(sorted: Float64Array, percentile: number): number | undefined {
  return sorted[Math.floor((percentile / 100) * (sorted.length - 1) + 0.5)];
}

export function meanOfSamples(samples: Float64Array): number | undefined {
  return samples.length === 0 ? undefined : samples.reduce((sum, value) => sum + value, 0) / samples.length;
}

/** Standard deviation of a sample; 0 for fewer than two. */
export function standardDeviation(samples: Float64Array): number {
  const mean = meanOfSamples(samples);
  if (mean === undefined || samples.length < 2) return 0;
  return Math.sqrt(samples.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (samples.length - 1));
}

/**
 * The windows that are complete at `now`, from `begin` on without a gap. A window of requests ends with the answer that
 * makes it full (perf_analyzer looks once a second instead, and counts what has come by then).
 */
export function cutWindows(columns: RequestColumns, begin: Instant, now: Instant, rule: WindowRule): WindowFigures[] {
  const windows: WindowFigures[] = [];
  let from = begin;
  let row = 0;
  for (;;) {
    const latencies: number[] = [];
    let to = rule.kind === 'time' ? instant(from + rule.interval * INTERVAL_STRETCH) : undefined;
    if (to !== undefined && to > now) return windows;
    for (; row < columns.length; row++) {
      const receivedNs = columns.receivedNs[row]!;
      if (receivedNs > (to ?? now)) break;
      if (columns.outcomes[row] !== outcomeCodes.ok || receivedNs < from) continue;
      latencies.push(Math.max(0, receivedNs - columns.intendedNs[row]!));
      if (rule.kind === 'count' && latencies.length === rule.requestCount) {
        to = instant(receivedNs);
        row++;
        break;
      }
    }
    if (to === undefined) return windows;
    windows.push(toFigures(from, to, Float64Array.from(latencies).sort(), rule));
    if (windows.length >= rule.maxWindows) return windows;
    from = to;
  }
}

function toFigures(from: Instant, to: Instant, latenciesNs: Float64Array, rule: WindowRule): WindowFigures {
  const requestCount = latenciesNs.length;
  const seconds = Math.max(1, to - from) / 1e9;
  const latencyNs =
    rule.percentile === undefined ? meanOfSamples(latenciesNs) : nearestPercentile(latenciesNs, rule.percentile);
  return { from, to, requestCount, requestsPerSec: requestCount / seconds, latencyNs, latenciesNs };
}

/** What the windows so far say; see the sections on stability of perf_analyzer's documentation. */
export function judgeWindows(windows: readonly WindowFigures[], rule: WindowRule): WindowDecision {
  const judged = windows.slice(-JUDGED_WINDOWS);
  if (judged.length === JUDGED_WINDOWS) {
    const isThroughputStable = agree(
      judged.map(({ requestsPerSec }) => requestsPerSec),
      rule,
    );
    if (
      isThroughputStable &&
      agree(
        judged.map(({ latencyNs }) => latencyNs ?? 0),
        rule,
      )
    )
      return { kind: 'stable' };
    if (judged.some(({ latencyNs }) => isOverLimit(latencyNs, rule))) return { kind: 'over-limit' };
    if (windows.length >= rule.maxWindows && rule.acceptsThroughputAlone && isThroughputStable) {
      return { kind: 'throughput-only' };
    }
  }
  return windows.length >= rule.maxWindows ? { kind: 'not-stable' } : { kind: 'continue' };
}

/** All above zero, and the largest at most 1 + stability times the smallest. */
function agree(values: readonly number[], { stabilityRatio }: WindowRule): boolean {
  const least = Math.min(...values);
  return least > 0 && Math.max(...values) / least <= 1 + stabilityRatio;
}

const isOverLimit = (latencyNs: number | undefined, { latencyLimit }: WindowRule): boolean =>
  latencyLimit !== undefined && latencyNs !== undefined && latencyNs >= latencyLimit;

/** The judged windows as one: latencies pooled, rate over their whole time. Undefined where there is no window. */
export function mergeWindows(windows: readonly WindowFigures[], rule: WindowRule): WindowFigures | undefined {
  const judged = windows.slice(-JUDGED_WINDOWS);
  const [first] = judged;
  const last = judged.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const pooled = new Float64Array(judged.reduce((sum, { requestCount }) => sum + requestCount, 0));
  let at = 0;
  for (const { latenciesNs } of judged) {
    pooled.set(latenciesNs, at);
    at += latenciesNs.length;
  }
  return toFigures(first.from, last.to, pooled.sort(), rule);
}
