/** Files that appear whole or not at all: written beside their place, flushed to disk, then renamed into it. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { messageOf, PerfTsError, systemCodeOf } from '../common/errors.js';
import { withSpareDescriptors } from './spare-descriptors.js';

/** What a reader can do about a failed write, by the system's code. */
const hints: Readonly<Record<string, string>> = {
  ENOSPC: 'free some disk space, or choose another place with --results DIR',
  EACCES: 'you may not write there; choose another place with --results DIR',
  EPERM: 'you may not write there; choose another place with --results DIR',
  EROFS: 'the file system is read-only; choose another place with --results DIR',
  ENOTDIR: 'a part of this path is a file, not a folder; choose another place with --results DIR',
  EEXIST: 'a file of this name is in the way; choose another place with --results DIR',
};

/** The error for something that could not be written at `path`. */
export function unwritable(what: string, path: string, cause: unknown): PerfTsError {
  const code = systemCodeOf(cause);
  const hint = (code && hints[code]) ?? 'choose another place with --results DIR';
  return new PerfTsError('OUTPUT_UNWRITABLE', { what: `${what}: ${messageOf(cause)}`, where: path, hint }, cause);
}

/**
 * Writes `content` to `path`, making its folder where needed; a reader, or a crash, sees the old file or the new one.
 * Throws PerfTsError OUTPUT_UNWRITABLE and leaves no temporary file behind.
 */
export async function writeFileAtomically(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(4).toString('hex')}.tmp`);
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await withSpareDescriptors(() => open(temporary, 'wx'));
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw unwritable(`cannot write ${basename(path)}`, path, cause);
  }
}
