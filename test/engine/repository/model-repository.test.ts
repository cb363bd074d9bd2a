import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ModelRepository, type ModelRepositoryOptions } from '../../../engine/repository/model-repository.js';
import type { ServedModelOptions } from '../../../engine/served-model.js';
import { PerfTsError } from '../../../src/common/errors.js';
import { buildZooModel } from '../../../src/onnx/zoo/zoo.js';
import { FakeModel } from '../../support/fake-model.js';
import { writeRepository } from '../../support/model-repository.js';

const identity = buildZooModel('identity');

function repositoryOf(
  folder: string,
  change: Partial<ModelRepositoryOptions> = {},
): { repository: ModelRepository; loaded: ServedModelOptions[]; models: FakeModel[] } {
  const loaded: ServedModelOptions[] = [];
  const models: FakeModel[] = [];
  const repository = new ModelRepository({
    repositories: [folder],
    modelNames: undefined,
    log: () => undefined,
    loadModel: (options) => {
      loaded.push(options);
      const model = new FakeModel(options);
      models.push(model);
      return Promise.resolve(model);
    },
    ...change,
  });
  return { repository, loaded, models };
}

describe('a model repository', () => {
  it('gives a model that has no config one, but for what only the loaded model tells', async () => {
    const folder = await writeRepository({ 'm/1/model.onnx': identity });
    const { repository, loaded } = repositoryOf(folder);
    expect(await repository.load()).toBeUndefined();
    expect(loaded).toMatchObject([
      {
        name: 'm',
        version: '1',
        modelFile: join(folder, 'm/1/model.onnx'),
        config: { name: 'm', backend: 'onnxruntime' },
      },
    ]);
    expect(loaded[0]?.config.input).toBeUndefined();
    expect(repository.isReady()).toBe(true);
  });

  it('serves the versions that the policy selects, the highest one by default', async () => {
    const folder = await writeRepository({
      'm/config.pbtxt': 'version_policy { all {} }',
      'm/9/model.onnx': identity,
      'm/10/model.onnx': identity,
    });
    const { repository } = repositoryOf(folder);
    await repository.load();
    expect(repository.models().map(({ version }) => version)).toEqual(['9', '10']);
    expect(repository.find('m', '')?.version).toBe('10');
    expect(repository.find('m', '9')?.version).toBe('9');
    expect(repository.find('m', '1')).toBeUndefined();
  });

  it('takes another model file in the version folder, but none outside of it', async () => {
    const folder = await writeRepository({
      'good/config.pbtxt': 'backend: "onnxruntime" default_model_filename: "other.onnx"',
      'good/1/other.onnx': identity,
      'bad/config.pbtxt': 'backend: "onnxruntime" default_model_filename: "../../good/1/other.onnx"',
      'bad/1/model.onnx': identity,
    });
    const { repository, loaded } = repositoryOf(folder);
    const failure = await repository.load();
    expect(loaded.map(({ name }) => name)).toEqual(['good']);
    expect(failure?.problems).toMatchObject([{ what: expect.stringContaining('leads out of') }]);
  });

  it('lists a broken model with the reason, serves the others, and reports every problem', async () => {
    const folder = await writeRepository({
      'config/config.pbtxt': 'max_batch_size: 8\nmax_batch: 3\n',
      'config/1/model.onnx': identity,
      'empty/': '',
      'file/1/': '',
      'good/1/model.onnx': identity,
      'missing/config.pbtxt': 'version_policy { specific { versions: [4] } }',
      'missing/1/model.onnx': identity,
    });
    const { repository } = repositoryOf(folder);
    const failure = await repository.load();
    expect(failure?.code).toBe('BAD_FILE');
    expect(failure?.problems.map(({ where }) => where)).toEqual([
      `${join(folder, 'config/config.pbtxt')}:2`,
      join(folder, 'empty'),
      join(folder, 'file/1/model.onnx'),
      join(folder, 'missing'),
    ]);
    expect(repository.models().map(({ name }) => name)).toEqual(['good']);
    expect(repository.index(true)).toEqual([{ name: 'good', version: '1', state: 'READY', reason: '' }]);
    expect(repository.index(false)).toMatchObject([
      // Triton takes a model whose config it cannot read for one that it was never asked for.
      { name: 'config', version: '', state: '', reason: '' },
      { name: 'empty', version: '', state: 'UNAVAILABLE' },
      { name: 'file', version: '1', state: 'UNAVAILABLE' },
      { name: 'good', state: 'READY' },
      { name: 'missing', state: 'UNAVAILABLE' },
    ]);
    expect(repository.isReady()).toBe(false);
  });

  it('loads only the models it is asked for, and lists the rest without a state', async () => {
    const folder = await writeRepository({ 'a/1/model.onnx': identity, 'b/1/model.onnx': 'broken' });
    const { repository } = repositoryOf(folder, { modelNames: ['a'] });
    expect(await repository.load()).toBeUndefined();
    expect(repository.index(false)).toEqual([
      { name: 'a', version: '1', state: 'READY', reason: '' },
      { name: 'b', version: '', state: '', reason: '' },
    ]);
  });

  it.each(['nope', '../a', 'a/../a', '/etc'])('refuses the name %s, which is no model of it', async (name) => {
    const folder = await writeRepository({ 'a/1/model.onnx': identity });
    const { repository } = repositoryOf(folder, { modelNames: [name] });
    await expect(repository.load()).rejects.toMatchObject({
      code: 'BAD_OPTION',
      problems: [{ where: '--load-model', what: `there is no model '${name}' in ${folder}`, hint: 'there are: a' }],
    });
  });

  it("keeps the loader's own words when a model does not load", async () => {
    const folder = await writeRepository({ 'a/1/model.onnx': identity, 'b/1/model.onnx': identity });
    const { repository } = repositoryOf(folder, {
      loadModel: (options) =>
        options.name === 'a'
          ? Promise.reject(new PerfTsError('RUNTIME_UNUSABLE', { what: 'no such library' }))
          : Promise.resolve(new FakeModel(options)),
    });
    expect(await repository.load()).toMatchObject({
      code: 'RUNTIME_UNUSABLE',
      problems: [{ what: 'no such library' }],
    });
    expect(repository.models()).toHaveLength(1);
  });

  it('closes every model', async () => {
    const folder = await writeRepository({ 'a/1/model.onnx': identity, 'b/1/model.onnx': identity });
    const { repository, models } = repositoryOf(folder);
    await repository.load();
    await repository.close();
    expect(models.map(({ isClosed }) => isClosed)).toEqual([true, true]);
    expect(repository.isReady()).toBe(false);
  });
});
