/** Exit codes of the command, a contract with scripts and CI. */
import type { ErrorCode } from '../common/errors.js';
import type { Verdict } from '../record/run-record.js';

export const exitCodes = {
  ok: 0,
  gateFailed: 1,
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

/** A run is good when at least one level can be trusted; a client-limited level is a lower bound and only warns. */
export function exitCodeOfVerdicts(verdicts: readonly Verdict[]): number {
  return verdicts.some((verdict) => verdict === 'VALID' || verdict === 'CLIENT_LIMITED')
    ? exitCodes.ok
    : exitCodes.noValidLevel;
}
