/** Says what went wrong in words for people, and what it means as an exit code. */
import { describeProblem, messageOf, PerfTsError, type Problem } from '../common/errors.js';
import { environmentFault } from '../common/system-faults.js';
import { exitCodeOfError, exitCodes } from './exit-code.js';
import type { Terminal } from './terminal.js';

/** Faults of files and of the machine are told as such wherever they come from; everything else is a bug. */
export function reportError(thrown: unknown, terminal: Pick<Terminal, 'say'>): number {
  const fault = thrown instanceof PerfTsError ? thrown : environmentFault(thrown);
  if (fault !== undefined) {
    terminal.say(formatProblems(fault.problems));
    return exitCodeOfError(fault.code);
  }
  terminal.say(`perf-ts: unexpected error: ${messageOf(thrown)}`);
  if (process.env.PERF_TS_DEBUG && thrown instanceof Error) terminal.say(thrown.stack ?? '');
  else terminal.say('This is a bug in perf-ts; PERF_TS_DEBUG=1 shows where. Please report it.');
  return exitCodes.unexpected;
}

function formatProblems(problems: readonly Problem[]): string {
  if (problems.length === 1) return `perf-ts: ${describeProblem(problems[0]!)}`;
  return [`perf-ts: ${problems.length} problems:`, ...problems.map((problem) => `  ${describeProblem(problem)}`)].join(
    '\n',
  );
}

/** Says all of `faults`; the exit code is that of the first, or `otherwise`. */
export function reportLate(faults: readonly Error[], terminal: Pick<Terminal, 'say'>, otherwise: number): number {
  const [code] = faults.map((fault) => reportError(fault, terminal));
  return code ?? otherwise;
}
