import { readdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createEngineLog } from '../../engine/log/create-engine-log.js';
import type { ModelConfig } from '../../src/model-config/model-config.js';
import { loadTestModel, outputsOf, tensorConfig } from '../support/load-test-model.js';
import { floats, toFloats } from '../support/model-files.js';
import { floatBytes, writeOnnx } from '../support/onnx-model.js';
import { makeTemporaryFolder } from '../support/temporary-folder.js';

let cache: string;
let folder: string;
beforeEach(async () => {
  cache = await makeTemporaryFolder();
  folder = await makeTemporaryFolder();
  vi.stubEnv('PERF_TS_CACHE', cache);
});
afterEach(() => vi.unstubAllEnvs());

const config: ModelConfig = {
  input: [tensorConfig('X', 'FP32', [2])],
  output: [tensorConfig('Y', 'FP32', [2])],
  max_batch_size: 4,
};

/** Y = X * W; W in the model or in a file of its own. */
async function writeModel(location?: string, weights: readonly number[] = [2, 3]): Promise<string> {
  const bytes = floatBytes(weights);
  if (location !== undefined) {
    await mkdir(dirname(join(folder, location)), { recursive: true });
    writeFileSync(join(folder, location), bytes);
  }
  const W = { name: 'W', dims: [2], bytes, ...(location === undefined ? {} : { location }) };
  const model = writeOnnx({
    nodes: [{ op: 'Mul', inputs: ['X', 'W'], outputs: ['Y'] }],
    inputs: [{ name: 'X', shape: ['N', 2] }],
    outputs: [{ name: 'Y', shape: ['N', 2] }],
    initializers: [W],
  });
  const file = join(folder, 'model.onnx');
  writeFileSync(file, model);
  return file;
}

/** What the model makes of [1, 1], and what the log says meanwhile. */
async function serveOnce(modelFile: string): Promise<{ readonly answer: number[]; readonly text: string }> {
  let text = '';
  const write = (lines: string): void => {
    text += lines;
  };
  const log = createEngineLog({}, { write });
  const model = await loadTestModel('m', config, { modelFile, keepsOptimized: true, log });
  const [product] = await outputsOf(model, [floats('X', [1, 2], [1, 1])]);
  await model.close();
  await log.close();
  return { answer: toFloats(product!), text };
}

const entries = (): string[] => readdirSync(join(cache, 'engines')).map((key) => join(cache, 'engines', key));

describe('with --optimized-model-cache a model', () => {
  it('is served from what was kept of it the first time, and answers as before', async () => {
    const file = await writeModel();
    const [first, second] = [await serveOnce(file), await serveOnce(file)];
    expect(first).toEqual({ answer: [2, 3], text: expect.stringMatching(/optimised in \d+ ms/) });
    expect(second).toEqual({ answer: [2, 3], text: expect.stringContaining('optimised before') });
  });

  it('with weights in a file of its own is served as without it', async () => {
    const file = await writeModel('weights.bin');
    for (let start = 0; start < 2; start++) expect((await serveOnce(file)).answer).toEqual([2, 3]);
  });

  it.each(['weights.bin', 'w/weights.bin', 'a/b/weights.bin'])(
    'is made anew when its weights in %s change',
    async (location) => {
      const file = await writeModel(location);
      expect((await serveOnce(file)).answer).toEqual([2, 3]);
      expect((await serveOnce(await writeModel(location, [5, 7]))).answer).toEqual([5, 7]);
      expect((await serveOnce(await writeModel(location, [2, 3]))).answer).toEqual([2, 3]);
      expect(entries()).toHaveLength(2);
    },
  );

  it.each([
    ['cut', (entry: string) => truncateSync(join(entry, 'model.onnx'), 40)],
    ['emptied', (entry: string) => truncateSync(join(entry, 'model.onnx'), 0)],
    ['without its note', (entry: string) => writeFileSync(join(entry, 'optimized.json'), '{')],
  ])('is served where what was kept of it is %s', async (_, damage) => {
    const file = await writeModel();
    await serveOnce(file);
    damage(entries()[0]!);
    expect((await serveOnce(file)).answer).toEqual([2, 3]);
    expect(await serveOnce(file)).toEqual({ answer: [2, 3], text: expect.stringContaining('optimised before') });
  });

  it('is served where what was kept of it has its size and is none, which is dropped', async () => {
    const file = await writeModel();
    await serveOnce(file);
    const [entry] = entries();
    const kept = join(entry!, 'model.onnx');
    const { size } = await import('node:fs/promises').then(({ stat }) => stat(kept));
    writeFileSync(kept, Buffer.alloc(size, 7));
    expect(await serveOnce(file)).toEqual({ answer: [2, 3], text: expect.stringContaining('is dropped') });
    expect(await serveOnce(file)).toEqual({ answer: [2, 3], text: expect.stringMatching(/optimised in/) });
  });

  it('is served beside links that lead nowhere or in a ring', async () => {
    const file = await writeModel('w/weights.bin');
    symlinkSync('/nowhere/at/all', join(folder, 'dangling'));
    symlinkSync(folder, join(folder, 'w', 'ring'));
    expect((await serveOnce(file)).answer).toEqual([2, 3]);
  });
}, 120_000);
