/**
 * Files and folders that options name to be written: proven writable before anything is started, so that a wrong path is
 * told in a second and not after hours of load.
 */
import { constants, type Stats } from 'node:fs';
import { access, lstat, open, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { PerfTsError, type Problem, systemCodeOf } from '../common/errors.js';
import type { OptionRow } from '../common/option-row.js';
import { remedyOf, systemMessage } from '../common/system-faults.js';

/** Every problem of what the given options (`texts` by flag) are to write; nothing is left behind. */
export async function checkOutputs(
  rows: readonly OptionRow<unknown>[],
  texts: Readonly<Record<string, readonly string[]>>,
): Promise<Problem[]> {
  const problems: Problem[] = [];
  const taken = new Map<string, string>();
  for (const { flag, writes } of rows) {
    if (writes === undefined) continue;
    for (const path of texts[flag] ?? []) {
      const where = `--${flag} ${path}`;
      const other = writes === 'folder' ? undefined : taken.get(resolve(path));
      if (other !== undefined) problems.push({ where, what: `is the file of --${other} too`, hint: 'name another' });
      else if (writes !== 'folder') taken.set(resolve(path), flag);
      const fault = await (writes === 'folder' ? proveFolder(path) : proveFile(path, writes === 'new-file'));
      if (fault !== undefined) problems.push({ where, ...fault });
    }
  }
  return problems;
}

/** Writes a text to the file of an option. Throws PerfTsError OUTPUT_UNWRITABLE that names both. */
export async function writeOutput(flag: string, path: string, text: string): Promise<void> {
  await writeFile(path, text).catch((cause: unknown) => {
    throw new PerfTsError('OUTPUT_UNWRITABLE', { where: `${flag} ${path}`, ...describe(cause) }, cause);
  });
}

type Fault = Pick<Problem, 'what' | 'hint'>;

function describe(cause: unknown): Fault {
  const hint = remedyOf(systemCodeOf(cause));
  return { what: `cannot be written: ${systemMessage(cause)}`, ...(hint !== undefined && { hint }) };
}

async function proveFile(path: string, mustBeNew: boolean): Promise<Fault | undefined> {
  try {
    const found = await statOf(path);
    if (found !== undefined && mustBeNew) {
      return { what: 'exists already', hint: 'name a new file; nothing is overwritten' };
    }
    if (found === undefined) await tryNewFile(path);
    else if (found.isFile() || found.isDirectory()) await (await open(path, 'r+')).close();
    // Opening a pipe waits for its reader, and closing it ends the reader.
    else await access(path, constants.W_OK);
    return undefined;
  } catch (cause) {
    return describe(cause);
  }
}

async function tryNewFile(path: string): Promise<void> {
  // A link to a file that is yet to be made is no new file, and must not be removed.
  const isLink = await lstat(path).then(
    () => true,
    () => false,
  );
  await (await open(path, isLink ? 'a' : 'wx')).close();
  if (!isLink) await unlink(path);
}

/** A folder is made with its parents where it is missing, so it is the nearest one there that has to be writable. */
async function proveFolder(path: string): Promise<Fault | undefined> {
  try {
    let folder = resolve(path);
    let found = await statOf(folder);
    while (found === undefined && dirname(folder) !== folder) {
      folder = dirname(folder);
      found = await statOf(folder);
    }
    if (found?.isDirectory() !== true) return { what: `cannot be written: ${folder} is not a folder` };
    await access(folder, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (cause) {
    return describe(cause);
  }
}

const statOf = (path: string): Promise<Stats | undefined> =>
  stat(path).catch((cause: unknown) => {
    if (systemCodeOf(cause) === 'ENOENT') return undefined;
    throw cause;
  });
