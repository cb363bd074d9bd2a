/** Whether a request rate holds: served without a growing backlog, and within the latency limit where there is one. */
import type { Nanos } from '../../common/units.js';
import { errorRatioOf } from '../../record/level-judgement.js';
import type { LevelRecord } from '../../record/run-record.js';
import { limitInterval, limitLatency } from './limit-latency.js';
import type { ProbeResult } from './peak-search.js';

/** Share of the offered requests that must be answered within the window. */
const MIN_SERVED_RATIO = 0.98;
/** Codes of warnings that say that the server fell behind. */
const OVERLOAD_CODES = ['OVERLOADED', 'REQUESTS_DROPPED'];
/** Codes of warnings that give a failure another cause than the server. */
const DISTURBED_CODES = ['HOST_BUSY', 'STOOD_STILL'];
/** Requests that a percentile needs beyond it, and any figure at all. */
const MIN_TAIL_COUNT = 5;
const MIN_REQUEST_COUNT = 30;
/** As many are enough to see that half of them took longer than the limit. */
const MIN_HALF_COUNT = 10;

/** What a rate has to hold. */
export interface RateLimit {
  readonly latencyLimit: Nanos | undefined;
  /** The mean where there is none. */
  readonly percentile: number | undefined;
  readonly maxErrorRatio: number;
}

/** Requests without which a probe says nothing about the limit. */
export function neededRequests({ latencyLimit, percentile }: Pick<RateLimit, 'latencyLimit' | 'percentile'>): number {
  if (latencyLimit === undefined || percentile === undefined) return MIN_REQUEST_COUNT;
  return Math.max(MIN_REQUEST_COUNT, Math.ceil(MIN_TAIL_COUNT / (1 - percentile / 100)));
}

/** True where an open loop offered more than the server took. */
export function isOverloaded(level: LevelRecord): boolean {
  if (level.load.kind !== 'open') return false;
  const isTold = level.droppedCount > 0 || level.warnings.some(({ code }) => OVERLOAD_CODES.includes(code));
  return isTold || level.requestsPerSec < level.load.requestRatePerSec * MIN_SERVED_RATIO * 0.97;
}

/**
 * Unclear are: too few requests for the percentile, a failure beside a disturbance of the host or of perf-ts itself, and
 * a latency whose interval holds the limit, unless `isFinal`: then the estimate decides.
 */
export function judgeRate(level: LevelRecord, limit: RateLimit, isFinal: boolean): ProbeResult {
  const result = judgeUndisturbed(level, limit, isFinal);
  const isDisturbed = !level.isSteady && level.warnings.some(({ code }) => DISTURBED_CODES.includes(code));
  return result === 'fail' && isDisturbed ? 'unclear' : result;
}

function judgeUndisturbed(level: LevelRecord, limit: RateLimit, isFinal: boolean): ProbeResult {
  const { latencyLimit, percentile, maxErrorRatio } = limit;
  const latencyNs = limitLatency(level, percentile);
  const errorRatio = errorRatioOf(level);
  if (latencyNs === undefined || level.latencyNs === null) return 'fail';
  if (errorRatio === undefined || errorRatio > maxErrorRatio || isOverloaded(level)) return 'fail';
  if (level.requestCount < neededRequests(limit)) {
    const isFarOver = latencyLimit !== undefined && level.latencyNs.p50 > latencyLimit;
    return isFarOver && level.requestCount >= MIN_HALF_COUNT ? 'fail' : 'unclear';
  }
  if (latencyLimit === undefined) return 'pass';
  const interval = limitInterval(level, percentile);
  const isUnclear = interval !== null && interval[0] <= latencyLimit && latencyLimit < interval[1];
  if (isUnclear && !isFinal) return 'unclear';
  return latencyNs <= latencyLimit ? 'pass' : 'fail';
}
