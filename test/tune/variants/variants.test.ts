import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { completeModelConfig } from '../../../src/model-config/complete-config.js';
import { parseModelConfig } from '../../../src/model-config/parse-config.js';
import { parseObjective } from '../../../src/tune/objectives/objective.js';
import { formatDefaultConfig, writeRecommendation } from '../../../src/tune/results/recommendation.js';
import type { VariantParameters } from '../../../src/tune/strategies/strategy.js';
import { buildSearchSpace, defaultParameters } from '../../../src/tune/variants/search-space.js';
import { createVariantRepositories } from '../../../src/tune/variants/variant-repository.js';
import { createVariant, defaultVariant, type StudyModel } from '../../../src/tune/variants/variants.js';
import { plainContext, plainModel } from '../support/study-bench.js';

const space = buildSearchSpace(plainContext);
const variantOf = (changes: VariantParameters, model: StudyModel = plainModel) =>
  createVariant(model, space, space.canonicalize({ ...defaultParameters(space), ...changes }), plainContext);

describe('a variant', () => {
  it('with nothing changed is the default, served from the bytes of the user', () => {
    expect(variantOf({})).toMatchObject({ id: 'default', changed: [], configPbtxt: plainModel.configPbtxt });
  });

  it('has the same id whenever the same config comes up', () => {
    expect(variantOf({ instance_count: 3 }).id).toBe(variantOf({ instance_count: 3 }).id);
    expect(variantOf({ instance_count: 3 }).id).not.toBe(variantOf({ instance_count: 4 }).id);
    expect(variantOf({ instance_count: 3 }).id).toMatch(/^v-[0-9a-f]{8}$/);
  });

  it('of a model without a config stays as it is when the server completes it', () => {
    const signature = {
      inputs: [{ name: 'x', dataType: 'FP32' as const, shape: [-1, 4] }],
      outputs: [{ name: 'y', dataType: 'FP32' as const, shape: [-1, 4] }],
      opset: 17,
      producer: '',
    };
    const facts = { modelName: 'm', signature, hasGpu: false };
    const completed = completeModelConfig(undefined, facts);
    expect(completed.dynamic_batching).toBeDefined();
    const model: StudyModel = { ...plainModel, configPbtxt: undefined, config: {}, completed };
    const context = { config: completed, cpuCount: 2 };
    const own = buildSearchSpace(context);
    const parameters = own.canonicalize({ ...defaultParameters(own), dynamic_batching: false });
    const variant = createVariant(model, own, parameters, context);
    expect(completeModelConfig(variant.config, facts).dynamic_batching).toBeUndefined();
    expect(variant.config.max_batch_size).toBe(4);
  });
});

describe('a recommendation', () => {
  const gain = { value: 1.42, low: 1.37, high: 1.47 };
  const throughput = parseObjective('throughput');
  const variant = variantOf({
    instance_count: 3,
    intra_op_threads: 1,
    dynamic_batching: true,
    max_batch_size: 16,
    max_queue_delay_us: 500,
    graph_level: 'basic',
  });
  const recommended = writeRecommendation(plainModel, variant, gain, throughput, plainContext);

  it('says on each changed line what it does', () => {
    const lines = recommended.configPbtxt.split('\n');
    expect(lines[0]).toBe(
      '# perf-ts recommends this for m: throughput 1.42 times higher than with the default (95 % interval 1.37 to 1.47)',
    );
    for (const field of [
      'max_batch_size: 16',
      'count: 3',
      'max_queue_delay_microseconds: 500',
      'intra_op_thread_count',
      'level: -1',
    ]) {
      expect(
        lines.find((line) => line.includes(field)),
        field,
      ).toMatch(/ {2}# \w+/);
    }
    expect(lines.find((line) => line.includes('TYPE_FP32'))).not.toContain('#');
  });

  it('is a config that reads back as the variant', () => {
    expect(parseModelConfig(recommended.configPbtxt, 'config.pbtxt')).toEqual(variant.config);
  });

  it('lists the fields that changed with the values that the server had filled in', () => {
    expect(recommended.changes).toEqual([
      { path: 'max_batch_size', from: 32, to: 16 },
      { path: 'optimization', from: null, to: { graph: { level: -1 } } },
      { path: 'dynamic_batching', from: null, to: { max_queue_delay_microseconds: 500 } },
      { path: 'instance_group[0].count', from: 2, to: 3 },
      { path: 'parameters["intra_op_thread_count"]', from: null, to: { string_value: '1' } },
    ]);
  });

  it('has a diff whose removed lines stand in the default and whose added lines stand in the recommendation', () => {
    const lines = recommended.diff.split('\n');
    const marked = (sign: string): string[] =>
      lines.filter((line) => line.startsWith(sign) && !line.startsWith(sign.repeat(3))).map((line) => line.slice(1));
    expect(marked('-')).toEqual(['max_batch_size: 32']);
    const own = formatDefaultConfig(plainModel).split('\n');
    expect(own).toEqual(expect.arrayContaining(marked('-')));
    expect(recommended.configPbtxt.split('\n')).toEqual(expect.arrayContaining(marked('+')));
  });

  it('names on top what is no field of the config, and the flags that the server needs', () => {
    const own = buildSearchSpace(plainContext, { instance_count: [3], pinned_memory_pool_bytes: ['64MiB'] });
    const parameters = { instance_count: 3, pinned_memory_pool_bytes: 2 ** 26 };
    const pooled = createVariant(plainModel, own, parameters, plainContext);
    const written = writeRecommendation(plainModel, pooled, gain, throughput, plainContext);
    expect(written.serverFlags).toEqual(['--pinned-memory-pool-byte-size=67108864']);
    expect(written.configPbtxt.split('\n').slice(1, 3)).toEqual([
      '# start the server with --pinned-memory-pool-byte-size=67108864',
      '# pinned_memory_pool_bytes = 67108864: memory that batches are gathered in',
    ]);
  });

  it('names on top what is written by leaving it out', () => {
    const batched: StudyModel = {
      ...plainModel,
      config: { ...plainModel.config, dynamic_batching: {} },
      completed: { ...plainModel.completed, dynamic_batching: {} },
    };
    const context = { ...plainContext, config: batched.completed };
    const own = buildSearchSpace(context);
    const parameters = own.canonicalize({ ...defaultParameters(own), dynamic_batching: false });
    const { configPbtxt } = writeRecommendation(
      batched,
      createVariant(batched, own, parameters, context),
      gain,
      throughput,
      context,
    );
    expect(configPbtxt.split('\n')[1]).toBe('# dynamic_batching = false: each request runs alone');
    expect(configPbtxt).not.toMatch(/^dynamic_batching/m);
  });
});

describe('the repository of a variant', () => {
  let folder: string;
  let model: StudyModel;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'perf-ts-test-'));
    mkdirSync(join(folder, 'm', '1'), { recursive: true });
    writeFileSync(join(folder, 'm', '1', 'model.onnx'), 'weights');
    writeFileSync(join(folder, 'm', 'labels.txt'), 'cat');
    writeFileSync(join(folder, 'm', 'config.pbtxt'), 'name: "m" # mine\n');
    symlinkSync(join(folder, 'm', '1'), join(folder, 'm', '2'));
    model = { ...plainModel, folder: join(folder, 'm'), configPbtxt: 'name: "m" # mine\n' };
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('holds the files of the model and the config of the variant, without links that lead out of it', async () => {
    const repositories = await createVariantRepositories(model);
    try {
      const variant = variantOf({ instance_count: 3 }, model);
      const repository = await repositories.write(variant);
      expect(readFileSync(join(repository, 'm', 'config.pbtxt'), 'utf8')).toBe(variant.configPbtxt);
      expect(readFileSync(join(repository, 'm', '1', 'model.onnx'), 'utf8')).toBe('weights');
      expect(readFileSync(join(repository, 'm', 'labels.txt'), 'utf8')).toBe('cat');
      expect(readFileSync(join(repository, 'm', '2', 'model.onnx'), 'utf8')).toBe('weights');
      const unchanged = await repositories.write(defaultVariant(model, space));
      expect(readFileSync(join(unchanged, 'm', 'config.pbtxt'), 'utf8')).toBe('name: "m" # mine\n');
      await repositories.remove(repository);
      expect(() => statSync(repository)).toThrow(/ENOENT/);
    } finally {
      await repositories.close();
    }
  });

  it('lies in a folder that goes with the next sweep when this one is killed', async () => {
    const temporary = join(folder, 'temporary');
    const left = join(temporary, 'perf-ts-sweep-left');
    mkdirSync(left, { recursive: true });
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    writeFileSync(join(left, 'owner.json'), JSON.stringify({ processId: pid, host: hostname() }));
    vi.stubEnv('TMPDIR', temporary);
    try {
      const first = await createVariantRepositories(model);
      const second = await createVariantRepositories(model);
      expect(readdirSync(temporary).toSorted()).toEqual(
        [first.root, second.root].map((root) => basename(root)).toSorted(),
      );
      await first.close();
      await second.close();
      expect(readdirSync(temporary)).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it("leaves the user's folder as it was, also after it is removed", async () => {
    const repositories = await createVariantRepositories(model);
    await repositories.write(variantOf({ graph_level: 'basic' }, model));
    await repositories.close();
    expect(readFileSync(join(folder, 'm', 'config.pbtxt'), 'utf8')).toBe('name: "m" # mine\n');
    expect(readFileSync(join(folder, 'm', '1', 'model.onnx'), 'utf8')).toBe('weights');
  });
});
