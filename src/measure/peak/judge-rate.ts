/** Whether a request rate holds: served without a growing backlog, and within the latency limit where there is one. */
import type { Nanos } from '../../common/units.js';
import type { LevelRecord } from '../../record/run-record.js';
import type { ProbeResult } from './peak-search.js';

/** Share of the offered requests that must be answered within the window. */
const MIN_SERVED_RATIO = 0.98;
/** Share of failed requests that a rate may have. */
const MAX_ERROR_RATIO = 0.001;
/** Codes of warnings that say that the server fell behind. */
const OVERLOAD_CODES = ['OVERLOADED', 'REQUESTS_DROPPED'];

/** True where an open loop offered more than the server took. */
export function isOverloaded(level: LevelRecord): boolean {
  if (level.load.kind !== 'open') return false;
  const isTold = level.droppedCount > 0 || level.warnings.some(({ code }) => OVERLOAD_CODES.includes(code));
  return isTold || level.requestsPerSec < level.load.requestRatePerSec * MIN_SERVED_RATIO * 0.97;
}

/**
 * `latencyNs` is what the limit speaks of. A latency whose interval holds the limit is unclear, unless `isFinal`: then the
 * estimate decides.
 */
export function judgeRate(
  level: LevelRecord,
  latencyNs: number | undefined,
  latencyLimit: Nanos | undefined,
  interval: readonly [number, number] | null | undefined,
  isFinal: boolean,
): ProbeResult {
  const errorRatio = level.errorCount / Math.max(1, level.errorCount + level.requestCount);
  if (latencyNs === undefined || errorRatio > MAX_ERROR_RATIO || isOverloaded(level)) return 'fail';
  if (latencyLimit === undefined) return 'pass';
  const isUnclear = interval != null && interval[0] <= latencyLimit && latencyLimit < interval[1];
  if (isUnclear && !isFinal) return 'unclear';
  return latencyNs <= latencyLimit ? 'pass' : 'fail';
}
