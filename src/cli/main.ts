/** The command line's table of contents: find the command, read its options, run it, turn what happened into an exit code. */
import type { Command } from './command.js';
import { findCommand } from './commands.js';
import { exitCodes } from './exit-code.js';
import { catchInterrupts } from './interrupt.js';
import { parseCommandLine } from './parse-command-line.js';
import { reportError } from './report-error.js';
import { createTerminal, type Terminal } from './terminal.js';

/** What someone who types the name alone wants to know. */
const FIRST_STEPS = `perf-ts measures and tunes models on a KServe v2 server such as Triton.

  perf-ts -m text_recognition --concurrency-range 1:16    a demo, no server
  perf-ts -m MODEL -u HOST:8001 --concurrency-range 1:16  a model you serve
  perf-ts sweep -m MODEL --model-repository DIR           a faster config for it
  perf-ts --help                                          every option`;

/** Runs one command line (without node and script) and returns the exit code; never throws. */
export async function main(argv: readonly string[]): Promise<number> {
  const terminal = await createTerminal();
  const code = await runCommand(argv, terminal);
  const fault = await terminal.flush();
  if (fault === undefined) return code;
  const reported = reportError(fault, terminal);
  return code === exitCodes.ok ? reported : code;
}

async function runCommand(argv: readonly string[], terminal: Terminal): Promise<number> {
  if (argv.length === 0) {
    terminal.say(FIRST_STEPS);
    return exitCodes.badInput;
  }
  const interrupts = catchInterrupts(terminal);
  try {
    const { name, load, rest } = findCommand(argv);
    const command: Command = await load();
    const parsed = await parseCommandLine(name, command, rest, terminal.width);
    if (parsed.state === 'answered') {
      terminal.print(parsed.text);
      return exitCodes.ok;
    }
    const { values, positionals, remarks } = parsed;
    for (const remark of remarks) terminal.say(remark);
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
