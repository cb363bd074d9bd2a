/** Levels that end by themselves: those with a count of requests, and profiles, which are over when they are over. */
import type { Clock } from '../common/clock.js';
import { type Instant, instant, millis, type Nanos, nanos, seconds } from '../common/units.js';
import type { LoadWorkerPool } from '../load/load-session.js';
import type { RequestColumns } from '../load/request-columns.js';
import type { LoadLevel } from '../plan/load-plan.js';
import type { EndReason } from '../record/run-record.js';

const POLL_INTERVAL = millis(20);

/** Why the level will have ended when everything that it was to send has been; undefined where the stop rule ends it. */
export function ownEndReason(level: LoadLevel): EndReason | undefined {
  if (level.requestCount !== undefined) return 'request-count';
  return level.kind === 'open' && level.arrival.kind === 'profile' ? 'schedule-over' : undefined;
}

/** How long the level takes, if it can be told. */
export function ownDuration(level: LoadLevel): Nanos | undefined {
  if (level.kind === 'closed') return undefined;
  if (level.requestCount !== undefined) return seconds(level.requestCount / level.requestRatePerSec);
  if (level.arrival.kind !== 'profile') return undefined;
  return nanos(level.arrival.segments.reduce((sum, { duration }) => sum + duration, 0));
}

/** Just after the last answer, so that every request counts. */
export const endOfRows = (columns: RequestColumns): Instant => instant((columns.receivedNs.at(-1) ?? 0) + 1);

/** Sends the warm-up requests of a level and waits for their answers; they are measured by no one. */
export async function sendWarmUp(
  pool: LoadWorkerPool,
  { warmupRequestCount, ...level }: LoadLevel,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  if (warmupRequestCount === undefined || signal.aborted) return;
  const run = await pool.startLevel({ ...level, requestCount: warmupRequestCount });
  try {
    while (run.isFinished?.() !== true && !signal.aborted) await clock.sleep(POLL_INTERVAL, signal);
  } finally {
    await run.stop();
  }
}
