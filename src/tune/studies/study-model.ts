/** Reads the model a study tunes: its config, its signature, and what the server would fill in. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, PerfTsError, systemCodeOf } from '../../common/errors.js';
import { completeModelConfig } from '../../model-config/complete-config.js';
import type { ModelConfig } from '../../model-config/model-config.js';
import { parseModelConfig } from '../../model-config/parse-config.js';
import { validateModelConfig } from '../../model-config/validate-config.js';
import { findServedModelFile } from '../../onnx/model-location.js';
import { inspectModel } from '../../onnxruntime/inspect-model.js';
import { readSessionSettings } from '../../onnxruntime/triton-settings.js';
import type { StudyModel } from '../variants/variants.js';

/**
 * The model in `folder`, which must be named as the model is, as in a model repository. The version that is served
 * tells the signature. Throws PerfTsError BAD_FILE with everything that is wrong with the config or the model file.
 */
export async function readStudyModel(name: string, folder: string, ortLibrary?: string): Promise<StudyModel> {
  const configFile = join(folder, 'config.pbtxt');
  const configPbtxt = await readOptional(configFile);
  const config = configPbtxt === undefined ? {} : parseModelConfig(configPbtxt, configFile);
  const wrong = validateModelConfig(config, configFile, { modelName: name });
  if (wrong.length > 0) throw new PerfTsError('BAD_FILE', wrong);
  const modelFile = await findServedFile({ folder, config });
  const { settings } = readSessionSettings(config);
  const signature = await inspectModel({ modelFile, ortLibrary, settings });
  const completed = completeModelConfig(config, { modelName: name, signature, hasGpu: false });
  const problems = validateModelConfig(completed, configFile, { modelName: name, signature, given: config });
  if (problems.length > 0) throw new PerfTsError('BAD_FILE', problems);
  return { name, folder, configPbtxt, config, completed };
}

/** What config.pbtxt says; empty where there is none. */
export async function readModelConfig(name: string, folder: string): Promise<ModelConfig> {
  const file = join(folder, 'config.pbtxt');
  const text = await readOptional(file);
  return text === undefined ? { name } : parseModelConfig(text, file);
}

/** The file of the version that is served. Throws PerfTsError BAD_FILE when there is none. */
export const findServedFile = ({ folder, config }: Pick<StudyModel, 'folder' | 'config'>): Promise<string> =>
  findServedModelFile(folder, config);

async function readOptional(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (systemCodeOf(cause) === 'ENOENT') return undefined;
    throw new PerfTsError('BAD_FILE', { where: file, what: `cannot be read: ${messageOf(cause)}` }, cause);
  }
}
