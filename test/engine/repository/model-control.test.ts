import { readdirSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ModelRepository, type ModelRepositoryOptions } from '../../../engine/repository/model-repository.js';
import type { ServedModelOptions } from '../../../engine/served-model.js';
import { PerfTsError } from '../../../src/common/errors.js';
import type { ModelConfig } from '../../../src/model-config/model-config.js';
import { buildZooModel } from '../../../src/onnx/zoo/zoo.js';
import { FakeModel } from '../../support/fake-model.js';
import { writeRepository } from '../../support/model-repository.js';

const identity = buildZooModel('identity');

/** Closes only when it is let go, as a model does that has requests to finish. */
class SlowModel extends FakeModel {
  finish: () => void = () => undefined;

  override async close(): Promise<void> {
    this.isClosed = true;
    await new Promise<void>((resolve) => {
      this.finish = resolve;
    });
  }
}

/** Takes over new instance groups. */
class AdaptableModel extends FakeModel {
  readonly configs: ModelConfig[] = [];

  reconfigure(config: ModelConfig): Promise<void> {
    const count = config.instance_group?.[0]?.count ?? 1;
    if (count > 8) return Promise.reject(new PerfTsError('BAD_FILE', { what: 'too many instances' }));
    this.configs.push(config);
    return Promise.resolve();
  }
}

interface Bench {
  readonly repository: ModelRepository;
  readonly loads: ServedModelOptions[];
  readonly warnings: string[];
}

function benchOf<M extends FakeModel>(
  folder: string,
  change: Partial<ModelRepositoryOptions> = {},
  Model: new (options: ServedModelOptions) => M = FakeModel as never,
): Bench & { readonly models: M[] } {
  const loads: ServedModelOptions[] = [];
  const models: M[] = [];
  const warnings: string[] = [];
  const repository = new ModelRepository({
    repositories: [folder],
    modelNames: undefined,
    allowsControl: true,
    log: (line) => warnings.push(line),
    loadModel: (options) => {
      loads.push(options);
      const model = new Model(options);
      models.push(model);
      return Promise.resolve(model);
    },
    ...change,
  });
  return { repository, loads, models, warnings };
}

const configOf = (parts: object): string => JSON.stringify({ max_batch_size: 4, ...parts });
const indexOf = ({ repository }: Bench) =>
  repository.index(false).map(({ version, state, reason }) => [version, state, reason]);
const overrideFolders = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('perf-ts-override-'));

describe('a load request', () => {
  it('serves a model that was not loaded, and lists it from then on', async () => {
    const bench = benchOf(await writeRepository({ 'm/1/model.onnx': identity }), { modelNames: [] });
    await bench.repository.load();
    expect(indexOf(bench)).toEqual([['', '', '']]);
    await bench.repository.loadModel('m');
    expect(bench.repository.find('m', '')?.version).toBe('1');
    expect(indexOf(bench)).toEqual([['1', 'READY', '']]);
  });

  it('changes nothing when neither files nor config have changed', async () => {
    const bench = benchOf(await writeRepository({ 'm/1/model.onnx': identity }));
    await bench.repository.load();
    await bench.repository.loadModel('m');
    expect(bench.loads).toHaveLength(1);
    expect(bench.models[0]?.isClosed).toBe(false);
  });

  it('loads the new one first, switches, and lets the old one finish what it has accepted', async () => {
    const bench = benchOf(await writeRepository({ 'm/1/model.onnx': identity }), {}, SlowModel);
    await bench.repository.load();
    await bench.repository.loadModel('m', { config: configOf({ max_batch_size: 16 }) });
    const [old, fresh] = bench.models;
    expect(bench.repository.find('m', '')).toBe(fresh);
    expect(bench.loads[1]?.config.max_batch_size).toBe(16);
    expect(old?.isClosed).toBe(true);
    expect(indexOf(bench)).toEqual([['1', 'READY', '']]);
    old?.finish();
  });

  it('serves the old one on when the new one cannot be loaded', async () => {
    let isBroken = false;
    const bench = benchOf(await writeRepository({ 'm/1/model.onnx': identity }), {
      loadModel: (options) =>
        isBroken
          ? Promise.reject(new PerfTsError('BAD_FILE', { what: 'no such operator' }))
          : Promise.resolve(new FakeModel(options)),
    });
    await bench.repository.load();
    const old = bench.repository.find('m', '');
    isBroken = true;
    await expect(bench.repository.loadModel('m', { config: configOf({ max_batch_size: 2 }) })).rejects.toMatchObject({
      failure: { status: 'INVALID_ARGUMENT', message: "load failed for model 'm': no such operator" },
    });
    expect(bench.repository.find('m', '')).toBe(old);
    expect(bench.repository.isReady()).toBe(true);
    expect(indexOf(bench)).toEqual([['1', 'READY', '']]);
  });

  it('serves all new versions or none, and says which failed', async () => {
    const folder = await writeRepository({
      'm/config.pbtxt': 'version_policy { all {} }',
      'm/1/model.onnx': identity,
      'm/2/model.onnx': identity,
    });
    const models: FakeModel[] = [];
    const bench = benchOf(folder, {
      modelNames: [],
      loadModel: (options) => {
        if (options.version === '2') return Promise.reject(new PerfTsError('BAD_FILE', { what: 'broken' }));
        models.push(new FakeModel(options));
        return Promise.resolve(models[0]!);
      },
    });
    await bench.repository.load();
    await expect(bench.repository.loadModel('m')).rejects.toThrow('broken');
    expect(models.map(({ isClosed }) => isClosed)).toEqual([true]);
    expect(indexOf(bench)).toEqual([['2', 'UNAVAILABLE', 'broken']]);
    expect(bench.repository.isReady()).toBe(false);
  });

  it('is listed as loading while it is, and the server is not ready meanwhile', async () => {
    let finish: (model: FakeModel) => void = () => undefined;
    const bench = benchOf(await writeRepository({ 'm/1/model.onnx': identity }), {
      modelNames: [],
      loadModel: () =>
        new Promise((resolve) => {
          finish = resolve;
        }),
    });
    await bench.repository.load();
    const loading = bench.repository.loadModel('m');
    await expect.poll(() => indexOf(bench)).toEqual([['1', 'LOADING', '']]);
    expect(bench.repository.isReady()).toBe(false);
    finish(new FakeModel({ name: 'm' }));
    await loading;
    expect(bench.repository.isReady()).toBe(true);
  });

  it('changes instance groups in place where the model can, and reports a refusal without a change', async () => {
    const bench = benchOf(await writeRepository({ 'm/1/model.onnx': identity }), {}, AdaptableModel);
    await bench.repository.load();
    await bench.repository.loadModel('m', {
      config: JSON.stringify({ instance_group: [{ count: 3, kind: 'KIND_CPU' }] }),
    });
    expect(bench.loads).toHaveLength(1);
    expect(bench.models[0]?.configs.map((config) => config.instance_group)).toMatchObject([[{ count: 3 }]]);
    const many = JSON.stringify({ instance_group: [{ count: 9, kind: 'KIND_CPU' }] });
    await expect(bench.repository.loadModel('m', { config: many })).rejects.toThrow('too many instances');
    expect(bench.repository.find('m', '')).toBe(bench.models[0]);
  });

  it('loads anew for any other change, also when an instance group comes with it', async () => {
    const bench = benchOf(await writeRepository({ 'm/1/model.onnx': identity }), {}, AdaptableModel);
    await bench.repository.load();
    const config = configOf({ instance_group: [{ count: 3, kind: 'KIND_CPU' }], max_batch_size: 2 });
    await bench.repository.loadModel('m', { config });
    expect(bench.loads).toHaveLength(2);
    expect(bench.models[0]?.isClosed).toBe(true);
  });

  it('follows a changed version policy: versions that stay are not touched', async () => {
    const folder = await writeRepository({ 'm/1/model.onnx': identity, 'm/2/model.onnx': identity });
    const bench = benchOf(folder, {}, AdaptableModel);
    await bench.repository.load();
    await writeFile(join(folder, 'm/config.pbtxt'), 'version_policy { all {} }');
    await bench.repository.loadModel('m');
    expect(bench.loads.map(({ version }) => version)).toEqual(['2', '1']);
    await writeFile(join(folder, 'm/config.pbtxt'), 'version_policy { specific { versions: [1] } }');
    await bench.repository.loadModel('m');
    expect(bench.repository.models().map(({ version }) => version)).toEqual(['1']);
    expect(bench.models.map(({ isClosed }) => isClosed)).toEqual([true, false]);
  });

  it('loads anew when the model file was replaced', async () => {
    const folder = await writeRepository({ 'm/1/model.onnx': identity });
    const bench = benchOf(folder);
    await bench.repository.load();
    await rm(join(folder, 'm/1/model.onnx'));
    await writeFile(join(folder, 'm/1/model.onnx'), identity);
    await bench.repository.loadModel('m');
    expect(bench.loads).toHaveLength(2);
  });

  it('loads anew a model that cannot run any more', async () => {
    const bench = benchOf(await writeRepository({ 'm/1/model.onnx': identity }), {}, AdaptableModel);
    await bench.repository.load();
    Object.assign(bench.models[0]!, { failure: 'its instances died' });
    await bench.repository.loadModel('m');
    expect(bench.repository.find('m', '')).toBe(bench.models[1]);
  });

  it('tries again as often as it was told to', async () => {
    let attempts = 0;
    const bench = benchOf(await writeRepository({ 'm/1/model.onnx': identity }), {
      retryCount: 2,
      loadModel: (options) =>
        ++attempts < 3 ? Promise.reject(new Error('busy')) : Promise.resolve(new FakeModel(options)),
    });
    expect(await bench.repository.load()).toBeUndefined();
    expect(attempts).toBe(3);
  });

  it('is refused where clients may not load and unload', async () => {
    const bench = benchOf(await writeRepository({ 'm/1/model.onnx': identity }), { allowsControl: false });
    await bench.repository.load();
    const refused = {
      failure: {
        status: 'UNAVAILABLE',
        message: expect.stringMatching(/^explicit model load \/ unload is not allowed/),
      },
    };
    await expect(bench.repository.loadModel('m')).rejects.toMatchObject(refused);
    await expect(bench.repository.unloadModel('m')).rejects.toMatchObject(refused);
    expect(bench.repository.find('m', '')).toBeDefined();
  });

  it('is refused once the server is ending', async () => {
    const bench = benchOf(await writeRepository({ 'm/1/model.onnx': identity }));
    await bench.repository.load();
    bench.repository.beginShutdown();
    await expect(bench.repository.loadModel('m')).rejects.toMatchObject({ failure: { status: 'UNAVAILABLE' } });
  });
});

describe('files in a load request', () => {
  const files = (path: string, content: Uint8Array = identity) => new Map([[path, content]]);

  it('stand for all of the model, whose versions are theirs, and are removed once nothing is served from them', async () => {
    const before = overrideFolders();
    const bench = benchOf(await writeRepository({ 'm/1/model.onnx': identity }));
    await bench.repository.load();
    await bench.repository.loadModel('m', { config: '{}', files: files('7/model.onnx') });
    expect(bench.repository.models().map(({ version }) => version)).toEqual(['7']);
    expect(bench.models[0]?.isClosed).toBe(true);
    expect(overrideFolders()).toHaveLength(before.length + 1);
    await bench.repository.loadModel('m');
    expect(bench.repository.models().map(({ version }) => version)).toEqual(['1']);
    await expect.poll(overrideFolders).toEqual(before);
  });

  it('make a model that the repository does not hold', async () => {
    const bench = benchOf(await writeRepository({}));
    await bench.repository.load();
    await bench.repository.loadModel('new', { config: '{}', files: files('1/model.onnx') });
    expect(bench.repository.find('new', '1')).toBeDefined();
    await bench.repository.close();
  });

  it('leave nothing behind when the load fails', async () => {
    const before = overrideFolders();
    const bench = benchOf(await writeRepository({}));
    await bench.repository.load();
    const other = files('1/other.onnx', Buffer.from('no model'));
    await expect(bench.repository.loadModel('m', { config: '{}', files: other })).rejects.toMatchObject({
      failure: { status: 'INVALID_ARGUMENT', message: expect.stringMatching(/^load failed for model 'm': /) },
    });
    expect(overrideFolders()).toEqual(before);
  });
});

describe('an unload request', () => {
  it('takes the model away at once and lets it finish in the background', async () => {
    const bench = benchOf(await writeRepository({ 'm/1/model.onnx': identity }), {}, SlowModel);
    await bench.repository.load();
    await bench.repository.unloadModel('m');
    expect(bench.repository.find('m', '')).toBeUndefined();
    expect(indexOf(bench)).toEqual([['1', 'UNLOADING', '']]);
    expect(bench.repository.isReady()).toBe(true);
    bench.models[0]?.finish();
    await expect.poll(() => indexOf(bench)).toEqual([['1', 'UNAVAILABLE', 'unloaded']]);
    expect(bench.repository.index(true)).toEqual([]);
  });

  it('lets the model be loaded again while the old one still finishes', async () => {
    const bench = benchOf(await writeRepository({ 'm/1/model.onnx': identity }), {}, SlowModel);
    await bench.repository.load();
    await bench.repository.unloadModel('m');
    await bench.repository.loadModel('m');
    expect(bench.repository.find('m', '')).toBe(bench.models[1]);
    bench.models[0]?.finish();
    await expect.poll(() => indexOf(bench)).toEqual([['1', 'READY', '']]);
  });

  it('has nothing to do for a model that is not loaded', async () => {
    const bench = benchOf(await writeRepository({}));
    await bench.repository.load();
    await expect(bench.repository.unloadModel('nobody')).resolves.toBeUndefined();
  });

  it('that comes during a load takes effect after it', async () => {
    const bench = benchOf(await writeRepository({ 'm/1/model.onnx': identity }), { modelNames: [] });
    await bench.repository.load();
    await Promise.all([bench.repository.loadModel('m'), bench.repository.unloadModel('m')]);
    expect(bench.repository.find('m', '')).toBeUndefined();
    expect(bench.models.map(({ isClosed }) => isClosed)).toEqual([true]);
  });
});

describe('a look at the repository', () => {
  it('loads what is new, reloads what has changed, unloads what is gone, and leaves the rest alone', async () => {
    const folder = await writeRepository({ 'a/1/model.onnx': identity, 'b/1/model.onnx': identity });
    const bench = benchOf(folder, { allowsControl: false });
    await bench.repository.load();
    expect(await bench.repository.poll()).toEqual([]);
    expect(bench.loads).toHaveLength(2);
    await rm(join(folder, 'a'), { recursive: true });
    await writeFile(join(folder, 'b/config.pbtxt'), 'max_batch_size: 2');
    const other = await writeRepository({ '1/model.onnx': identity });
    await rename(other, join(folder, 'c'));
    expect(await bench.repository.poll()).toEqual([]);
    expect(bench.repository.models().map(({ name }) => name)).toEqual(['b', 'c']);
    expect(bench.loads.map(({ name }) => name).sort()).toEqual(['a', 'b', 'b', 'c']);
    expect(
      bench.models
        .filter(({ isClosed }) => isClosed)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['a', 'b']);
  });

  it('keeps what is served when the new state is broken, says so once, and recovers when it is mended', async () => {
    const folder = await writeRepository({ 'm/1/model.onnx': identity });
    const bench = benchOf(folder);
    await bench.repository.load();
    await writeFile(join(folder, 'm/config.pbtxt'), 'max_batch: 2');
    expect(await bench.repository.poll()).toEqual([expect.stringContaining('max_batch')]);
    expect(await bench.repository.poll()).toEqual([]);
    expect(bench.repository.find('m', '')).toBe(bench.models[0]);
    await writeFile(join(folder, 'm/config.pbtxt'), 'max_batch_size: 16');
    expect(await bench.repository.poll()).toEqual([]);
    expect(bench.loads[1]?.config.max_batch_size).toBe(16);
  });

  it('keeps everything when the repository cannot be read', async () => {
    const folder = await writeRepository({ 'm/1/model.onnx': identity });
    const bench = benchOf(folder);
    await bench.repository.load();
    await rm(folder, { recursive: true });
    expect(await bench.repository.poll()).toEqual([expect.stringContaining('there is no folder')]);
    expect(bench.repository.find('m', '')).toBeDefined();
  });
});

describe('readiness', () => {
  it('without strictness does not ask for models', async () => {
    const folder = await writeRepository({ 'm/1/model.onnx': 'broken' });
    const bench = benchOf(folder, { isReadinessStrict: false });
    await bench.repository.load();
    expect(bench.repository.isReady()).toBe(true);
    bench.repository.beginShutdown();
    expect(bench.repository.isReady()).toBe(false);
  });
});
