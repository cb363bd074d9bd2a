import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildZooModel } from '../../src/onnx/zoo/zoo.js';
import { engineCacheKey, trimEngineCache, useCacheFolder } from '../../src/onnxruntime/engine-cache.js';
import { bundledLibraryPath } from '../../src/onnxruntime/library-path.js';
import { describeAssignment, prepareSession } from '../../src/onnxruntime/prepare-session.js';
import { proveSession } from '../../src/onnxruntime/session-proof.js';
import { readSessionSettings } from '../../src/onnxruntime/triton-settings.js';
import { modelFile } from '../support/model-files.js';

const root = mkdtempSync(join(tmpdir(), 'perf-ts-engines-'));
afterAll(() => rmSync(root, { recursive: true }));
const ortLibrary = bundledLibraryPath();
const model = modelFile('add_sub');
const withProvider = (name: 'cuda' | 'openvino' | 'xnnpack') => ({ providers: [{ name, options: {} }] });

/** A build with OpenVINO, to try the real one: PERF_TS_TEST_OPENVINO=/path/to/libonnxruntime.so.1.24.1. */
const openVino = process.env.PERF_TS_TEST_OPENVINO;

/** A Vulkan driver that WebGPU takes, such as Mesa 25's llvmpipe: PERF_TS_TEST_WEBGPU=1. */
const hasWebGpu = process.env.PERF_TS_TEST_WEBGPU === '1';

describe('a session that is made in a process of its own', () => {
  it('is proven with the nodes that each provider took', async () => {
    const proof = await proveSession({ ortLibrary, modelFile: model, settings: {} });
    expect(proof).toMatchObject({ state: 'proven', nodes: { cpu: 2 }, copyCount: 0 });
  });

  it('is refused with the reason for a provider that the library lacks', async () => {
    const refused = await proveSession({ ortLibrary, modelFile: model, settings: withProvider('xnnpack') });
    expect(refused).toMatchObject({
      state: 'refused',
      provider: 'xnnpack',
      reason: expect.stringContaining('XNNPACK execution provider is not supported in this build'),
    });
  });

  it('is refused for a file that is no library or no model, and when the time is over', async () => {
    const junk = join(root, 'junk.so');
    writeFileSync(junk, 'junk');
    const settings = {};
    expect(await proveSession({ ortLibrary: junk, modelFile: model, settings })).toMatchObject({
      reason: expect.stringContaining('cannot use this ONNX Runtime library'),
    });
    expect(await proveSession({ ortLibrary, modelFile: junk, settings })).toMatchObject({ state: 'refused' });
    expect(await proveSession({ ortLibrary, modelFile: model, settings }, { timeoutMs: 1 })).toMatchObject({
      reason: expect.stringContaining('nothing within 0.001 s'),
    });
    rmSync(junk);
  });
});

describe('preparing a model', () => {
  const prepare = { modelFile: model, ortLibrary, ortVersion: '1', settings: {}, places: [undefined] };

  it('proves it once and takes the result from the cache afterwards', async () => {
    const first = await prepareSession(prepare, { cacheRoot: root });
    const second = await prepareSession(prepare, { cacheRoot: root });
    expect(first).toMatchObject({ state: 'ready', isKept: false, assignments: [{ device: 'cpu', nodes: { cpu: 2 } }] });
    expect(second).toEqual({ ...first, isKept: true });
  });

  it('keeps nothing of a provider that was refused', async () => {
    const before = readdirSync(root).length;
    const settings = withProvider('openvino');
    expect(await prepareSession({ ...prepare, settings }, { cacheRoot: root })).toMatchObject({
      state: 'refused',
      reason: expect.stringContaining('OpenVINO execution provider is not supported in this build'),
    });
    const folders = readdirSync(root);
    expect(folders).toHaveLength(before + 1);
    expect(folders.filter((name) => existsSync(join(root, name, 'proof.json')))).toHaveLength(before);
  });

  it.skipIf(openVino === undefined)('runs on OpenVINO whole, and its blob is kept', async () => {
    const { settings } = readSessionSettings({
      optimization: { execution_accelerators: { cpu_execution_accelerator: [{ name: 'openvino' }] } },
    });
    const ready = await prepareSession({ ...prepare, ortLibrary: openVino!, settings }, { cacheRoot: root });
    expect(ready).toMatchObject({ state: 'ready', assignments: [{ nodes: { openvino: 2 }, copyCount: 0 }] });
  });

  it.skipIf(!hasWebGpu)(
    'runs on WebGPU, with all nodes counted where ONNX Runtime’s own record leaves some out',
    async () => {
      const file = join(root, 'simple_cnn.onnx');
      writeFileSync(file, buildZooModel('simple_cnn'));
      const settings = { providers: [{ name: 'webgpu' as const, options: {} }] };
      const ready = await prepareSession({ ...prepare, modelFile: file, settings, places: [0] }, { cacheRoot: root });
      expect(ready).toMatchObject({ state: 'ready', assignments: [{ device: 'gpu 0' }] });
      const { nodes = {} } = ready.state === 'ready' ? ready.assignments[0]! : {};
      expect(nodes.webgpu).toBeGreaterThan(10);
    },
  );

  it('is told in one line', () => {
    expect(describeAssignment({ nodes: { cuda: 40, cpu: 2 }, copyCount: 3 })).toBe(
      'cuda 40, cpu 2 of 42 nodes, 3 copies inserted',
    );
  });
});

describe('the cache of engines', () => {
  it('has another key for another library, device, setting or file beside the model', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'perf-ts-key-'));
    const file = join(folder, 'model.onnx');
    writeFileSync(file, 'weights');
    const identity = { modelFile: file, library: 'a', devices: ['cpu'], settings: {} };
    const keys = [
      await engineCacheKey(identity),
      await engineCacheKey({ ...identity, library: 'b' }),
      await engineCacheKey({ ...identity, devices: ['gpu'] }),
      await engineCacheKey({ ...identity, settings: { intraOpThreads: 1 } }),
    ];
    expect(await engineCacheKey(identity)).toBe(keys[0]);
    writeFileSync(join(folder, 'model.bin'), 'more');
    keys.push(await engineCacheKey(identity));
    expect(new Set(keys).size).toBe(5);
    rmSync(folder, { recursive: true });
  });

  it('lets the least recently used go when it grows beyond its limit, and keeps the newest', async () => {
    const cache = mkdtempSync(join(tmpdir(), 'perf-ts-lru-'));
    for (const [index, key] of ['old', 'middle', 'new'].entries()) {
      const folder = await useCacheFolder(key, cache);
      writeFileSync(join(folder, 'engine'), Buffer.alloc(100));
      utimesSync(folder, 1000 + index, 1000 + index);
    }
    await trimEngineCache(250, cache);
    expect(readdirSync(cache).sort()).toEqual(['middle', 'new']);
    await trimEngineCache(0, cache);
    expect(readdirSync(cache)).toEqual(['new']);
    rmSync(cache, { recursive: true });
  });
});
