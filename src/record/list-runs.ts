/** Finds the records under a results folder. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, systemCodeOf } from '../common/errors.js';
import { readRecord, recordFiles } from './read-record.js';

/** One record folder; a record that cannot be read is listed with its reason instead of hiding the others. */
export type RecordEntry =
  | {
      readonly kind: 'run' | 'study';
      /** The folder's path, below the given results folder. */
      readonly path: string;
      readonly model: string;
      /** ISO 8601, UTC. */
      readonly startedAt: string;
      readonly state: 'complete' | 'interrupted' | 'failed';
    }
  | { readonly kind: 'broken'; readonly path: string; readonly reason: string };

const fileNames: readonly string[] = Object.values(recordFiles);

/** Records directly under `resultsFolder`, newest first by folder name; none where the folder does not exist. */
export async function listRuns(resultsFolder: string): Promise<RecordEntry[]> {
  const folders = await readdir(resultsFolder, { withFileTypes: true }).catch((cause: unknown) => {
    if (systemCodeOf(cause) === 'ENOENT') return [];
    throw cause;
  });
  const names = folders.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const entries: RecordEntry[] = [];
  for (const name of names.sort().reverse()) {
    const path = join(resultsFolder, name);
    const files = await readdir(path).catch(() => []);
    if (files.some((file) => fileNames.includes(file))) entries.push(await describeRecord(path));
  }
  return entries;
}

async function describeRecord(path: string): Promise<RecordEntry> {
  try {
    const record = await readRecord(path);
    const kind = record.schema === 'perf-ts/run@1' ? 'run' : 'study';
    return { kind, path, model: record.model, startedAt: record.startedAt, state: record.state };
  } catch (thrown) {
    return { kind: 'broken', path, reason: messageOf(thrown) };
  }
}
