import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadModel } from '../../../engine/model.js';
import { prepareModel } from '../../../engine/repository/prepare-model.js';
import type { PrepareRules } from '../../../engine/repository/repository-settings.js';
import { buildZooModel } from '../../../src/onnx/zoo/zoo.js';
import { writeRepository } from '../../support/model-repository.js';

const identity = buildZooModel('identity');
const full = `backend: "onnxruntime" max_batch_size: 2
  input { name: "INPUT0" data_type: TYPE_FP32 dims: [ 16 ] }
  output { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 16 ] }`;

async function prepare(files: Readonly<Record<string, string>>, rules: PrepareRules = {}, override?: string) {
  const entries = Object.entries(files).map(([path, text]) => [`m/${path}`, text] as const);
  const folder = join(await writeRepository({ 'm/1/model.onnx': identity, ...Object.fromEntries(entries) }), 'm');
  const [version] = await prepareModel({ name: 'm', folder, versions: ['1'] }, rules, override);
  return version!;
}

describe('a model’s config', () => {
  it.each([
    ['nothing', {}, 4],
    ['a number', { defaultMaxBatchSize: 16 }, 16],
    ['none', { defaultMaxBatchSize: 0 }, 0],
  ])('gets the batch size that the backend’s settings say where it leaves it open: %s', async (_, rules, size) => {
    const model = await loadModel(await prepare({}, rules));
    expect(model.config.max_batch_size).toBe(size);
    await model.close();
  });

  it('is the named one where the model has it, else the usual one', async () => {
    const files = { 'config.pbtxt': 'max_batch_size: 2', 'configs/h100.pbtxt': 'max_batch_size: 32' };
    expect((await prepare(files, { configName: 'h100' })).config.max_batch_size).toBe(32);
    expect((await prepare(files, { configName: 'a10' })).config.max_batch_size).toBe(2);
    expect((await prepare(files)).config.max_batch_size).toBe(2);
  });

  it('is that of the request, where there is one', async () => {
    const prepared = await prepare({ 'config.pbtxt': 'max_batch_size: 2' }, {}, '{"max_batch_size": 3}');
    expect(prepared.config.max_batch_size).toBe(3);
  });

  it('may be meant for other hardware too: file names by compute capability are ignored on the CPU', async () => {
    const prepared = await prepare({ 'config.pbtxt': 'cc_model_filenames { key: "7.5" value: "t4.onnx" }' });
    expect(prepared.modelFile).toMatch(/1\/model\.onnx$/);
  });

  it('takes the platform for the backend', async () => {
    const prepared = await prepare({ 'config.pbtxt': 'platform: "onnxruntime_onnx"' });
    expect(prepared.config).toMatchObject({ backend: 'onnxruntime', platform: 'onnxruntime_onnx' });
  });

  it('must be complete when nothing may be taken from the model', async () => {
    const rules = { isStrict: true };
    await expect(prepare({}, rules)).rejects.toThrow('there is no configuration');
    await expect(prepare({ 'config.pbtxt': 'max_batch_size: 2' }, rules)).rejects.toMatchObject({
      problems: [{ what: 'backend: is required' }, { what: 'input: is required' }, { what: 'output: is required' }],
    });
    expect((await prepare({ 'config.pbtxt': full }, rules)).config.max_batch_size).toBe(2);
  });

  it.each(['../../../../etc/passwd', '/etc/passwd', '..', 'a/../../model.onnx', 'model\\u0000.onnx', 'x'.repeat(5000)])(
    'cannot name the model file %s',
    async (name) => {
      const override = `{"backend": "onnxruntime", "default_model_filename": "${name}"}`;
      await expect(prepare({}, {}, override)).rejects.toMatchObject({
        code: 'BAD_FILE',
        message: expect.stringMatching(/leads out of the version's folder|there is no such model file/),
      });
    },
  );

  it('reports the problems of all versions together', async () => {
    const folder = await writeRepository({
      '1/other.onnx': '',
      '2/other.onnx': '',
      'config.pbtxt': 'version_policy { all {} }',
    });
    await expect(prepareModel({ name: 'm', folder, versions: ['1', '2'] })).rejects.toMatchObject({
      problems: [{ where: join(folder, '1/model.onnx') }, { where: join(folder, '2/model.onnx') }],
    });
  });
});
