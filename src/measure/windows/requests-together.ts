/**
 * How many requests of a level are under way together. Requests that wait together depend on one another, so this is the
 * least size of a batch, and what may be unanswered when a level is looked at.
 */
import type { RequestColumns } from '../../load/request-columns.js';
import type { LoadLevel } from '../../plan/load-plan.js';

/** Latest rows that an open loop's figure is taken from. */
const LATEST_ROWS = 1000;

/**
 * A closed loop's concurrency; in an open loop the rate times the mean of the latest latencies (Little's law), at least 1
 * and at most what the level allows.
 */
export function requestsTogether(level: LoadLevel, columns: RequestColumns): number {
  if (level.kind === 'closed') return level.concurrency;
  const from = Math.max(0, columns.length - LATEST_ROWS);
  let sumNs = 0;
  for (let row = from; row < columns.length; row++) sumNs += columns.receivedNs[row]! - columns.intendedNs[row]!;
  const meanSec = columns.length === 0 ? 0 : sumNs / (columns.length - from) / 1e9;
  return Math.min(level.maxInFlight, Math.max(1, Math.ceil(level.requestRatePerSec * meanSec)));
}

/** Whether the load is to change while the level lasts. */
export const isVaried = (level: LoadLevel): boolean => level.kind === 'open' && level.arrival.kind === 'profile';

/** Whether every request of the level counts, so that no warm-up is looked for: profiles, and exact counts. */
export const isKeptWhole = (level: LoadLevel): boolean => isVaried(level) || level.requestCount !== undefined;
