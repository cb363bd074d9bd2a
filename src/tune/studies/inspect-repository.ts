/** What doctor says of a model repository: what in its models' configs has no effect, and configs that cannot be read. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, PerfTsError, systemCodeOf } from '../../common/errors.js';
import { onOneLine } from '../../common/safe-text.js';
import { completeSettings } from '../../model-config/complete-config.js';
import { parseModelConfig } from '../../model-config/parse-config.js';
import { describeNote, findConfigNotes } from '../../onnxruntime/config-notes.js';
import { type Finding, finding, type Section } from '../../runtime/doctor-report.js';

export interface RepositoryChoice {
  readonly folder: string;
  /** Somebody named it, so it has to be there. */
  readonly isAsked: boolean;
  /** Whether an instance whose kind is left open runs on a GPU here. */
  readonly hasGpu: boolean;
}

/** Undefined where nobody asked and there is none. Models are not loaded: only their configs are read. */
export async function inspectRepository({ folder, isAsked, hasGpu }: RepositoryChoice): Promise<Section | undefined> {
  const title = `Models in ${onOneLine(folder)}`;
  let names: string[];
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    names = entries
      .filter((entry) => (entry.isDirectory() || entry.isSymbolicLink()) && !entry.name.startsWith('.'))
      .map(({ name }) => name)
      .toSorted();
  } catch (cause) {
    if (!isAsked) return undefined;
    const remedy = 'give the folder that holds a folder for each model';
    return { title, findings: [finding('repository', 'problem', `cannot be read: ${messageOf(cause)}`, remedy)] };
  }
  const findings = (await Promise.all(names.map((name) => inspectConfig(folder, name, hasGpu)))).flat();
  if (findings.length > 0) return { title, findings };
  return isAsked
    ? { title, findings: [finding('repository', 'note', 'holds no model folder with a config.pbtxt')] }
    : undefined;
}

/** Nothing of a folder without a config, which may hold anything; its model is completed from its file. */
async function inspectConfig(folder: string, name: string, hasGpu: boolean): Promise<Finding[]> {
  const file = join(folder, name, 'config.pbtxt');
  const label = onOneLine(name);
  try {
    const config = completeSettings(parseModelConfig(await readFile(file, 'utf8'), file), { modelName: name, hasGpu });
    const notes = findConfigNotes(config);
    if (notes.length === 0) return [finding(label, 'ok', 'everything in its config.pbtxt has an effect')];
    const remedy = 'leave it out, or serve the model where it is heeded';
    return notes.map((note) => finding(label, 'note', onOneLine(describeNote(note)), remedy));
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCodeOf(cause) ?? '')) return [];
    const reasons = cause instanceof PerfTsError ? cause.message : `${file} cannot be read: ${messageOf(cause)}`;
    return [finding(label, 'warning', onOneLine(reasons), 'mend it; the model cannot be served like this')];
  }
}
