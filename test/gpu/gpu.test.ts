import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadModel } from '../../engine/model.js';
import type { ModelConfig } from '../../src/model-config/model-config.js';
import { buildZooModel } from '../../src/onnx/zoo/zoo.js';
import { findCudaDevices } from '../../src/onnxruntime/cuda-devices.js';
import { loadOrtLibrary } from '../../src/onnxruntime/library.js';
import { placeSession } from '../../src/onnxruntime/place-session.js';
import { prepareSession } from '../../src/onnxruntime/prepare-session.js';
import { openProviderLibraries } from '../../src/onnxruntime/provider-libraries.js';
import { type ProviderName, providerRow } from '../../src/onnxruntime/provider-table.js';
import { OrtSession } from '../../src/onnxruntime/session.js';
import { proveSession } from '../../src/onnxruntime/session-proof.js';
import { readSessionSettings } from '../../src/onnxruntime/triton-settings.js';

/** A libonnxruntime that comes with its CUDA and TensorRT providers: PERF_TS_TEST_CUDA, see docs/gpu.md. */
const ortLibrary = process.env.PERF_TS_TEST_CUDA ?? '';
const hasLibrary = ortLibrary !== '';
const hasGpu = hasLibrary && findCudaDevices().devices.length > 0;
/** TensorRT is installed by hand, so it is said by hand. */
const hasTensorRt = hasGpu && process.env.PERF_TS_TEST_TENSORRT === '1';

const folder = mkdtempSync(join(tmpdir(), 'perf-ts-gpu-'));
afterAll(() => rmSync(folder, { recursive: true }));
const modelFile = join(folder, 'simple_cnn.onnx');
writeFileSync(modelFile, buildZooModel('simple_cnn'));

const configOf = (name: string, parameters: Record<string, string> = {}): ModelConfig => ({
  name: 'simple_cnn',
  instance_group: [{ name: 'simple_cnn_0', kind: 'KIND_GPU', count: 1, gpus: [0] }],
  optimization: { execution_accelerators: { gpu_execution_accelerator: [{ name, parameters }] } },
});

/** Outputs for the same seeded input. */
function runOn(config: ModelConfig, gpu: number | undefined): Float32Array {
  const settings = placeSession(readSessionSettings(config).settings, gpu);
  for (const { name } of settings.providers ?? []) openProviderLibraries(providerRow(name), ortLibrary);
  const session = new OrtSession(loadOrtLibrary(ortLibrary), modelFile, settings);
  try {
    const { name, dataType, shape } = session.inputs[0]!;
    const dims = shape.map((extent) => Math.max(1, extent));
    const values = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, index) => Math.sin(index));
    const [output] = session.run([{ name, dataType, shape: dims, bytes: new Uint8Array(values.buffer) }]);
    return new Float32Array(output!.bytes.slice().buffer);
  } finally {
    session.close();
  }
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, index) => Math.max(most, Math.abs(value - b[index]!)), 0);
}

describe.skipIf(!hasLibrary || hasGpu)('NVIDIA’s providers without a GPU', () => {
  it.each(['cuda', 'tensorrt'] as const)('%s is refused with each library that is missing', async (name) => {
    const proof = await proveSession({ ortLibrary, modelFile, settings: { providers: [{ name, options: {} }] } });
    expect(proof).toMatchObject({
      state: 'refused',
      provider: name,
      reason: expect.stringMatching(/lib\w+\.so\.\d+|CUDA/),
    });
  });
});

describe.skipIf(!hasGpu)('a model on a GPU', () => {
  const cpu = (): Float32Array => runOn({}, undefined);

  it.each([
    ['plain', {}],
    ['with TF32 off', { use_tf32: '0' }],
    ['with the heuristic search', { cudnn_conv_algo_search: 'HEURISTIC' }],
    ['with NHWC', { prefer_nhwc: '1' }],
    ['within a memory limit', { gpu_mem_limit: String(512 * 2 ** 20) }],
  ])('answers through CUDA as on the CPU, %s', (_, parameters) => {
    expect(largestDifference(runOn(configOf('cuda', parameters), 0), cpu())).toBeLessThan(0.02);
  });

  it.each(['cuda', ...(hasTensorRt ? ['tensorrt'] : [])] as ProviderName[])(
    'is proven on %s, with its nodes',
    async (name) => {
      const { settings } = readSessionSettings(configOf(name));
      const model = { modelFile, ortLibrary, ortVersion: loadOrtLibrary(ortLibrary).version, settings, places: [0] };
      const first = await prepareSession(model, { cacheRoot: join(folder, 'cache') });
      expect(first).toMatchObject({ state: 'ready', isKept: false });
      if (first.state === 'ready') expect(first.assignments[0]?.nodes[name]).toBeGreaterThan(0);
      expect(await prepareSession(model, { cacheRoot: join(folder, 'cache') })).toMatchObject({ isKept: true });
    },
  );

  it('is refused for an option that CUDA does not have and for a device that is not there', async () => {
    const settings = { providers: [{ name: 'cuda' as const, options: { nope: '1' } }] };
    expect(await proveSession({ ortLibrary, modelFile, settings })).toMatchObject({
      reason: expect.stringContaining('nope'),
    });
    const config: ModelConfig = { ...configOf('cuda'), instance_group: [{ kind: 'KIND_GPU', gpus: [99] }] };
    const loading = loadModel({ name: 'simple_cnn', version: '1', config, modelFile, ortLibrary });
    await expect(loading).rejects.toThrow('there is no CUDA device 99');
  });

  it.skipIf(!hasTensorRt)('answers through TensorRT in FP16 nearly as on the CPU', () => {
    expect(largestDifference(runOn(configOf('tensorrt', { precision_mode: 'FP16' }), 0), cpu())).toBeLessThan(0.1);
  });
});

it('says what of this suite runs here', () => {
  const { devices, reason } = findCudaDevices();
  const gpu = reason ?? devices.map(({ name }) => name).join(', ');
  console.log(`GPU: ${gpu}; library: ${ortLibrary || 'PERF_TS_TEST_CUDA is not set'}; TensorRT: ${hasTensorRt}`);
  expect(devices.length > 0 || reason !== undefined).toBe(true);
});
