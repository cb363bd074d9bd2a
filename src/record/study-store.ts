/**
 * The folder of one study on disk: `study.json`, the journal `study.jsonl` (a header line, then one trial a line, each
 * on disk before the next trial starts), `variants/<id>/config.pbtxt` and `recommended/`, a model repository to serve.
 */
import { constants } from 'node:fs';
import { copyFile, type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { unwritable, writeFileAtomically } from './atomic-file.js';
import { recordFiles } from './read-record.js';
import {
  checkPlainName,
  createRecordFolder,
  isPlainName,
  type RecordFolder,
  type RecordFolderOptions,
  sanitizeName,
} from './record-folder.js';
import type { StudyRecord, TrialRecord } from './study-record.js';

export const JOURNAL_FILE = 'study.jsonl';

/** First line of a journal: what a resumed study must agree with. */
export interface JournalHeader {
  readonly schema: 'perf-ts/journal@1';
  readonly model: string;
  readonly [field: string]: unknown;
}

export interface StudyStore extends RecordFolder {
  /** Writes the journal's first line; call it once, before the first trial. */
  startJournal(header: JournalHeader): Promise<void>;
  /** Appends a trial and returns when it is on disk. Throws OUTPUT_UNWRITABLE. */
  appendTrial(trial: TrialRecord): Promise<void>;
  /** Writes `variants/<id>/config.pbtxt`. */
  saveVariant(id: string, configPbtxt: string): Promise<void>;
  /**
   * Writes `recommended/<kind>/<model>/`: the config and copies of the versions and other files of `modelFolder`, whole or
   * not at all. Returns its absolute path.
   */
  saveRecommendation(configPbtxt: string, modelFolder: string, kind?: 'portable' | 'engine'): Promise<string>;
  /** Replaces `study.json` as a whole. */
  saveStudy(record: StudyRecord): Promise<void>;
  /** Closes the journal. May be called twice. */
  close(): Promise<void>;
}

/** Makes the study's folder; throws PerfTsError OUTPUT_UNWRITABLE before any trial starts. */
export async function createStudyStore(options: RecordFolderOptions): Promise<StudyStore> {
  const folder = await createRecordFolder(options);
  const journal = createJournal(join(folder.path, JOURNAL_FILE));
  return {
    ...folder,
    startJournal: (header) => journal.append(header),
    appendTrial: (trial) => journal.append(trial),
    saveVariant: (id, configPbtxt) =>
      writeFileAtomically(join(folder.path, 'variants', checkPlainName(id), 'config.pbtxt'), configPbtxt),
    saveRecommendation: (configPbtxt, modelFolder, kind) =>
      saveModelFolder(join(folder.path, 'recommended', kind ?? ''), options.model, configPbtxt, modelFolder),
    saveStudy: (record) =>
      writeFileAtomically(join(folder.path, recordFiles.study), `${JSON.stringify(record, null, 2)}\n`),
    close: () => journal.close(),
    async discard() {
      await journal.close();
      await folder.discard();
    },
  };
}

interface Journal {
  append(entry: unknown): Promise<void>;
  close(): Promise<void>;
}

function createJournal(path: string): Journal {
  let file: FileHandle | undefined;
  // Appends wait for each other, so that lines never interleave.
  let last: Promise<void> = Promise.resolve();
  const write = async (line: string): Promise<void> => {
    try {
      file ??= await open(path, 'a');
      await file.appendFile(line);
      await file.sync();
    } catch (cause) {
      throw unwritable('cannot write the journal', path, cause);
    }
  };
  return {
    append(entry) {
      const next = last.then(() => write(`${JSON.stringify(entry)}\n`));
      last = next.catch(() => undefined);
      return next;
    },
    async close() {
      await last;
      const open = file;
      file = undefined;
      await open?.close();
    },
  };
}

async function saveModelFolder(parent: string, model: string, configPbtxt: string, source: string): Promise<string> {
  const name = isPlainName(model) ? model : sanitizeName(model);
  const target = join(parent, name);
  const unfinished = join(parent, `.${name}.tmp`);
  try {
    await rm(unfinished, { recursive: true, force: true });
    await copyFolder(source, unfinished);
    await writeFileAtomically(join(unfinished, 'config.pbtxt'), configPbtxt);
    await rm(target, { recursive: true, force: true });
    await rename(unfinished, target);
    return target;
  } catch (cause) {
    await rm(unfinished, { recursive: true, force: true }).catch(() => undefined);
    throw unwritable('cannot write the recommended model folder', target, cause);
  }
}

/** Copies files as clones where the file system can; links are followed, so the copy stands alone. */
async function copyFolder(source: string, target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const from = join(source, entry.name);
    const to = join(target, entry.name);
    const isFolder = entry.isDirectory() || (entry.isSymbolicLink() && (await isFolderAt(from)));
    if (isFolder) await copyFolder(from, to);
    else await copyFile(from, to, constants.COPYFILE_FICLONE);
  }
}

const isFolderAt = (path: string): Promise<boolean> =>
  readdir(path).then(
    () => true,
    () => false,
  );
