/**
 * From a model's folder to what is needed to load each served version: config read, completed and checked, model file
 * found. Nothing is loaded into ONNX Runtime here.
 */
import { readFile, stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { messageOf, PerfTsError, type Problem, systemCodeOf } from '../../src/common/errors.js';
import { completeModelConfig } from '../../src/model-config/complete-config.js';
import type { ModelConfig } from '../../src/model-config/model-config.js';
import { parseModelConfig } from '../../src/model-config/parse-config.js';
import { validateModelConfig } from '../../src/model-config/validate-config.js';
import { readModelSignature } from '../../src/onnx/read-signature.js';
import type { ServedModelOptions } from '../served-model.js';
import type { ModelFolder } from './scan-repository.js';
import { chooseVersions } from './version-policy.js';

const DEFAULT_MODEL_FILE = 'model.onnx';

const badFile = (where: string, what: string, hint: string): PerfTsError =>
  new PerfTsError('BAD_FILE', { where, what, hint });

/** The config as the file gives it, or undefined when there is no config.pbtxt. */
async function readConfig(file: string): Promise<ModelConfig | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (thrown) {
    if (systemCodeOf(thrown) === 'ENOENT') return undefined;
    throw new PerfTsError('BAD_FILE', { where: file, what: `cannot be read: ${messageOf(thrown)}` }, thrown);
  }
  return parseModelConfig(text, file);
}

/** The model file of a version. A file name that leads out of the version's folder is refused. */
async function findModelFile(versionFolder: string, fileName: string, configFile: string): Promise<string> {
  const file = resolve(versionFolder, fileName);
  if (relative(versionFolder, file).split(/[\\/]/)[0] === '..' || file === versionFolder) {
    throw badFile(
      configFile,
      `default_model_filename: '${fileName}' leads out of the version's folder`,
      'name a file in it',
    );
  }
  const found = await stat(file).catch(() => undefined);
  if (found === undefined) throw badFile(file, 'there is no such model file', 'put the ONNX model there');
  return file;
}

async function prepareVersion(
  model: ModelFolder,
  version: number,
  config: ModelConfig | undefined,
  ortLibrary: string | undefined,
): Promise<ServedModelOptions> {
  const configFile = join(model.folder, 'config.pbtxt');
  const versionFolder = join(model.folder, String(version));
  const fileName = config?.default_model_filename || DEFAULT_MODEL_FILE;
  const modelFile = await findModelFile(versionFolder, fileName, configFile);
  const signature = await readModelSignature(modelFile);
  // A library that offers a GPU comes with its execution provider; until one is there, KIND_AUTO means the CPU.
  const completed = completeModelConfig(config, { modelName: model.name, signature, hasGpu: false });
  const problems = validateModelConfig(completed, configFile, { modelName: model.name, signature });
  if (problems.length > 0) throw new PerfTsError('BAD_FILE', problems);
  const base = { name: model.name, version: String(version), config: completed, modelFile };
  return ortLibrary === undefined ? base : { ...base, ortLibrary };
}

/**
 * What is needed to load each version that the model's version policy selects, in rising order of version.
 * Throws PerfTsError BAD_FILE with every problem of the model.
 */
export async function prepareModel(
  model: ModelFolder,
  ortLibrary: string | undefined,
): Promise<readonly ServedModelOptions[]> {
  const configFile = join(model.folder, 'config.pbtxt');
  const config = await readConfig(configFile);
  if (config !== undefined) {
    const problems = validateModelConfig(config, configFile, { modelName: model.name });
    if (problems.length > 0) throw new PerfTsError('BAD_FILE', problems);
  }
  const { versions, missing } = chooseVersions(config?.version_policy, model.versions);
  const problems: Problem[] = missing.map((version) => ({
    where: join(model.folder, String(version)),
    what: `version ${version} is named by version_policy, but is not there`,
    hint: 'add the folder or change the policy',
  }));
  if (versions.length + missing.length === 0) {
    problems.push({
      where: model.folder,
      what: `model '${model.name}' has no version folder`,
      hint: `put the model at ${join(model.folder, '1', DEFAULT_MODEL_FILE)}`,
    });
  }
  if (problems.length > 0) throw new PerfTsError('BAD_FILE', problems);
  return Promise.all(versions.map((version) => prepareVersion(model, version, config, ortLibrary)));
}
