/**
 * A last level in which every request timed out may be the load's doing or a server that hangs although it says that it is
 * ready. One request alone, after the load, tells them apart.
 */
import { PerfTsError } from '../common/errors.js';
import { startLoadWorkers } from '../load/worker-pool.js';
import type { LoadPlan } from '../plan/load-plan.js';
import type { LevelRecord } from '../record/run-record.js';

/** What the load had left in the server's queue may come first. */
const TRIES = 3;

const isTimeout = (cause: string): boolean => /^(DEADLINE_EXCEEDED|CANCELLED)\b/.test(cause);

/** Whether requests were answered before, and none any more in the last level, for want of time alone. */
export function endedUnanswered(levels: readonly LevelRecord[]): boolean {
  const last = levels.at(-1);
  if (last === undefined || last.requestCount > 0 || levels.every(({ requestCount }) => requestCount === 0))
    return false;
  return last.errorCount > 0 && Object.keys(last.errors).every(isTimeout);
}

/** Throws PerfTsError TARGET_UNREACHABLE where a request of each model, sent alone, is not answered either. */
export async function proveAnswering(plan: LoadPlan, signal: AbortSignal): Promise<void> {
  for (let tried = 1; !signal.aborted; tried++) {
    try {
      const pool = await startLoadWorkers({ ...plan, workerCount: 1 });
      return await pool.close();
    } catch (thrown) {
      if (!(thrown instanceof PerfTsError) || thrown.code !== 'TARGET_UNREACHABLE' || tried === TRIES) throw thrown;
    }
  }
}
