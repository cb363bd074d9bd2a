/** Which thrown things are faults of the machine (a full disk, a missing permission, no descriptor left) and not bugs. */
import { messageOf, PerfTsError, systemCodeOf } from './errors.js';

/** What a reader can do about a failed read or write, by the system's code. */
const remedies: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: free some space, or choose another place',
  EDQUOT: 'the quota is used up: free some space, or choose another place',
  EFBIG: 'the file would be too large for this file system; choose another place',
  EACCES: 'you may not write there; choose another place',
  EPERM: 'you may not write there; choose another place',
  EROFS: 'the file system is read-only; choose another place',
  EIO: 'the disk or its network failed; look at the system log, or choose another place',
  ESTALE: 'the network file system lost the file; choose another place',
  ENOTDIR: 'a part of this path is a file, not a folder',
  EISDIR: 'this is a folder; name a file',
  EEXIST: 'a file of this name is in the way',
  ENOENT: 'a part of this path does not exist; make the folder first, or choose another place',
  ELOOP: 'symbolic links lead in a circle',
  ENAMETOOLONG: 'the name is too long',
  ETXTBSY: 'the file is a running program',
  EMFILE: 'this process has no file descriptor left; raise the limit (ulimit -n)',
  ENFILE: 'the host has no file descriptor left; close other programs',
  ENOMEM: 'the host is short of memory; close other programs',
  EPIPE: 'the reader is gone',
};

/** Undefined for a code that no file operation of a healthy program and a faulty machine gives. */
export const remedyOf = (systemCode: string | undefined): string | undefined =>
  systemCode === undefined ? undefined : remedies[systemCode];

/** The system's own sentence without its code and path, which are said beside it: `no space left on device`. */
export function systemMessage(cause: unknown): string {
  const message = messageOf(cause);
  const code = systemCodeOf(cause);
  if (code === undefined || !message.startsWith(`${code}: `)) return message;
  return message.slice(code.length + 2).replace(/, \w+(?: '.*)?$/s, '');
}

/** A PerfTsError for a raw system error about files; undefined for anything else, which is a bug. */
export function environmentFault(thrown: unknown): PerfTsError | undefined {
  if (thrown instanceof PerfTsError) return thrown;
  const hint = remedyOf(systemCodeOf(thrown));
  if (hint === undefined) return undefined;
  const path = thrown instanceof Error && 'path' in thrown && typeof thrown.path === 'string' ? thrown.path : undefined;
  return new PerfTsError('OUTPUT_UNWRITABLE', { what: messageOf(thrown), hint, ...(path && { where: path }) }, thrown);
}
