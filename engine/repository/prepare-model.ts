/**
 * From a model's folder to what is needed to load each served version: config read, completed and checked, model file
 * found. Nothing is loaded into ONNX Runtime here.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { appendAll } from '../../src/common/append-all.js';
import { messageOf, PerfTsError, type Problem, systemCodeOf } from '../../src/common/errors.js';
import { completeSettings } from '../../src/model-config/complete-config.js';
import { modelConfigFromJson } from '../../src/model-config/json-form.js';
import type { ModelConfig } from '../../src/model-config/model-config.js';
import { parseModelConfig } from '../../src/model-config/parse-config.js';
import { validateModelConfig } from '../../src/model-config/validate-config.js';
import { findVersionFile, selectVersions } from '../../src/onnx/model-location.js';
import { findUsableGpus } from '../../src/onnxruntime/usable-gpus.js';
import { readLabels } from '../classification/read-labels.js';
import type { ServedModelOptions } from '../served-model.js';
import { mergeFailures } from './merge-failures.js';
import type { PrepareRules } from './repository-settings.js';
import type { ModelFolder } from './scan-repository.js';

/**
 * The config cannot be read or contradicts itself, whatever the model's files are. Triton then takes the model for one
 * that is not there.
 */
export class UnreadableConfig extends PerfTsError {}

/** Everything that can be said of a config without looking at the model's files. Throws UnreadableConfig. */
async function readGivenConfig(model: ModelFolder, rules: PrepareRules, override?: string): Promise<GivenConfig> {
  try {
    const given = override === undefined ? await readConfig(model, rules.configName) : readOverride(override);
    const problems: Problem[] = rules.isStrict === true ? [...findMissing(given)] : [];
    if (given.config !== undefined) {
      appendAll(problems, validateModelConfig(given.config, given.where, { modelName: model.name }));
    }
    if (problems.length > 0) throw new PerfTsError('BAD_FILE', problems);
    return given;
  } catch (thrown) {
    throw thrown instanceof PerfTsError ? new UnreadableConfig(thrown.code, thrown.problems, thrown) : thrown;
  }
}

const OVERRIDE = "the parameter 'config'";

/** What a model's config says and where, for messages: a file, or the override of a load request. */
interface GivenConfig {
  readonly config: ModelConfig | undefined;
  readonly where: string;
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (thrown) {
    if (systemCodeOf(thrown) === 'ENOENT') return undefined;
    throw new PerfTsError('BAD_FILE', { where: file, what: `cannot be read: ${messageOf(thrown)}` }, thrown);
  }
}

/** The named config where the model has it, else config.pbtxt, else none. */
async function readConfig({ folder }: ModelFolder, configName: string | undefined): Promise<GivenConfig> {
  const plain = join(folder, 'config.pbtxt');
  const files = configName === undefined ? [plain] : [join(folder, 'configs', `${configName}.pbtxt`), plain];
  for (const file of files) {
    const text = await readText(file);
    if (text !== undefined) return { config: parseModelConfig(text, file), where: file };
  }
  return { config: undefined, where: plain };
}

function readOverride(text: string): GivenConfig {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw new PerfTsError('BAD_FILE', { where: OVERRIDE, what: `is not JSON: ${messageOf(cause)}` }, cause);
  }
  return { config: modelConfigFromJson(document, OVERRIDE), where: OVERRIDE };
}

/** What Triton wants to be told when it may not look into the model. */
function findMissing({ config, where }: GivenConfig): readonly Problem[] {
  const hint = 'add it, or let the engine complete configs (--disable-auto-complete-config=false)';
  if (config === undefined) return [{ where, what: 'there is no configuration', hint }];
  const missing = [
    ...(config.backend || config.platform ? [] : ['backend']),
    ...(config.input?.length ? [] : ['input']),
    ...(config.output?.length ? [] : ['output']),
  ];
  return missing.map((field) => ({ where, what: `${field}: is required`, hint }));
}

async function prepareVersion(
  model: ModelFolder,
  version: string,
  { config, where }: GivenConfig,
  { ortLibrary, defaultMaxBatchSize, keepsOptimized = false }: PrepareRules,
): Promise<ServedModelOptions> {
  const modelFile = await findVersionFile(join(model.folder, version), config, where);
  const completed = completeSettings(config, { modelName: model.name, ...findUsableGpus(config, ortLibrary) });
  return {
    name: model.name,
    version,
    config: completed,
    configFile: where,
    modelFile,
    modelFolder: model.folder,
    labels: await readLabels(model.folder, completed),
    keepsOptimized,
    ...(ortLibrary === undefined ? {} : { ortLibrary }),
    ...(defaultMaxBatchSize === undefined ? {} : { defaultMaxBatchSize }),
  };
}

/**
 * What is needed to load each version that the model's version policy selects, in rising order of version.
 * `override` is a config in JSON that stands instead of the folder's own.
 * Throws PerfTsError BAD_FILE with every problem of the model; UnreadableConfig where the config alone is to blame.
 */
export async function prepareModel(
  model: ModelFolder,
  rules: PrepareRules = {},
  override?: string,
): Promise<readonly ServedModelOptions[]> {
  const given = await readGivenConfig(model, rules, override);
  const { versions, missing } = selectVersions(model.folder, given.config, model.versions);
  const notes = missing.map((version) => `version_policy: version ${version} is not there and not served`);
  const prepared = await Promise.allSettled(versions.map((version) => prepareVersion(model, version, given, rules)));
  const failures = prepared.flatMap((one): unknown[] => (one.status === 'rejected' ? [one.reason] : []));
  if (failures.length > 0) throw mergeFailures(failures);
  return prepared.flatMap((one) => (one.status === 'fulfilled' ? [{ ...one.value, notes }] : []));
}
