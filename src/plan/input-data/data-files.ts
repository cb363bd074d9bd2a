/** Reads the files that `--input-data` names, before the model is known: JSON files, and folders with a file for each input. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { appendAll } from '../../common/append-all.js';
import { messageOf, PerfTsError, type Problem, systemCodeOf } from '../../common/errors.js';
import { type DataStep, readJsonData } from './json-data.js';

/** All files of a run together: JSON takes several times its size while it is read. */
export const MAX_FILE_BYTES = 256 * 2 ** 20;
const MAX_FOLDER_FILES = 10_000;

export type DataFile =
  | { readonly kind: 'json'; readonly path: string; readonly streams: readonly (readonly DataStep[])[] }
  /** Contents by the path within the folder; inputs and outputs have the name of their file. */
  | { readonly kind: 'folder'; readonly path: string; readonly contents: ReadonlyMap<string, Uint8Array> };

/** Throws PerfTsError BAD_FILE with every problem of all files. */
export async function readDataFiles(paths: readonly string[]): Promise<readonly DataFile[]> {
  const problems: Problem[] = [];
  const files: DataFile[] = [];
  const room = { bytes: MAX_FILE_BYTES };
  for (const path of paths) {
    const where = `--input-data ${path}`;
    try {
      const isFolder = (await stat(path)).isDirectory();
      if (isFolder) files.push({ kind: 'folder', path, contents: await readFolder(path, room) });
      else files.push(await readJsonFile(path, room, problems));
    } catch (thrown) {
      const isAbsent = systemCodeOf(thrown) === 'ENOENT';
      const what = isAbsent ? 'there is no such file or folder' : messageOf(thrown);
      problems.push(isAbsent ? { where, what, hint: 'give random, zero, a JSON file or a folder' } : { where, what });
    }
  }
  if (problems.length > 0) throw new PerfTsError('BAD_FILE', shortened(problems));
  return files;
}

const MOST_PROBLEMS = 20;

/** A file with one fault in each of a thousand steps is told well enough by the first of them. */
export function shortened(problems: readonly Problem[]): readonly Problem[] {
  if (problems.length <= MOST_PROBLEMS) return problems;
  const left = problems.length - MOST_PROBLEMS;
  return [...problems.slice(0, MOST_PROBLEMS), { where: '--input-data', what: `has ${left} more such problems` }];
}

async function readJsonFile(path: string, room: { bytes: number }, problems: Problem[]): Promise<DataFile> {
  const bytes = await readWithin(path, room);
  const own: Problem[] = [];
  const streams = readJsonData(utf8TextOf(bytes), path, own);
  appendAll(problems, own);
  return { kind: 'json', path, streams };
}

/** JSON is UTF-8; decoding anything else would change what is sent. */
function utf8TextOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Error('is not UTF-8 text; write bytes of other encodings as {"b64": "…"}');
  }
}

async function readFolder(folder: string, room: { bytes: number }): Promise<ReadonlyMap<string, Uint8Array>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
  if (files.length === 0) throw new Error('the folder is empty');
  if (files.length > MAX_FOLDER_FILES) throw new Error(`the folder holds more than ${MAX_FOLDER_FILES} files`);
  const contents = new Map<string, Uint8Array>();
  for (const file of files) {
    const name = file.slice(join(folder, sep).length).split(sep).join('/');
    contents.set(name, await readWithin(file, room));
  }
  return contents;
}

async function readWithin(path: string, room: { bytes: number }): Promise<Buffer> {
  const { size } = await stat(path);
  if (size > room.bytes) {
    throw new Error(`the input data takes more than ${MAX_FILE_BYTES / 2 ** 20} MiB with ${path} (${size} bytes)`);
  }
  room.bytes -= size;
  return readFile(path);
}
