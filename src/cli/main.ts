/** The command line's table of contents: find the command, read its options, run it, turn what happened into an exit code. */
import { describeProblem, messageOf, PerfTsError, type Problem } from '../common/errors.js';
import type { Command } from './command.js';
import { findCommand } from './commands.js';
import { exitCodeOfError, exitCodes } from './exit-code.js';
import { catchInterrupts } from './interrupt.js';
import { parseCommandLine } from './parse-command-line.js';
import { createTerminal, type Terminal } from './terminal.js';

/** Runs one command line (without node and script) and returns the exit code; never throws. */
export async function main(argv: readonly string[]): Promise<number> {
  const terminal = await createTerminal();
  const interrupts = catchInterrupts(terminal);
  try {
    const { name, load, rest } = findCommand(argv);
    const command: Command = await load();
    const parsed = await parseCommandLine(name, command, rest, terminal.width);
    if (parsed.state === 'answered') {
      terminal.print(parsed.text);
      return exitCodes.ok;
    }
    const { values, positionals } = parsed;
    const code = await command.run(values, { terminal, signal: interrupts.signal, argv, positionals });
    return interrupts.signal.aborted && command.endsBySignal !== true ? exitCodes.interrupted : code;
  } catch (thrown) {
    terminal.clearProgress();
    if (interrupts.signal.aborted) {
      terminal.say('Nothing was finished yet, so nothing was kept.');
      return exitCodes.interrupted;
    }
    return reportError(thrown, terminal);
  } finally {
    interrupts.close();
  }
}

function reportError(thrown: unknown, terminal: Terminal): number {
  if (thrown instanceof PerfTsError) {
    terminal.say(formatProblems(thrown.problems));
    return exitCodeOfError(thrown.code);
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
