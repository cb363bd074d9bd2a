/** Sorts what went wrong in a trial into the causes that a study counts by. */
import { messageOf, PerfTsError } from '../../common/errors.js';
import type { LevelRecord } from '../../record/run-record.js';
import type { TrialCause } from '../../record/study-record.js';

/** A failure of the server, in its own words and as a cause. */
export interface TrialFailure {
  readonly message: string;
  readonly cause: TrialCause;
}

/** Why a variant's answers could not be held against the unchanged model's: no fault of its serving. */
export class UncomparedAnswers extends Error {
  constructor(cause: unknown) {
    super(`its answers could not be compared: ${messageOf(cause)}`, { cause });
  }
}

/** Whether the server itself was lost, and not a question about its answers. */
const isLost = (thrown: unknown): boolean =>
  thrown instanceof PerfTsError && (thrown.code === 'ENGINE_FAILED' || thrown.code === 'TARGET_UNREACHABLE');

/** What was thrown while answers were compared, told apart from a server that was lost meanwhile. */
export const comparisonFault = (thrown: unknown): unknown =>
  isLost(thrown) || memoryPattern.test(messageOf(thrown)) ? thrown : new UncomparedAnswers(thrown);

/** How allocators, runtimes and kernels say that memory is over; a server that is killed from outside mostly is for that. */
const memoryPattern =
  /out of memory|bad_alloc|failed to allocate|cannot allocate|allocation failed|ENOMEM|\bOOM\b|signal SIGKILL/i;

/** What was thrown while a variant was launched or measured. */
export function failureOf(thrown: unknown, wasServing: boolean): TrialFailure {
  const message = messageOf(thrown);
  if (memoryPattern.test(message)) return { message, cause: 'out_of_memory' };
  if (thrown instanceof UncomparedAnswers) return { message, cause: 'accuracy' };
  // A server that ended by itself crashed; one that answered with a reason refused.
  if (thrown instanceof PerfTsError && thrown.code === 'ENGINE_FAILED') return { message, cause: 'crash' };
  if (!wasServing) return { message, cause: 'load_refused' };
  return { message, cause: thrown instanceof PerfTsError ? 'crash' : 'unknown' };
}

/** Why a level without a usable number has none. */
export function failureOfLevel(level: LevelRecord): TrialFailure {
  const causes = Object.entries(level.errors).map(([cause, count]) => `${count} x ${cause}`);
  const said = [...level.warnings.map(({ message }) => message), ...causes];
  const message = said.length === 0 ? 'no request succeeded' : said.join('; ');
  return { message, cause: memoryPattern.test(message) ? 'out_of_memory' : 'requests_failed' };
}
