/** The folders of this user that perf-ts may write to. `PERF_TS_CACHE` and `PERF_TS_DATA` move them, for tests and CI. */
import { join } from 'node:path';
import envPaths from 'env-paths';

/** Folder for files that can be made again, such as demo models. */
export function cacheFolder(...parts: string[]): string {
  const base = process.env.PERF_TS_CACHE ?? envPaths('perf-ts', { suffix: '' }).cache;
  return join(base, ...parts);
}

/** Folder for what was installed on request, such as ONNX Runtime builds. */
export function dataFolder(...parts: string[]): string {
  const base = process.env.PERF_TS_DATA ?? envPaths('perf-ts', { suffix: '' }).data;
  return join(base, ...parts);
}
