/**
 * The folders of this user that perf-ts may write to. `PERF_TS_CACHE`, `PERF_TS_DATA` and `PERF_TS_STATE`
 * move them, for tests and CI.
 */
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

/** Folder for what must outlive a run that was killed, such as what is still to be undone on a server. */
export function stateFolder(...parts: string[]): string {
  const base = process.env.PERF_TS_STATE ?? envPaths('perf-ts', { suffix: '' }).log;
  return join(base, ...parts);
}
