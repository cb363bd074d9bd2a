/**
 * The folder of one study on disk: `study.json`, the journal `study.jsonl` (a header line, then one trial a line, each
 * on disk before the next trial starts), `variants/<id>/config.pbtxt` and `recommended/`, a model repository to serve.
 */
import { constants } from 'node:fs';
import { copyFile, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { unwritable, writeFileAtomically } from './atomic-file.js';
import { recordFiles } from './read-record.js';
import {
  checkPlainName,
  createRecordFolder,
  isPlainName,
  type RecordFolder,
  type RecordFolderOptions,
  recordDirectory,
  sanitizeName,
} from './record-folder.js';
import { createJournal, type JournalContent, type JournalHeader, repairJournal } from './study-journal.js';
import { lockStudy, type ReleaseStudy } from './study-lock.js';
import type { StudyRecord, TrialRecord } from './study-record.js';

export type { JournalHeader } from './study-journal.js';

export const JOURNAL_FILE = 'study.jsonl';

export interface StudyStore extends RecordFolder {
  /** Writes the journal's first line, before the first trial; a resumed study writes one more. */
  startJournal(header: JournalHeader): Promise<void>;
  /** Appends a trial and returns when it is on disk: the folder is then kept. Throws OUTPUT_UNWRITABLE, the journal then stays as it was. */
  appendTrial(trial: TrialRecord): Promise<void>;
  /** Writes `variants/<id>/config.pbtxt`, or `variants/<id>/<model>/config.pbtxt` where a variant has several. */
  saveVariant(id: string, configPbtxt: string, model?: string): Promise<void>;
  /**
   * Writes `recommended/<kind>/<model>/`: the config and copies of the versions and other files of `modelFolder`, whole or
   * not at all. Returns its absolute path.
   */
  saveRecommendation(
    configPbtxt: string,
    modelFolder: string,
    kind?: 'portable' | 'engine',
    model?: string,
  ): Promise<string>;
  /** Replaces `study.json` as a whole. */
  saveStudy(record: StudyRecord): Promise<void>;
  /** Closes the journal and gives the study's lock back. May be called twice. */
  close(): Promise<void>;
}

/** Makes the study's folder and locks it; throws PerfTsError OUTPUT_UNWRITABLE before any trial starts. */
export async function createStudyStore(options: RecordFolderOptions): Promise<StudyStore> {
  const folder = await createRecordFolder(options);
  return storeIn(folder, options.model, await lockStudy(folder.path));
}

/**
 * The store of a study that goes on, which the caller has locked. The journal's torn last line is taken off. Discarding
 * such a store leaves it as it is. Throws PerfTsError OUTPUT_UNWRITABLE.
 */
export async function openStudyStore(
  path: string,
  journal: JournalContent,
  release: ReleaseStudy,
  workingFolder = process.cwd(),
): Promise<StudyStore> {
  const folder = resolve(workingFolder, path);
  await repairJournal(join(folder, JOURNAL_FILE), journal);
  const record: RecordFolder = {
    id: basename(folder),
    path: folder,
    directory: recordDirectory(folder, workingFolder),
    saveText: (name, text) => writeFileAtomically(join(folder, checkPlainName(name)), text),
    keep: () => undefined,
    isKept: true,
    discard: () => Promise.resolve(),
  };
  return storeIn(record, journal.headers[0].model, release);
}

function storeIn(folder: RecordFolder, model: string, release: ReleaseStudy): StudyStore {
  const journal = createJournal(join(folder.path, JOURNAL_FILE));
  return {
    id: folder.id,
    path: folder.path,
    directory: folder.directory,
    saveText: (name, text) => folder.saveText(name, text),
    keep: () => folder.keep(),
    get isKept() {
      return folder.isKept;
    },
    startJournal: (header) => journal.append(header),
    async appendTrial(trial) {
      await journal.append(trial);
      folder.keep();
    },
    saveVariant: (id, configPbtxt, own) =>
      writeFileAtomically(
        join(folder.path, 'variants', checkPlainName(id), own === undefined ? '' : plainNameOf(own), 'config.pbtxt'),
        configPbtxt,
      ),
    saveRecommendation: (configPbtxt, modelFolder, kind, own = model) =>
      saveModelFolder(join(folder.path, 'recommended', kind ?? ''), own, configPbtxt, modelFolder),
    async saveStudy(record) {
      await writeFileAtomically(join(folder.path, recordFiles.study), `${JSON.stringify(record, null, 2)}\n`);
      if (record.trials.length > 0) folder.keep();
    },
    async close() {
      try {
        await journal.close();
      } finally {
        await release();
      }
    },
    async discard() {
      await journal.close().catch(() => undefined);
      await release();
      await folder.discard();
    },
  };
}

const plainNameOf = (model: string): string => (isPlainName(model) ? model : sanitizeName(model));

async function saveModelFolder(parent: string, model: string, configPbtxt: string, source: string): Promise<string> {
  const name = plainNameOf(model);
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
