/** The folder of one run on disk: `run.json` after each level, raw samples, report. One store writes one run. */
import { join } from 'node:path';
import { writeFileAtomically } from './atomic-file.js';
import { recordFiles } from './read-record.js';
import { createRecordFolder, type RecordFolder, type RecordFolderOptions } from './record-folder.js';
import type { RunRecord } from './run-record.js';
import { type SampleColumns, writeSamples } from './samples-file.js';

export interface RunStore extends RecordFolder {
  /**
   * Replaces `run.json` as a whole; call it after each level. Throws OUTPUT_UNWRITABLE, the earlier file then stays. A
   * record that has a level is kept: the folder is not discarded any more.
   */
  saveRun(record: RunRecord): Promise<void>;
  /** Writes the raw samples of the level at `levelIndex` (from 0) to `samples/`. Throws OUTPUT_UNWRITABLE. */
  saveSamples(levelIndex: number, columns: SampleColumns): Promise<void>;
}

/** The samples file of a level, relative to the record's folder. */
export const samplesFile = (levelIndex: number): string =>
  `samples/level-${String(levelIndex).padStart(3, '0')}.columns.gz`;

/** Makes the run's folder; throws PerfTsError OUTPUT_UNWRITABLE before any load is sent. */
export async function createRunStore(options: RecordFolderOptions): Promise<RunStore> {
  const folder = await createRecordFolder(options);
  return {
    id: folder.id,
    path: folder.path,
    directory: folder.directory,
    saveText: (name, text) => folder.saveText(name, text),
    keep: () => folder.keep(),
    get isKept() {
      return folder.isKept;
    },
    discard: () => folder.discard(),
    async saveRun(record) {
      await writeFileAtomically(join(folder.path, recordFiles.run), `${JSON.stringify(record, null, 2)}\n`);
      if (record.levels.length > 0) folder.keep();
    },
    saveSamples: (levelIndex, columns) => writeSamples(join(folder.path, samplesFile(levelIndex)), columns),
  };
}
