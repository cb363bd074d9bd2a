/** Reads the model a study tunes: its config, its signature, and what the server would fill in. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, PerfTsError, systemCodeOf } from '../../common/errors.js';
import { completeModelConfig } from '../../model-config/complete-config.js';
import { parseModelConfig } from '../../model-config/parse-config.js';
import { validateModelConfig } from '../../model-config/validate-config.js';
import { readModelSignature } from '../../onnx/read-signature.js';
import type { StudyModel } from '../variants/variants.js';

/**
 * The model in `folder`, which must be named as the model is, as in a model repository. The highest version tells the
 * signature, because that is the one served. Throws PerfTsError BAD_FILE with everything that is wrong with the config
 * or the model file.
 */
export async function readStudyModel(name: string, folder: string): Promise<StudyModel> {
  const configFile = join(folder, 'config.pbtxt');
  const configPbtxt = await readOptional(configFile);
  const config = configPbtxt === undefined ? {} : parseModelConfig(configPbtxt, configFile);
  const signature = await readModelSignature(await findServedFile({ folder, config }));
  const completed = completeModelConfig(config, { modelName: name, signature, hasGpu: false });
  const problems = validateModelConfig(completed, configFile, { modelName: name, signature });
  if (problems.length > 0) throw new PerfTsError('BAD_FILE', problems);
  return { name, folder, configPbtxt, config, completed };
}

/** The file of the version that is served: the highest. Throws PerfTsError BAD_FILE when the folder has none. */
export async function findServedFile({ folder, config }: Pick<StudyModel, 'folder' | 'config'>): Promise<string> {
  return join(folder, await latestVersion(folder), config.default_model_filename || 'model.onnx');
}

async function readOptional(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (systemCodeOf(cause) === 'ENOENT') return undefined;
    throw new PerfTsError('BAD_FILE', { where: file, what: `cannot be read: ${messageOf(cause)}` }, cause);
  }
}

async function latestVersion(folder: string): Promise<string> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new PerfTsError('BAD_FILE', { where: folder, what: `is not a model folder: ${messageOf(cause)}` }, cause);
  });
  const versions = names.filter((name) => /^[1-9]\d*$/.test(name)).sort((a, b) => Number(b) - Number(a));
  const [latest] = versions;
  if (latest !== undefined) return latest;
  const hint = 'a model lies in a version folder, such as 1/model.onnx';
  throw new PerfTsError('BAD_FILE', { where: folder, what: 'has no version folder', hint });
}
