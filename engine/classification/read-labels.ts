/** Reads the label files that a model config names for its outputs: one label a line, by index. */
import { readFile } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { messageOf, PerfTsError, type Problem, systemCodeOf } from '../../src/common/errors.js';
import type { ModelConfig } from '../../src/model-config/model-config.js';

/** By output name. */
export type OutputLabels = ReadonlyMap<string, readonly string[]>;

/**
 * The labels of every output that has a `label_filename`, which is relative to the model's folder.
 * Throws PerfTsError BAD_FILE with every file that is missing or leads out of the folder.
 */
export async function readLabels(modelFolder: string, config: ModelConfig): Promise<OutputLabels> {
  const labels = new Map<string, readonly string[]>();
  const problems: Problem[] = [];
  for (const { name, label_filename: file = '' } of config.output ?? []) {
    if (file === '') continue;
    try {
      labels.set(name, splitLines(await readFile(insideFolder(modelFolder, file), 'utf8')));
    } catch (thrown) {
      const what =
        systemCodeOf(thrown) === 'ENOENT' ? `there is no label file '${file}'` : `'${file}': ${messageOf(thrown)}`;
      problems.push({
        where: join(modelFolder, 'config.pbtxt'),
        what: `label_filename of output '${name}': ${what}`,
        hint: "put the file into the model's folder, or remove label_filename",
      });
    }
  }
  if (problems.length > 0) throw new PerfTsError('BAD_FILE', problems);
  return labels;
}

const leadsOut = (folder: string, path: string): boolean => {
  const way = relative(folder, path);
  return way === '' || isAbsolute(way) || way.split(/[\\/]/)[0] === '..';
};

/** The name may not lead out of the folder; a link in it may, as one that stands for a model. */
function insideFolder(folder: string, file: string): string {
  const path = resolve(folder, file);
  if (file.includes('\0') || leadsOut(folder, path)) throw new Error("leads out of the model's folder");
  return path;
}

/** A last line without an end counts, and so do empty lines between others. */
function splitLines(text: string): readonly string[] {
  const lines = text.split(/\r?\n/);
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}
