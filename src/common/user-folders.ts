/** The folders of this user that perf-ts may write to. `PERF_TS_CACHE` moves the cache, for tests and CI. */
import { join } from 'node:path';
import envPaths from 'env-paths';

/** Folder for files that can be made again, such as demo models. */
export function cacheFolder(...parts: string[]): string {
  const base = process.env.PERF_TS_CACHE ?? envPaths('perf-ts', { suffix: '' }).cache;
  return join(base, ...parts);
}
