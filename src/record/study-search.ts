/** Finds the study to go on with: the newest under a results folder that is not complete. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, PerfTsError, systemCodeOf } from '../common/errors.js';
import { readStudy } from './read-record.js';
import { type JournalContent, readJournal } from './study-journal.js';
import { JOURNAL_FILE } from './study-store.js';

export interface FoundStudy {
  readonly path: string;
  readonly journal: JournalContent;
  /** Whether its record says that it ran to its end. */
  readonly isComplete: boolean;
}

/** Reads the study in `path`. Throws PerfTsError BAD_FILE when there is none. */
export async function findStudy(path: string): Promise<FoundStudy> {
  const journal = await readJournal(join(path, JOURNAL_FILE));
  const state = await readStudy(path).then(
    (record) => record.state,
    () => undefined,
  );
  return { path, journal, isComplete: state === 'complete' };
}

/**
 * The newest study under `resultsFolder` that is not complete, of `model` if that is given. Throws PerfTsError BAD_OPTION
 * when there is none.
 */
export async function findLatestStudy(resultsFolder: string, model: string | undefined): Promise<FoundStudy> {
  const names = await readdir(resultsFolder).catch((cause: unknown): string[] => {
    if (systemCodeOf(cause) === 'ENOENT') return [];
    throw new PerfTsError('BAD_FILE', { where: resultsFolder, what: `cannot be read: ${messageOf(cause)}` }, cause);
  });
  let complete: string | undefined;
  for (const name of names.sort().reverse()) {
    const path = join(resultsFolder, name);
    // Other records, and studies that ended before their first line, are nothing to go on with.
    const found = await findStudy(path).catch(() => undefined);
    if (found === undefined || (model !== undefined && found.journal.headers[0].model !== model)) continue;
    if (!found.isComplete) return found;
    complete ??= path;
  }
  const of = model === undefined ? '' : ` of '${model}'`;
  throw new PerfTsError('BAD_OPTION', {
    where: '--resume',
    what: `there is no unfinished study${of} in ${resultsFolder}`,
    hint:
      complete === undefined
        ? 'leave --resume out to start one, or name the folder of the study'
        : `the newest, ${complete}, is complete; name it and give it a larger --budget to search on`,
  });
}
