/** The error for what cannot be written into the user's data folder. */
import { messageOf, PerfTsError, systemCodeOf } from '../common/errors.js';

const hints: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: free some space, or set PERF_TS_DATA to a folder on another disk. Nothing was installed',
  EDQUOT: 'your quota is used up: free some space, or set PERF_TS_DATA to another folder. Nothing was installed',
  EFBIG: 'files may not become so large here (see ulimit -f). Nothing was installed',
  EROFS: 'the file system is read-only: set PERF_TS_DATA to a folder that you can write',
};

export function unwritableData(path: string, cause: unknown): PerfTsError {
  if (cause instanceof PerfTsError) return cause;
  const hint = hints[systemCodeOf(cause) ?? ''] ?? 'set PERF_TS_DATA to a folder that you can write';
  return new PerfTsError(
    'OUTPUT_UNWRITABLE',
    { where: path, what: `cannot be written: ${messageOf(cause)}`, hint },
    cause,
  );
}
