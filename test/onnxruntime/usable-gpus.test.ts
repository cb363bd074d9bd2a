import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { bundledLibraryPath } from '../../src/onnxruntime/library-path.js';
import { findUsableGpus } from '../../src/onnxruntime/usable-gpus.js';

const folder = mkdtempSync(join(tmpdir(), 'perf-ts-gpus-'));
afterAll(() => rmSync(folder, { recursive: true }));
const plugin = process.platform === 'win32' ? 'onnxruntime_providers_cuda.dll' : 'libonnxruntime_providers_cuda.so';
writeFileSync(join(folder, plugin), '');
const withCuda = join(folder, 'libonnxruntime.so.1');
const two = () => ({ devices: [0, 1].map((gpu) => ({ gpu, name: 'a GPU' })) });
const none = () => ({ devices: [], reason: 'no driver' });
const unasked = (): never => {
  throw new Error('the driver must not be asked');
};

describe('a config that leaves the kind of its instances open', () => {
  it('means every GPU where the library has CUDA and the driver finds devices', () => {
    expect(findUsableGpus({}, withCuda, two)).toEqual({ hasGpu: true, gpus: [0, 1] });
    expect(findUsableGpus({ instance_group: [{ kind: 'KIND_AUTO' }] }, withCuda, two).hasGpu).toBe(true);
  });

  it('means the CPU without a device, or without the provider, and then nobody asks the driver', () => {
    expect(findUsableGpus({}, withCuda, none)).toEqual({ hasGpu: false, gpus: [] });
    expect(findUsableGpus({}, bundledLibraryPath(), unasked)).toEqual({ hasGpu: false, gpus: [] });
  });

  it('means the GPU of another make where its accelerator is asked for', () => {
    const optimization = { execution_accelerators: { gpu_execution_accelerator: [{ name: 'webgpu' }] } };
    expect(findUsableGpus({ optimization }, withCuda, unasked)).toEqual({ hasGpu: true, gpus: [] });
  });
});

it('a group on GPUs that names none gets all, and one on the CPU asks nobody', () => {
  expect(findUsableGpus({ instance_group: [{ kind: 'KIND_GPU' }] }, withCuda, two).gpus).toEqual([0, 1]);
  expect(findUsableGpus({ instance_group: [{ kind: 'KIND_CPU' }] }, withCuda, unasked).hasGpu).toBe(false);
});
