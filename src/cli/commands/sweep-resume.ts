/** `perf-ts sweep --resume`: which study goes on, and with which options: its own, and over them those given now. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { PerfTsError } from '../../common/errors.js';
import type { OptionRow, OptionRows, OptionValues } from '../../common/option-row.js';
import type { InputChoice } from '../../plan/input-data/input-choice.js';
import type { JournalHeader } from '../../record/study-journal.js';
import { lockStudy, type ReleaseStudy } from '../../record/study-lock.js';
import { type FoundStudy, findLatestStudy, findStudy } from '../../record/study-search.js';
import type { Command } from '../command.js';
import { findCommand } from '../commands.js';
import { parseCommandLine } from '../parse-command-line.js';

/** No help page is shown. */
const HELP_WIDTH = 80;

export interface StudyToResume extends FoundStudy {
  /** Nobody else may write to it until this is called. */
  readonly release: ReleaseStudy;
}

/**
 * `place` is the study's folder; without one, the newest unfinished study under `resultsFolder`. Throws PerfTsError when
 * there is none, or when it may still be running.
 */
export async function findStudyToResume(
  place: string,
  resultsFolder: string,
  model: string | undefined,
): Promise<StudyToResume> {
  const { path, journal: seen } = place === '' ? await findLatestStudy(resultsFolder, model) : await findStudy(place);
  if (model !== undefined && seen.headers[0].model !== model) {
    const what = `${path} is a study of '${seen.headers[0].model}', not of '${model}'`;
    throw new PerfTsError('BAD_OPTION', { where: '--resume', what });
  }
  const release = await lockStudy(path);
  try {
    // What its last process wrote until it ended counts.
    return { ...(await findStudy(path)), release };
  } catch (fault) {
    await release();
    throw fault;
  }
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

/** A file or folder of input data of the study's first part, as seen from here. */
export const choiceThen = (choice: InputChoice, header: JournalHeader): InputChoice =>
  choice.kind === 'path' ? { ...choice, path: pathThen(choice.path, header)! } : choice;
