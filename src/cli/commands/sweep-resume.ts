/** `perf-ts sweep --resume`: which study goes on, and with which options: its own, and over them those given now. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { PerfTsError } from '../../common/errors.js';
import type { OptionRow, OptionRows, OptionValues } from '../../common/option-row.js';
import type { JournalHeader } from '../../record/study-journal.js';
import { type FoundStudy, findLatestStudy, findStudy } from '../../record/study-search.js';
import type { Command } from '../command.js';
import { findCommand } from '../commands.js';
import { parseCommandLine } from '../parse-command-line.js';

/** No help page is shown. */
const HELP_WIDTH = 80;

/**
 * `place` is the study's folder; without one, the newest unfinished study under `resultsFolder`. Throws PerfTsError when
 * there is none, or when it is still running.
 */
export async function findStudyToResume(
  place: string,
  resultsFolder: string,
  model: string | undefined,
): Promise<FoundStudy> {
  const found = place === '' ? await findLatestStudy(resultsFolder, model) : await findStudy(place);
  const { headers } = found.journal;
  const processId = headers.at(-1)?.processId;
  if (typeof processId === 'number' && isRunning(processId)) {
    const what = `${found.path} is still being run by process ${processId}`;
    throw new PerfTsError('BAD_OPTION', { where: '--resume', what, hint: 'wait for its end, or stop it first' });
  }
  if (model !== undefined && headers[0].model !== model) {
    const what = `${found.path} is a study of '${headers[0].model}', not of '${model}'`;
    throw new PerfTsError('BAD_OPTION', { where: '--resume', what });
  }
  return found;
}

/** Whether a process of that number is there and is a perf-ts; numbers come up again. */
function isRunning(processId: number): boolean {
  if (processId === process.pid) return false;
  try {
    process.kill(processId, 0);
  } catch {
    return false;
  }
  const commandLine = `/proc/${processId}/cmdline`;
  return !existsSync('/proc/self') || (existsSync(commandLine) && /perf-ts/.test(readFileSync(commandLine, 'utf8')));
}

/**
 * The values of the study's own command line, and those that `argv` gives. Throws PerfTsError BAD_FILE when the journal
 * does not say what the command was.
 */
export async function mergeOptions<Rows extends OptionRows>(
  command: Command<Rows>,
  given: OptionValues<Rows>,
  argv: readonly string[],
  header: JournalHeader,
): Promise<OptionValues<Rows>> {
  const words: readonly unknown[] = Array.isArray(header.command) ? header.command : [];
  const [, ...original] = words.map(String);
  const { name, rest } = findCommand(original);
  const parsed = await parseCommandLine(name, command, rest, HELP_WIDTH);
  if (parsed.state !== 'run') {
    throw new PerfTsError('BAD_FILE', { where: 'study.jsonl', what: 'does not say how the study was begun' });
  }
  const entries = Object.entries(command.rows).map(([key, row]) => {
    const source: Readonly<Record<string, unknown>> = isGiven(row, argv) ? given : parsed.values;
    return [key, source[key]];
  });
  return Object.fromEntries(entries) as OptionValues<Rows>;
}

/** Whether the words name the option, in any of its spellings. */
export function isGiven(
  { flag, aliases }: Pick<OptionRow<unknown>, 'flag' | 'aliases'>,
  words: readonly string[],
): boolean {
  const names = [flag, ...aliases];
  return words.some((word) =>
    names.some((name) =>
      name.length === 1
        ? word.startsWith(`-${name}`) && !word.startsWith('--')
        : word === `--${name}` || word === `--no-${name}` || word.startsWith(`--${name}=`),
    ),
  );
}

/** A path of the study's first part, as seen from here. */
export function pathThen(path: string | undefined, header: JournalHeader): string | undefined {
  const { workingFolder } = header;
  if (path === undefined || typeof workingFolder !== 'string') return path;
  const absolute = resolve(workingFolder, path);
  return existsSync(absolute) ? absolute : path;
}
