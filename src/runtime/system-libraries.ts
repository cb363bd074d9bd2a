/** Finds shared libraries that the system already has: NVIDIA's, and TensorRT with its version. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';

/** Folders that the loader or NVIDIA's installers use, those the user names first. */
export function librarySearchFolders(environment: NodeJS.ProcessEnv = process.env): string[] {
  const { LD_LIBRARY_PATH = '', CUDA_HOME, CUDA_PATH, TENSORRT_HOME } = environment;
  const roots = [CUDA_HOME, CUDA_PATH, TENSORRT_HOME].flatMap((root) =>
    root ? [join(root, 'lib64'), join(root, 'lib')] : [],
  );
  const machine = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  const folders = [
    ...LD_LIBRARY_PATH.split(delimiter),
    ...roots,
    '/usr/local/cuda/lib64',
    ...namesIn('/usr/local').flatMap((name) => (name.startsWith('cuda-') ? [join('/usr/local', name, 'lib64')] : [])),
    '/usr/local/lib',
    '/usr/local/tensorrt/lib',
    `/usr/lib/${machine}`,
    '/usr/lib64',
    '/usr/lib',
    ...loaderFolders(),
  ];
  return [...new Set(folders)].filter((folder) => folder !== '' && existsSync(folder));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Folders in the loader's own list. */
function loaderFolders(): string[] {
  for (const program of ['/sbin/ldconfig', 'ldconfig']) {
    try {
      const text = execFileSync(program, ['-p'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
        timeout: 10_000,
      });
      return [...text.matchAll(/=> (\/\S+)$/gm)].map(([, path = '']) => dirname(path));
    } catch {
      // Not on this system, or not for this user.
    }
  }
  return [];
}

/** Where the system has the library that others ask for as `soname`. */
export function findLibrary(soname: string, folders: readonly string[]): string | undefined {
  const folder = folders.find((candidate) => existsSync(join(candidate, soname)));
  return folder === undefined ? undefined : join(folder, soname);
}

/** Libraries beside `path` whose names begin alike, such as cuDNN's parts. */
export function findCompanions(path: string, pattern: RegExp): string[] {
  return namesIn(dirname(path)).flatMap((name) => (pattern.test(name) ? [join(dirname(path), name)] : []));
}

/** ONNX Runtime's provider asks for these by name; the first tells the version. */
const INFER = 'libnvinfer.so';
const PARSER = 'libnvonnxparser.so';
export const TENSORRT_MAJOR = 10;

export type TensorRtFinding =
  | { readonly state: 'usable'; readonly folder: string; readonly version: string; readonly files: readonly string[] }
  | { readonly state: 'unusable'; readonly folder: string; readonly reason: string }
  | { readonly state: 'absent'; readonly folders: readonly string[] };

/** TensorRT in `folders`, the usable one before others that are too old, too new or incomplete. */
export function findTensorRt(folders: readonly string[]): TensorRtFinding {
  const findings = folders.flatMap((folder) => inspectFolder(folder) ?? []);
  return findings.find(({ state }) => state === 'usable') ?? findings[0] ?? { state: 'absent', folders };
}

function inspectFolder(folder: string): TensorRtFinding | undefined {
  const names = namesIn(folder);
  const versions = names.flatMap((name) => versionOf(folder, name) ?? []);
  if (versions.length === 0) return undefined;
  const version = versions.find((candidate) => Number(candidate.split('.')[0]) === TENSORRT_MAJOR);
  if (version === undefined) {
    const other = versions[0]!;
    const relation = Number(other.split('.')[0]) > TENSORRT_MAJOR ? 'new' : 'old';
    const reason = `TensorRT ${other} is too ${relation}: ONNX Runtime's provider is built for ${TENSORRT_MAJOR}.x`;
    return { state: 'unusable', folder, reason };
  }
  const files = [`${INFER}.${TENSORRT_MAJOR}`, `${PARSER}.${TENSORRT_MAJOR}`];
  const missing = files.filter((name) => !names.includes(name));
  if (missing.length > 0) {
    return {
      state: 'unusable',
      folder,
      reason: `TensorRT ${version} is incomplete: ${missing.join(' and ')} is not there`,
    };
  }
  const others = names.filter((name) => /^libnvinfer_\w+\.so\.10(\.\d+)*$/.test(name));
  return { state: 'usable', folder, version, files: [...files, ...others] };
}

/** From the file that a name such as `libnvinfer.so.10` stands for: `libnvinfer.so.10.9.0`. */
function versionOf(folder: string, name: string): string | undefined {
  if (!name.startsWith(`${INFER}.`)) return undefined;
  const own = name.slice(INFER.length + 1);
  try {
    const real = basename(realpathSync(join(folder, name)));
    return real.startsWith(`${INFER}.`) ? real.slice(INFER.length + 1) : own;
  } catch {
    return undefined;
  }
}
