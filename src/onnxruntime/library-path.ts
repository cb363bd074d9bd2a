/** Where the ONNX Runtime library lies that the onnxruntime-node package ships for this platform. */
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { messageOf, PerfTsError } from '../common/errors.js';

/** File names by platform: exact, because the folders also hold Node add-ons and, on macOS, a versioned copy. */
const libraryNames: Readonly<Record<string, string>> = {
  linux: 'libonnxruntime.so.1',
  darwin: 'libonnxruntime.1.dylib',
  win32: 'onnxruntime.dll',
};

/**
 * Absolute path of the library that onnxruntime-node ships for `platform` and `arch`.
 * @throws PerfTsError RUNTIME_UNUSABLE when the package is missing or has no build for them.
 */
export function bundledLibraryPath(platform: string = process.platform, arch: string = process.arch): string {
  const folder = join(packageFolder(), 'bin', 'napi-v6');
  const path = join(folder, platform, arch, libraryNames[platform] ?? '');
  if (libraryNames[platform] !== undefined && existsSync(path)) return path;
  throw new PerfTsError('RUNTIME_UNUSABLE', {
    what: `onnxruntime-node ships no ONNX Runtime for ${platform}-${arch}, only for ${listBuilds(folder).join(', ')}`,
    where: folder,
    hint: 'give a build of your own with --ort-library',
  });
}

function packageFolder(): string {
  try {
    return dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
  } catch (cause) {
    throw new PerfTsError(
      'RUNTIME_UNUSABLE',
      {
        what: `the package onnxruntime-node cannot be found: ${messageOf(cause)}`,
        hint: 'install the dependencies with npm ci, or give a build of your own with --ort-library',
      },
      cause,
    );
  }
}

function listBuilds(folder: string): string[] {
  if (!existsSync(folder)) return ['no platform at all'];
  return readdirSync(folder).flatMap((platform) =>
    readdirSync(join(folder, platform)).map((arch) => `${platform}-${arch}`),
  );
}
