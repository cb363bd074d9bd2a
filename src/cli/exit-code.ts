/** Exit codes of the command, a contract with scripts and CI. */
import type { ErrorCode } from '../common/errors.js';
import type { LevelRecord, RunRecord } from '../record/run-record.js';
import type { StudyRecord } from '../record/study-record.js';

export const exitCodes = {
  ok: 0,
  gateFailed: 1,
  /** As tritonserver's, when it could not finish in time what it had accepted. */
  requestsGivenUp: 1,
  noValidLevel: 2,
  badInput: 3,
  targetFailed: 4,
  inconclusive: 5,
  unexpected: 99,
  interrupted: 130,
} as const;

const codeOf: Readonly<Record<ErrorCode, number>> = {
  BAD_OPTION: exitCodes.badInput,
  BAD_FILE: exitCodes.badInput,
  OUTPUT_UNWRITABLE: exitCodes.badInput,
  TARGET_UNREACHABLE: exitCodes.targetFailed,
  TARGET_REFUSED: exitCodes.targetFailed,
  ENGINE_FAILED: exitCodes.targetFailed,
  LOAD_FAILED: exitCodes.unexpected,
  RUNTIME_UNUSABLE: exitCodes.targetFailed,
  INTERRUPTED: exitCodes.interrupted,
};

export const exitCodeOfError = (code: ErrorCode): number => codeOf[code];

/** Of a sweep: nothing that could be measured is 2; an open question is 5 where that is asked for. */
export function exitCodeOfStudy(
  { trials, conclusion }: Pick<StudyRecord, 'trials' | 'conclusion'>,
  isStrict: boolean,
): number {
  if (!trials.some(({ state }) => state === 'complete')) return exitCodes.noValidLevel;
  return isStrict && conclusion?.kind === 'could_not_tell' ? exitCodes.inconclusive : exitCodes.ok;
}

/** What of a level decides over the exit code. */
type JudgedLevel = Pick<LevelRecord, 'isSteady' | 'warnings' | 'requestCount' | 'errorCount' | 'errors'>;

/**
 * A run is good when at least one level was steady. A steady level that the client limited is a lower bound and only
 * warns. A server that answered and then stopped for good is a target that died, whatever was measured before.
 */
export function exitCodeOfLevels(levels: readonly JudgedLevel[]): number {
  if (stoppedForGood(levels)) return exitCodes.targetFailed;
  return levels.some(({ isSteady }) => isSteady) ? exitCodes.ok : exitCodes.noValidLevel;
}

/** That of its levels; a search for the highest rate has to have found one. */
export function exitCodeOfRun({ levels, peak }: Pick<RunRecord, 'levels' | 'peak'>): number {
  const code = exitCodeOfLevels(levels);
  const isFound = peak === undefined || (peak.isConfirmed && peak.requestRatePerSec !== null);
  return code === exitCodes.ok && !isFound ? exitCodes.noValidLevel : code;
}

/** Whether there were answers, and none any more at the end of the last level that had any request. */
function stoppedForGood(levels: readonly JudgedLevel[]): boolean {
  if (levels.every(({ requestCount }) => requestCount === 0)) return false;
  const last = levels.findLast(({ requestCount, errorCount }) => requestCount + errorCount > 0);
  if (last === undefined) return false;
  return last.warnings.some(({ code }) => code === 'SERVER_STOPPED') || (last.requestCount === 0 && !isTooSlow(last));
}

/** Timeouts alone are overload: the server is there and does not keep up. */
const isTooSlow = ({ errors }: JudgedLevel): boolean =>
  Object.keys(errors).length > 0 &&
  Object.keys(errors).every((cause) => /^(DEADLINE_EXCEEDED|CANCELLED)\b/.test(cause));
