import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseModelConfig } from '../../src/model-config/parse-config.js';
import { validateModelConfig } from '../../src/model-config/validate-config.js';
import { readModelSignature } from '../../src/onnx/read-signature.js';
import {
  addZooModels,
  buildGraph,
  buildZooModel,
  ensureZooModel,
  isZooModel,
  zooModels,
} from '../../src/onnx/zoo/zoo.js';

/** SHA-256 at the default seed. A change here means a new GENERATOR_VERSION, or cached models stay as they were. */
const hashes: Readonly<Record<string, string>> = {
  text_recognition: 'fe9c99b5ea0499719d879c613918629a2704cf6f4f2e57fc49b0cabf82648f72',
  resnet18: 'fbfe7b3f174987d450c4cce5e1286be851930bb98eb0ef29fea804f9f3f6262f',
  inception_v3: 'e7c6203260048df314f22e37cb656db9fc3fd0a0902fd9651cccd6d3d4a93e4a',
  simple_cnn: 'aa5098f2c39fd203e05dbe9baf788c30d739c506194ad801a9fc771ed05c93dd',
  simple_transformer: '2fd1f7b43d90180371fd64795f489c18cacaffed17ca559150551c020daececb',
  identity: '84667774738e6cd6919884da665ad304a80a2a64d7fbcfccff4f4221e0a8e8ee',
  add_sub: '7eba1ecd45c73a4bde7ef22d0bc6ad3cf867bec2e95789353d7ab467632d1095',
};

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perf-ts-zoo-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('buildZooModel', () => {
  it.each(zooModels.map(({ name }) => name))('gives %s the same bytes everywhere', (name) => {
    expect(hashOf(buildZooModel(name))).toBe(hashes[name]);
  });

  it('gives other weights for another seed, and other widths at full size', () => {
    expect(hashOf(buildZooModel('simple_cnn', { seed: 2 }))).not.toBe(hashes.simple_cnn);
    expect(buildZooModel('simple_cnn', { seed: 2 })).toHaveLength(buildZooModel('simple_cnn').length);
    expect(hashOf(buildZooModel('simple_cnn', { fullSize: true }))).toBe(hashes.simple_cnn);
  });

  it.each(zooModels.map((model) => [model.name, model] as const))(
    'counts the operations of %s as the list says',
    (name, model) => {
      expect(buildGraph(name).flops).toBe(model.flops);
      if (model.fullSizeFlops !== undefined)
        expect(buildGraph(name, { fullSize: true }).flops).toBe(model.fullSizeFlops);
    },
  );

  it('refuses a name that is not in the zoo, and lists what is', () => {
    expect(isZooModel('text_recognition')).toBe(true);
    expect(isZooModel('toString')).toBe(false);
    expect(() => buildZooModel('alexnet')).toThrow(
      /no demo model 'alexnet' \(the demo models are text_recognition, resnet18/,
    );
  });
});

describe('ensureZooModel', () => {
  it('makes a repository with a baseline config and the model, once', async () => {
    let made = 0;
    const options = { cacheFolder: join(folder, 'cache'), onMake: () => made++ };
    const { repository, modelFolder } = await ensureZooModel('text_recognition', options);
    expect(modelFolder).toBe(join(repository, 'text_recognition'));
    expect(await readdir(repository)).toEqual(['text_recognition']);
    expect(
      await readFile(join(modelFolder, 'config.pbtxt'), 'utf8'),
    ).toBe(`# Demo model of perf-ts with random weights (seed 1).
name: "text_recognition"
backend: "onnxruntime"
max_batch_size: 32
input [
  {
    name: "input.1"
    data_type: TYPE_FP32
    dims: [ 1, 32, 100 ]
  }
]
output [
  {
    name: "308"
    data_type: TYPE_FP32
    dims: [ 26, 37 ]
  }
]
`);
    const first = await stat(join(modelFolder, '1', 'model.onnx'));
    expect(await ensureZooModel('text_recognition', options)).toEqual({ repository, modelFolder });
    expect((await stat(join(modelFolder, '1', 'model.onnx'))).ino).toBe(first.ino);
    expect(made).toBe(1);
  });

  it('keeps seeds and sizes apart', async () => {
    const cache = join(folder, 'apart');
    const one = await ensureZooModel('simple_cnn', { cacheFolder: cache });
    const two = await ensureZooModel('simple_cnn', { cacheFolder: cache, seed: 2 });
    expect(one.repository).not.toBe(two.repository);
  });

  it('lets several makers at once end with one whole model and nothing beside it', async () => {
    const cache = join(folder, 'race');
    const made = await Promise.all(
      Array.from({ length: 6 }, () => ensureZooModel('simple_cnn', { cacheFolder: cache })),
    );
    const { repository, modelFolder } = made[0]!;
    expect(await readdir(repository)).toEqual(['simple_cnn']);
    expect(hashOf(await readFile(join(modelFolder, '1', 'model.onnx')))).toBe(hashes.simple_cnn);
  });

  it('replaces a folder that is not a whole model', async () => {
    const cache = join(folder, 'damaged');
    const { modelFolder } = await ensureZooModel('identity', { cacheFolder: cache });
    await rm(join(modelFolder, '1'), { recursive: true });
    await ensureZooModel('identity', { cacheFolder: cache });
    expect(hashOf(await readFile(join(modelFolder, '1', 'model.onnx')))).toBe(hashes.identity);
  });

  it('says which folder cannot be written and what to do', async () => {
    const blocked = join(folder, 'a-file');
    await writeFile(blocked, '');
    await expect(ensureZooModel('identity', { cacheFolder: blocked })).rejects.toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
      problems: [{ where: expect.stringContaining('a-file'), hint: expect.stringContaining('PERF_TS_CACHE') }],
    });
  });
});

describe('addZooModels', () => {
  it('writes models whose configs fit them', async () => {
    const target = join(folder, 'models');
    const folders = await addZooModels(['simple_cnn', 'add_sub', 'simple_transformer', 'simple_cnn'], target);
    expect(folders).toEqual(['simple_cnn', 'add_sub', 'simple_transformer'].map((name) => join(target, name)));
    expect((await readdir(target)).sort()).toEqual(['add_sub', 'simple_cnn', 'simple_transformer']);
    for (const modelFolder of folders) {
      const file = join(modelFolder, 'config.pbtxt');
      const config = parseModelConfig(await readFile(file, 'utf8'), file);
      const signature = await readModelSignature(join(modelFolder, '1', 'model.onnx'));
      expect(validateModelConfig(config, file, { signature })).toEqual([]);
    }
  });

  it('writes nothing when a name is unknown or a model is already there, and reports all of them', async () => {
    const target = join(folder, 'taken');
    await mkdir(target);
    await addZooModels(['identity'], target);
    await expect(addZooModels(['identity', 'nonsense', 'add_sub'], target)).rejects.toMatchObject({
      code: 'BAD_OPTION',
      problems: [{ what: "there is no demo model 'nonsense'" }, { where: join(target, 'identity') }],
    });
    expect(await readdir(target)).toEqual(['identity']);
  });
});
