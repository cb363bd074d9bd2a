/**
 * Where the files of a model repository's model lie: its versions, and the ONNX file of each. Every command and the
 * engine find them here, so that what is measured, tuned, converted and served is the same. Links are followed wherever
 * they lead, as Triton does; only names in a config may not lead out of the version's folder.
 */
import { readdir, stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { messageOf, PerfTsError } from '../common/errors.js';
import type { ModelConfig } from '../model-config/model-config.js';
import { chooseVersions, compareVersions, isVersionName } from '../model-config/version-policy.js';

export const DEFAULT_MODEL_FILE = 'model.onnx';

const badFile = (where: string, what: string, hint: string, cause?: unknown): PerfTsError =>
  new PerfTsError('BAD_FILE', { where, what, hint }, cause);

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/**
 * The versions of the model in `folder`, in rising order: its folders, and links to folders, that are named by a
 * number. Anything else of such a name is no version.
 * @throws PerfTsError BAD_FILE when the folder cannot be read.
 */
export async function listVersions(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw badFile(folder, `is not a model folder: ${messageOf(cause)}`, 'it holds 1/model.onnx', cause);
  });
  const candidates = names.filter(isVersionName);
  const areFolders = await Promise.all(candidates.map((name) => isFolder(join(folder, name))));
  return candidates.filter((_, index) => areFolders[index]).sort(compareVersions);
}

export interface ServedVersions {
  /** In rising order; at least one. */
  readonly versions: readonly string[];
  /** Named by the version policy and not there: they do not keep the others from being served. */
  readonly missing: readonly string[];
}

/**
 * Which of the versions that are there a server serves under `config`.
 * @throws PerfTsError BAD_FILE when there is none.
 */
export function selectVersions(
  folder: string,
  config: Pick<ModelConfig, 'version_policy'> | undefined,
  available: readonly string[],
): ServedVersions {
  const { versions, missing } = chooseVersions(config?.version_policy, available);
  if (versions.length > 0) return { versions, missing };
  if (available.length === 0) {
    throw badFile(folder, 'has no version folder', `put the model at ${join(folder, '1', DEFAULT_MODEL_FILE)}`);
  }
  throw badFile(
    folder,
    `at least one version must be available under the version policy, which names ${missing.join(', ')}; there are ${available.join(', ')}`,
    'add the folder or change version_policy',
  );
}

/**
 * The ONNX file of a version. `default_model_filename` may be a folder, for a model with weights in files of their own:
 * then the model is `model.onnx` in it.
 * @throws PerfTsError BAD_FILE for a name that leads out of the version's folder, and when there is no such file.
 */
export async function findVersionFile(
  versionFolder: string,
  config: Pick<ModelConfig, 'default_model_filename'> | undefined,
  configFile: string,
): Promise<string> {
  const fileName = config?.default_model_filename || DEFAULT_MODEL_FILE;
  const file = resolve(versionFolder, fileName);
  if (relative(versionFolder, file).split(/[\\/]/)[0] === '..' || file === versionFolder || fileName.includes('\0')) {
    const what = `default_model_filename: ${JSON.stringify(fileName)} leads out of the version's folder`;
    throw badFile(configFile, what, 'name a file in it');
  }
  return modelFileAt(file);
}

/**
 * The ONNX file that `path` is, or the `model.onnx` in the folder that it is.
 * @throws PerfTsError BAD_FILE when there is no such file.
 */
export async function modelFileAt(path: string): Promise<string> {
  const file = (await isFolder(path)) ? join(path, DEFAULT_MODEL_FILE) : path;
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile() === true) return file;
  const what = found === undefined ? 'there is no such model file' : 'is not a file';
  throw badFile(file, what, 'put the ONNX model there');
}

/**
 * The ONNX file of the version that a server answers with where none is named: the highest of those it serves.
 * @throws PerfTsError BAD_FILE when no version is served or its file is not there.
 */
export async function findServedModelFile(folder: string, config: ModelConfig | undefined): Promise<string> {
  const { versions } = selectVersions(folder, config, await listVersions(folder));
  return findVersionFile(join(folder, versions.at(-1)!), config, join(folder, 'config.pbtxt'));
}

/**
 * Checks that a server would answer requests for `version` (-x) of the model in `folder`, or where `isLatest` that this
 * is what it answers with where no version is named.
 * @throws PerfTsError BAD_OPTION with what keeps it from being served.
 */
export async function checkVersion(
  folder: string,
  config: Pick<ModelConfig, 'version_policy'> | undefined,
  version: string,
  { isLatest = false } = {},
): Promise<void> {
  const available = await listVersions(folder);
  const { versions } = selectVersions(folder, config, available);
  const refuse = (what: string, hint: string): never => {
    throw new PerfTsError('BAD_OPTION', { where: '-x', what, hint });
  };
  if (!available.includes(version)) {
    return refuse(`${folder} has no version ${version}; there are ${available.join(', ')}`, 'name one of these');
  }
  const serve = `set version_policy { specific { versions: [${version}] } } in ${join(folder, 'config.pbtxt')}`;
  const policy = config?.version_policy === undefined ? 'version_policy (by default the latest 1)' : 'version_policy';
  if (!versions.includes(version)) {
    return refuse(`version ${version} is there, but ${policy} serves ${versions.join(', ')} only`, serve);
  }
  if (isLatest && versions.at(-1) !== version) {
    return refuse(`the trials measure version ${versions.at(-1)}, the highest of those that ${policy} serves`, serve);
  }
}
