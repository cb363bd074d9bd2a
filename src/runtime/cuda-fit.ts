/** Whether the driver serves the CUDA that a build was made for, from the build's own file and the driver's word. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readNeededLibraries } from '../onnxruntime/elf-needed.js';
import { providerRow } from '../onnxruntime/provider-table.js';
import type { DriverFacts } from './probe-messages.js';

/** Major version of CUDA that the CUDA provider beside `libraryPath` links to; undefined where there is none. */
export function cudaOf(libraryPath: string): number | undefined {
  const file = join(dirname(libraryPath), `lib${providerRow('cuda').pluginLibrary}.so`);
  const needed = existsSync(file) ? (readNeededLibraries(file) ?? []) : [];
  const major = needed.flatMap((name) => /^libcudart\.so\.(\d+)/.exec(name)?.[1] ?? []).at(0);
  return major === undefined ? undefined : Number(major);
}

/** Why driver and build do not go together; undefined when they do, or when either does not tell. A driver serves every minor version of its CUDA. */
export function misfitOf({ version, cudaVersion }: DriverFacts, libraryPath: string): string | undefined {
  const wanted = cudaOf(libraryPath);
  if (wanted === undefined || cudaVersion === undefined || Number(cudaVersion.split('.')[0]) >= wanted)
    return undefined;
  const driver = version === undefined ? 'the NVIDIA driver' : `the NVIDIA driver ${version}`;
  return `${driver} is too old: it serves CUDA up to ${cudaVersion}, and this build is for CUDA ${wanted}`;
}
