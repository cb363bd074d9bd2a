import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { cudaOf, misfitOf } from '../../src/runtime/cuda-fit.js';
import { remedyFor } from '../../src/runtime/provider-remedy.js';
import { elfAskingFor } from '../support/elf-file.js';
import { makeTemporaryFolder } from '../support/temporary-folder.js';

async function buildFor(runtimeLibrary: string): Promise<string> {
  const folder = await makeTemporaryFolder();
  writeFileSync(join(folder, 'libonnxruntime_providers_cuda.so'), elfAskingFor(['libcublas.so.13', runtimeLibrary]));
  return join(folder, 'libonnxruntime.so.1');
}

const driver = { version: '535.261.03', cudaVersion: '12.2', devices: [], problem: undefined };

it('a build tells its CUDA by the runtime library that its provider asks for', async () => {
  expect(cudaOf(await buildFor('libcudart.so.13'))).toBe(13);
  expect(cudaOf(join(await makeTemporaryFolder(), 'libonnxruntime.so.1'))).toBeUndefined();
});

it('a driver that is too old for a build is named with both versions and what to do', async () => {
  const reason = misfitOf(driver, await buildFor('libcudart.so.13'));
  expect(reason).toBe(
    'the NVIDIA driver 535.261.03 is too old: it serves CUDA up to 12.2, and this build is for CUDA 13',
  );
  expect(remedyFor('cuda', reason!, 'cuda-1.31.1')).toBe(
    'update the NVIDIA driver, or: perf-ts runtime install cuda12',
  );
});

it('a driver serves every build of its CUDA or an older one', async () => {
  expect(misfitOf(driver, await buildFor('libcudart.so.12'))).toBeUndefined();
  expect(misfitOf({ ...driver, cudaVersion: undefined }, await buildFor('libcudart.so.13'))).toBeUndefined();
});

it.each([
  ['cuda', 'no NVIDIA driver: the system has no libcuda.so.1', 'install the NVIDIA driver'],
  ['cuda', 'the NVIDIA driver does not start: CUDA error 100: the driver finds no GPU', 'nvidia-smi'],
  ['tensorrt', 'libnvinfer.so.10 was not found; searched /usr/lib', '--tensorrt DIR'],
  ['cuda', 'libcublas.so.13 was not found; searched /usr/lib', 'install it again'],
] as const)('%s that is refused for: %s', (provider, reason, remedy) => {
  expect(remedyFor(provider, reason, 'cuda-1.31.1')).toContain(remedy);
});
