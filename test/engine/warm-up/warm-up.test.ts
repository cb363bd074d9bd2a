import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadModel } from '../../../engine/model.js';
import { readWarmUp } from '../../../engine/warm-up/read-warm-up.js';
import { runWarmUp } from '../../../engine/warm-up/run-warm-up.js';
import type { ModelConfig } from '../../../src/model-config/model-config.js';
import { loadOrtLibrary } from '../../../src/onnxruntime/library.js';
import { OrtSession } from '../../../src/onnxruntime/session.js';
import { addSubConfig, loadTestModel, outputsOf, tensorConfig } from '../../support/load-test-model.js';
import { bytesOf, floats, modelFile } from '../../support/model-files.js';
import { makeTemporaryFolder } from '../../support/temporary-folder.js';

const warmUpOf = (...samples: readonly object[]): ModelConfig => ({ ...addSubConfig, model_warmup: samples });
const input = (source: object, parts: object = {}) => ({ data_type: 'TYPE_FP32', dims: [4], ...source, ...parts });
const both = (source: object) => ({ INPUT0: input(source), INPUT1: input(source) });

describe('warm-up samples of a config', () => {
  it('have the batch dimension, a count of at least one, and one row’s bytes for each row', async () => {
    const folder = await makeTemporaryFolder();
    mkdirSync(join(folder, 'warmup'));
    writeFileSync(join(folder, 'warmup', 'row'), bytesOf(Float32Array.of(1, 2, 3, 4)));
    const { samples, problems } = await readWarmUp(
      warmUpOf({
        name: 'first',
        batch_size: 2,
        inputs: { INPUT0: input({ zero_data: true }), INPUT1: input({ input_data_file: 'row' }) },
      }),
      folder,
    );
    expect(problems).toEqual([]);
    expect(samples).toMatchObject([
      {
        name: 'first',
        count: 1,
        inputs: [
          { name: 'INPUT0', shape: [2, 4], source: { kind: 'zero' } },
          { name: 'INPUT1', shape: [2, 4], source: { kind: 'file' } },
        ],
      },
    ]);
    const [, second] = samples[0]!.inputs;
    expect(second?.source.kind === 'file' && second.source.bytes.byteLength).toBe(32);
  });

  it('are refused with all that is wrong with them', async () => {
    const { problems } = await readWarmUp(
      warmUpOf(
        { name: '', batch_size: 9, inputs: both({ zero_data: true }) },
        { name: 'b', inputs: { INPUT0: input({ random_data: true }), OTHER: input({ zero_data: true }) } },
        { name: 'c', inputs: { INPUT0: input({}, { dims: [5] }), INPUT1: input({}, { data_type: 'TYPE_INT8' }) } },
        { name: 'd', inputs: both({}) },
      ),
      '/nowhere',
    );
    expect(problems.map(({ where }) => where)).toEqual([
      'model_warmup[0].name',
      'model_warmup[0].batch_size',
      'model_warmup[1].inputs',
      'model_warmup[1].inputs["OTHER"]',
      'model_warmup[2].inputs["INPUT0"].dims',
      'model_warmup[2].inputs["INPUT1"].data_type',
      'model_warmup[3].inputs["INPUT0"]',
      'model_warmup[3].inputs["INPUT1"]',
    ]);
  });

  it('read no file outside the model’s warm-up folder by its name, and follow links', async () => {
    const folder = await makeTemporaryFolder();
    mkdirSync(join(folder, 'warmup'));
    writeFileSync(join(folder, 'secret'), bytesOf(Float32Array.of(1, 2, 3, 4)));
    symlinkSync(join(folder, 'secret'), join(folder, 'warmup', 'link'));
    writeFileSync(join(folder, 'warmup', 'short'), 'abc');
    const problemOf = async (file: string): Promise<string | undefined> => {
      const inputs = { INPUT0: input({ input_data_file: file }), INPUT1: input({ zero_data: true }) };
      return (await readWarmUp(warmUpOf({ name: 'x', inputs }), folder)).problems[0]?.what;
    };
    expect(await problemOf('../secret')).toContain('leads out of the folder');
    expect(await problemOf(join(folder, 'secret'))).toContain('leads out of the folder');
    expect(await problemOf('link')).toBeUndefined();
    expect(await problemOf('missing')).toContain("there is no file 'missing'");
    expect(await problemOf('')).toContain('leads out of the folder');
    const other = await makeTemporaryFolder();
    symlinkSync(join(folder, 'warmup'), join(other, 'warmup'));
    const inputs = { INPUT0: input({ input_data_file: 'short' }), INPUT1: input({ zero_data: true }) };
    const { problems } = await readWarmUp(warmUpOf({ name: 'x', inputs }), other);
    expect(problems[0]?.what).toContain('has 3 bytes, and one row of this shape has 16');
  });
});

describe('warm-up', () => {
  it('runs on a session as often as asked, with values of every type', () => {
    const session = new OrtSession(loadOrtLibrary(), modelFile('half_not'), { intraOpThreads: 1 });
    const tensor = (name: string, dataType: 'FP16' | 'BF16' | 'BOOL', size: number) =>
      ({ name, dataType, shape: [1, size], source: { kind: 'random' } }) as const;
    const inputs = [tensor('HALF', 'FP16', 3), tensor('BRAIN', 'BF16', 2), tensor('FLAG', 'BOOL', 3)];
    expect(() => runWarmUp(session, [{ name: 'any', count: 3, requestCount: 1, inputs }])).not.toThrow();
    session.close();
  });

  it('comes before the model is ready, on every instance, and counts as what clients send, as in Triton', async () => {
    const model = await loadTestModel('add_sub', {
      ...warmUpOf({ name: 'x', batch_size: 4, count: 5, inputs: both({ random_data: true }) }),
      instance_group: [{ count: 2 }],
    });
    const before = model.statistics();
    expect([before.execution_count, before.inference_count]).toEqual([10, 40]);
    expect(before.inference_stats).toMatchObject({ success: { count: 40 }, compute_infer: { count: 40 } });
    expect(before.batch_stats).toMatchObject([{ batch_size: 4, compute_infer: { count: 10 } }]);
    expect(before.last_inference).toBeGreaterThan(0);
    const rows = ['INPUT0', 'INPUT1'].map((name) => floats(name, [1, 4], [1, 2, 3, 4]));
    await outputsOf(model, rows);
    expect(model.statistics().execution_count).toBe(11);
    await model.close();
  });

  it('that fails keeps the model from being served, with the name of the sample', async () => {
    const folder = await makeTemporaryFolder();
    mkdirSync(join(folder, '1'));
    mkdirSync(join(folder, 'warmup'));
    await copyFile(modelFile('gather'), join(folder, '1', 'model.onnx'));
    writeFileSync(join(folder, 'warmup', 'far'), bytesOf(BigInt64Array.of(99n)));
    const index = { data_type: 'TYPE_INT64', dims: [1], input_data_file: 'far' };
    const config: ModelConfig = {
      name: 'gather',
      input: [tensorConfig('INDEX', 'INT64', [1])],
      output: [tensorConfig('VALUE', 'FP32', [1])],
      max_batch_size: 4,
      model_warmup: [{ name: 'beyond the table', inputs: { INDEX: index } }],
    };
    const file = join(folder, '1', 'model.onnx');
    await expect(loadModel({ name: 'gather', version: '1', config, modelFile: file })).rejects.toMatchObject({
      code: 'BAD_FILE',
      message: expect.stringMatching(/model_warmup 'beyond the table' failed: .*out of data bounds/s),
    });
  });
});
