import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeSamples } from '../../src/check/accuracy-samples.js';
import { measureAccuracy, recordReference } from '../../src/check/measure-accuracy.js';
import type { ModelConfig } from '../../src/model-config/model-config.js';
import { buildZooModel } from '../../src/onnx/zoo/zoo.js';
import { readDataFiles } from '../../src/plan/input-data/data-files.js';
import { runPerfTs } from '../support/run-perf-ts.js';
import { makeTemporaryFolder } from '../support/temporary-folder.js';

const configOf = (...dims: readonly number[]): ModelConfig => ({
  max_batch_size: 4,
  input: [{ name: 'x', data_type: 'TYPE_FP32', dims }],
  output: [{ name: 'y', data_type: 'TYPE_FP32', dims }],
});

describe('the samples', () => {
  it('are the same for the same seed and differ from each other', () => {
    const first = makeSamples('m', configOf(2), { count: 3, seed: 7 });
    expect(makeSamples('m', configOf(2), { count: 3, seed: 7 })).toEqual(first);
    expect(new Set(first.map(([tensor]) => Buffer.from(tensor!.bytes).toString('hex'))).size).toBe(3);
    expect(first.map(([tensor]) => tensor!.shape)).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ]);
  });

  it('come from the user where there are any, a step each, whatever answers the file expects', async () => {
    const file = join(await makeTemporaryFolder(), 'data.json');
    const data = { data: [{ x: [1, 2] }, { x: [3, 4] }], validation_data: [{ y: [9, 9] }, {}] };
    await writeFile(file, JSON.stringify(data));
    const contents = { inputChoices: [{ kind: 'path', path: file }] as const, dataFiles: await readDataFiles([file]) };
    const samples = makeSamples('m', configOf(2), { count: 9, seed: 1, contents });
    const values = samples.map(([tensor]) => [...new Float32Array(tensor!.bytes.slice().buffer)]);
    expect(values).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  it('need every open dimension, and name inputs that the model has', () => {
    const sample = (shapes: Readonly<Record<string, readonly number[]>>) => () =>
      makeSamples('m', configOf(-1), { count: 1, seed: 1, contents: { shapes } });
    expect(sample({})).toThrow(/dynamic dimensions \[-1\].*--shape x:8/);
    expect(sample({ x: [3], z: [1] })).toThrow(/has no input z/);
    expect(sample({ x: [3] })()[0]![0]!.shape).toEqual([1, 3]);
  });
});

describe('measuring accuracy', () => {
  it('compares with what ONNX Runtime makes of the unchanged model', async () => {
    const file = join(await makeTemporaryFolder(), 'model.onnx');
    await writeFile(file, buildZooModel('identity'));
    const reference = await recordReference({ name: 'm', modelFile: file, config: undefined }, { count: 4, seed: 1 });
    const same = await measureAccuracy(reference, async ([tensor]) => [{ ...tensor!, name: 'OUTPUT0' }]);
    expect(same).toMatchObject({ sampleCount: 4, metrics: { accuracy_max_abs: 0, accuracy_top1: 1 } });
    const zeros = await measureAccuracy(reference, async ([tensor]) => [
      { ...tensor!, name: 'OUTPUT0', bytes: new Uint8Array(tensor!.bytes.length) },
    ]);
    expect(zeros.metrics.accuracy_cosine).toBe(0);
  });

  it('says what is wrong with a file that is no model', async () => {
    const file = join(await makeTemporaryFolder(), 'model.onnx');
    await writeFile(file, 'no model');
    await expect(
      recordReference({ name: 'm', modelFile: file, config: undefined }, { count: 1, seed: 1 }),
    ).rejects.toMatchObject({ code: 'BAD_FILE' });
  });
});

describe('perf-ts models', () => {
  it('converts a demo model and compares the answers of both through the engine', async () => {
    const folder = await makeTemporaryFolder();
    const converted = await runPerfTs(
      ['models', 'convert', 'simple_cnn', '--fp16', '--no-keep-io-types', '--to', 'r'],
      { folder },
    );
    expect(converted).toMatchObject({ code: 0 });
    expect(converted.stdout).toContain('21 nodes FP16, 0 FP32, 0 Casts added');
    const compared = await runPerfTs(
      ['models', 'compare', 'simple_cnn', './r/simple_cnn_fp16', '--samples', '3', '--json'],
      { folder },
    );
    expect(compared).toMatchObject({ code: 0, survivors: [] });
    const { metrics, sampleCount } = JSON.parse(compared.stdout);
    expect(sampleCount).toBe(3);
    expect(metrics.accuracy_cosine).toBeGreaterThan(0.9999);
    expect(metrics.accuracy_max_abs).toBeGreaterThan(0);
  }, 60_000);

  it('refuses options of another action, and what it cannot convert into', async () => {
    const folder = await makeTemporaryFolder();
    await mkdir(join(folder, 'empty'));
    const stray = await runPerfTs(['models', 'add', 'identity', '--fp16'], { folder });
    expect(stray).toMatchObject({ code: 3 });
    expect(stray.stderr).toContain('--fp16: belongs to models convert, not to models add');
    const vague = await runPerfTs(['models', 'convert', 'identity'], { folder });
    expect(vague.stderr).toContain('add --fp16');
    const nothing = await runPerfTs(['models', 'convert', './empty', '--fp16'], { folder });
    expect(nothing.stderr).toContain('holds no ONNX model');
  }, 60_000);
});
