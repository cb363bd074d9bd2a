/**
 * What a load request brings instead of the repository's own files: a configuration, and files by their path in the
 * model's folder. Files are written to a folder made for them alone, so nothing that they name can already be there.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf } from '../../src/common/errors.js';
import { makeTemporaryFolder } from '../../src/common/temporary-folder.js';
import { ProtocolError } from '../../src/kserve/protocol-error.js';
import { compareVersions, isVersionName } from '../../src/model-config/version-policy.js';
import type { ModelFolder } from './scan-repository.js';

export interface LoadOverrides {
  /** The configuration as JSON text, instead of config.pbtxt. */
  readonly config?: string;
  /** By path relative to the model's folder, such as `1/model.onnx`. */
  readonly files?: ReadonlyMap<string, Uint8Array>;
}

/** What file systems take for one name, and a bound for the whole path. */
const MOST_NAME_BYTES = 255;
const MOST_PATH_BYTES = 1024;

const isPlainName = (name: string): boolean =>
  name !== '' &&
  name !== '.' &&
  name !== '..' &&
  !/[\0/\\]/.test(name) &&
  Buffer.byteLength(name, 'utf8') <= MOST_NAME_BYTES;

/** Throws ProtocolError INVALID_ARGUMENT for a name that cannot be that of a model's folder. */
export function checkModelName(name: string): void {
  if (isPlainName(name) && !name.startsWith('.')) return;
  const shown = name.length > 60 ? `${name.slice(0, 60)}...` : name;
  throw new ProtocolError(`${JSON.stringify(shown)} cannot be the name of a model: it must be a single folder's name`);
}

/** Throws ProtocolError INVALID_ARGUMENT for overrides that lead out of the model's folder or that Triton would not take. */
export function checkOverrides({ config, files }: LoadOverrides): void {
  if (files === undefined || files.size === 0) return;
  if (config === undefined) {
    throw new ProtocolError(
      "files can only be given together with the parameter 'config', which says how to serve them",
    );
  }
  for (const path of files.keys()) {
    const isSafe = Buffer.byteLength(path, 'utf8') <= MOST_PATH_BYTES && path.split('/').every(isPlainName);
    if (isSafe) continue;
    const shown = JSON.stringify(path.length > 60 ? `${path.slice(0, 60)}...` : path);
    throw new ProtocolError(`the file ${shown} is not a path within the model's folder, such as 1/model.onnx`);
  }
}

export interface OverrideFolder extends ModelFolder {
  /** Removes the files; nothing may be loaded from them any more. */
  remove(): Promise<void>;
}

/**
 * Writes the files of checked overrides to a folder of their own. The versions of the model are those among the files.
 * Throws ProtocolError when the files contradict each other (a name that is a file and a folder) or cannot be written.
 */
export async function writeOverrides(name: string, files: ReadonlyMap<string, Uint8Array>): Promise<OverrideFolder> {
  const root = await makeTemporaryFolder('perf-ts-override-');
  const folder = join(root, 'model');
  const remove = (): Promise<void> => rm(root, { recursive: true, force: true });
  try {
    for (const [path, content] of files) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), content, { flag: 'wx' });
    }
  } catch (thrown) {
    await remove();
    throw new ProtocolError(`the files of model '${name}' cannot be kept: ${messageOf(thrown)}`, 'INTERNAL');
  }
  const tops = [...files.keys()].filter((path) => path.includes('/')).map((path) => path.split('/', 1)[0]!);
  const versions = [...new Set(tops)].filter(isVersionName).sort(compareVersions);
  return { name, folder, versions, remove };
}
