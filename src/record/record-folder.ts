/**
 * The folder of one record, `results/<utc time>-<model>-<short id>/`: its name, its making and, when nothing came of
 * it, its removal. Knows no record's content.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, rm, rmdir, stat, unlink, writeFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { systemCodeOf } from '../common/errors.js';
import { unwritable, writeFileAtomically } from './atomic-file.js';
import { holdSpareDescriptors } from './spare-descriptors.js';

export interface RecordFolderOptions {
  /** Parent of all records; made where it does not exist. */
  readonly resultsFolder: string;
  readonly model: string;
  /** Wall-clock time for the folder's name. */
  readonly now?: () => Date;
  /** Six characters that keep runs of one second apart. */
  readonly newId?: () => string;
  /** What the record's `directory` is relative to. */
  readonly workingFolder?: string;
}

export interface RecordFolder {
  /** The folder's name: the record's id. */
  readonly id: string;
  /** Absolute path. */
  readonly path: string;
  /** As a record gives it: relative to the working folder, or absolute where it lies elsewhere. */
  readonly directory: string;
  /** Saves a text under a plain name such as `report.html`. Throws OUTPUT_UNWRITABLE. */
  saveText(name: string, text: string): Promise<void>;
  /** Something was measured and is on disk: from now on `discard` leaves everything. */
  keep(): void;
  readonly isKept: boolean;
  /**
   * Removes the folder with all it holds, and the results folder if it was made for it and is empty; does nothing once
   * something was kept. Never rejects: what called for it matters more.
   */
  discard(): Promise<void>;
}

/** Whether a folder holds something that must not be removed. */
export function createKeeping(): Pick<RecordFolder, 'keep' | 'isKept'> {
  let isKept = false;
  return {
    keep() {
      isKept = true;
    },
    get isKept() {
      return isKept;
    },
  };
}

const LONGEST_NAME = 80;

/** `name` as one harmless part of a path: letters, digits, dot, dash and underscore; never hidden, empty or `..`. */
export function sanitizeName(name: string): string {
  const plain = name
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9._-]+/g, '_')
    .replace(/^[._-]+|[._-]+$/g, '')
    .slice(0, LONGEST_NAME);
  return plain === '' ? 'model' : plain;
}

/** `20260131T142501Z`: sorts by time and is legal on every file system. */
export const folderTime = (date: Date): string =>
  date
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:]/g, '');

/** `path` as a record names it. */
export function recordDirectory(path: string, workingFolder: string): string {
  const fromHere = relative(workingFolder, path);
  const isElsewhere = fromHere === '' || isAbsolute(fromHere) || fromHere.split(sep)[0] === '..';
  return isElsewhere ? path : fromHere.split(sep).join('/');
}

/** True for a visible file name without any part of a path. */
export const isPlainName = (name: string): boolean =>
  name !== '' && !name.startsWith('.') && !/[\\/\0]/.test(name) && name === basename(name);

/** Refuses names that would leave the folder; those come from the program, so it is a bug. */
export function checkPlainName(name: string): string {
  if (!isPlainName(name)) throw new Error(`not a plain file name: ${name}`);
  return name;
}

/**
 * Makes the folder and proves that it can be written, before any load is sent. Throws PerfTsError OUTPUT_UNWRITABLE and
 * leaves nothing behind.
 */
export async function createRecordFolder(options: RecordFolderOptions): Promise<RecordFolder> {
  const { now = () => new Date(), newId = () => randomBytes(3).toString('hex') } = options;
  const workingFolder = options.workingFolder ?? process.cwd();
  const parent = resolve(workingFolder, options.resultsFolder);
  const id = `${folderTime(now())}-${sanitizeName(options.model)}-${newId()}`;
  const path = join(parent, id);
  const made: string[] = [];
  try {
    await makeFolders(parent, made);
    await mkdir(path);
    const probe = join(path, '.probe');
    await writeFile(probe, 'writable?');
    await unlink(probe);
  } catch (cause) {
    await rm(path, { recursive: true, force: true }).catch(() => undefined);
    await removeEmpty(made);
    throw unwritable('the results folder cannot be written', parent, cause);
  }
  holdSpareDescriptors();
  const keeping = createKeeping();
  return {
    id,
    path,
    directory: recordDirectory(path, workingFolder),
    saveText: (name, text) => writeFileAtomically(join(path, checkPlainName(name)), text),
    keep: () => keeping.keep(),
    get isKept() {
      return keeping.isKept;
    },
    async discard() {
      if (keeping.isKept) return;
      await rm(path, { recursive: true, force: true }).catch(() => undefined);
      await removeEmpty(made);
    },
  };
}

/**
 * Makes `path` and its missing parents, noting each in `made`, outermost first. One by one, because node's recursive
 * mkdir never returns where the system denies with ENOENT, as /proc does.
 */
async function makeFolders(path: string, made: string[]): Promise<void> {
  const missing: string[] = [];
  for (let folder = path; !(await exists(folder)); folder = dirname(folder)) missing.unshift(folder);
  for (const folder of missing) {
    try {
      await mkdir(folder);
      made.push(folder);
    } catch (cause) {
      // Another run may have made it in the meantime.
      if (systemCodeOf(cause) !== 'EEXIST') throw cause;
    }
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Takes back folders made for this record, from the inside out, as far as they are empty. */
async function removeEmpty(made: readonly string[]): Promise<void> {
  for (const folder of made.toReversed()) {
    const isRemoved = await rmdir(folder).then(
      () => true,
      () => false,
    );
    if (!isRemoved) return;
  }
}
