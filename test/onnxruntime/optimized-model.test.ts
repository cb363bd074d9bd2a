import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildZooModel } from '../../src/onnx/zoo/zoo.js';
import { loadOrtLibrary } from '../../src/onnxruntime/library.js';
import { bundledLibraryPath } from '../../src/onnxruntime/library-path.js';
import { isOptimizable, keepOptimized, type OptimizedModel } from '../../src/onnxruntime/optimized-model.js';
import { OrtSession } from '../../src/onnxruntime/session.js';
import type { SessionSettings } from '../../src/onnxruntime/session-settings.js';

const root = mkdtempSync(join(tmpdir(), 'perf-ts-optimized-'));
afterAll(() => rmSync(root, { recursive: true }));
// What lies beside a model is part of the key, so it lies alone.
const modelFolder = join(root, 'model');
mkdirSync(modelFolder);
const modelFile = join(modelFolder, 'simple_cnn.onnx');
writeFileSync(modelFile, buildZooModel('simple_cnn'));
const ortLibrary = bundledLibraryPath();

let serial = 0;
const keep = (settings: SessionSettings, cacheRoot: string): Promise<OptimizedModel> =>
  keepOptimized({ modelFile, ortLibrary, ortVersion: '1', settings }, { cacheRoot });
const newCache = (): string => join(root, `cache-${++serial}`);

function answerOf(file: string, settings: SessionSettings): Uint8Array {
  const session = new OrtSession(loadOrtLibrary(), file, { ...settings, intraOpThreads: 1 });
  try {
    const values = Float32Array.from({ length: 3 * 32 * 32 }, (_, index) => Math.sin(index));
    const input = {
      name: 'input',
      dataType: 'FP32',
      shape: [1, 3, 32, 32],
      bytes: new Uint8Array(values.buffer),
    } as const;
    return session.run([input])[0]!.bytes.slice();
  } finally {
    session.close();
  }
}

describe('a model that is kept as it was optimised', () => {
  it('is made once, with the time that took, and gives the same answers with nothing left to optimise', async () => {
    const cache = newCache();
    const first = await keep({ graphLevel: 'all' }, cache);
    expect(first).toMatchObject({ state: 'ready', isKept: false, settings: { graphLevel: 'disabled' } });
    if (first.state !== 'ready') return;
    expect(first.buildNs).toBeGreaterThan(0);
    expect(answerOf(first.modelFile, first.settings)).toEqual(answerOf(modelFile, { graphLevel: 'all' }));
    const second = await keep({ graphLevel: 'all' }, cache);
    expect(second).toEqual({ ...first, isKept: true, buildNs: undefined });
  });

  it('is shared by settings that leave the graph alone, and not by another graph level', async () => {
    const cache = newCache();
    await keep({ graphLevel: 'extended', intraOpThreads: 1 }, cache);
    expect(await keep({ graphLevel: 'extended', intraOpThreads: 2, cpuArena: false }, cache)).toMatchObject({
      isKept: true,
      settings: { intraOpThreads: 2, cpuArena: false },
    });
    expect(await keep({ graphLevel: 'basic' }, cache)).toMatchObject({ isKept: false });
    expect(readdirSync(cache)).toHaveLength(2);
  });

  it('is told to be unavailable where it cannot be written or made, with the reason and nothing half-written', async () => {
    const blocked = join(root, 'a-file');
    writeFileSync(blocked, '');
    expect(await keep({}, blocked)).toMatchObject({ state: 'unavailable', reason: expect.stringContaining('a-file') });
    const broken = join(modelFolder, '..', 'broken.onnx');
    writeFileSync(broken, 'no model');
    const cache = newCache();
    const outcome = await keepOptimized(
      { modelFile: broken, ortLibrary, ortVersion: '1', settings: {} },
      { cacheRoot: cache },
    );
    expect(outcome).toMatchObject({ state: 'unavailable' });
    expect(readdirSync(cache).flatMap((name) => readdirSync(join(cache, name)))).toEqual([]);
  });

  it('goes with the engines when the cache grows beyond its limit', async () => {
    const cache = newCache();
    const limits = { cacheRoot: cache, cacheLimitBytes: 1 };
    const model = { modelFile, ortLibrary, ortVersion: '1' };
    const first = await keepOptimized({ ...model, settings: { graphLevel: 'basic' } }, limits);
    await keepOptimized({ ...model, settings: { graphLevel: 'all' } }, limits);
    expect(first.state === 'ready' && existsSync(first.modelFile)).toBe(false);
  });
});

it('only models for the CPU provider whose graph is optimised at all are kept', () => {
  expect(isOptimizable({})).toBe(true);
  expect(isOptimizable({ graphLevel: 'disabled' })).toBe(false);
  expect(isOptimizable({ providers: [{ name: 'openvino', options: {} }] })).toBe(false);
});
