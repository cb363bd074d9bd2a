import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseModelConfig } from '../../../src/model-config/parse-config.js';
import { convertFolder, nameOfSource } from '../../../src/onnx/convert/convert-folder.js';
import { readModelSignature } from '../../../src/onnx/read-signature.js';
import { buildZooModel } from '../../../src/onnx/zoo/zoo.js';
import { makeTemporaryFolder } from '../../support/temporary-folder.js';

const config = `name: "cnn"
backend: "onnxruntime"
max_batch_size: 8
input [ { name: "input" data_type: TYPE_FP32 dims: [ 3, 32, 32 ] } ]
output [ { name: "output" data_type: TYPE_FP32 dims: [ 10 ] label_filename: "labels.txt" } ]
instance_group [ { count: 2 kind: KIND_CPU } ]
model_warmup [ { name: "w" batch_size: 1 inputs { key: "input" value { data_type: TYPE_FP32 dims: [ 3, 32, 32 ] zero_data: true } } } ]
`;

async function makeModel(): Promise<{ source: string; toRepository: string }> {
  const root = await makeTemporaryFolder();
  const source = join(root, 'cnn');
  for (const version of ['1', '3']) {
    await mkdir(join(source, version), { recursive: true });
    await writeFile(join(source, version, 'model.onnx'), buildZooModel('simple_cnn'));
  }
  await writeFile(join(source, 'config.pbtxt'), config);
  await writeFile(join(source, 'labels.txt'), 'cat\n');
  return { source, toRepository: join(root, 'out') };
}

describe('the conversion of a model folder', () => {
  it('converts every version and copies the rest, under the new name', async () => {
    const { source, toRepository } = await makeModel();
    const { folder, versions } = await convertFolder({ source, toRepository, name: 'cnn_fp16' });
    expect(folder).toBe(join(toRepository, 'cnn_fp16'));
    expect(versions.map(({ version }) => version)).toEqual(['3', '1']);
    expect((await readdir(folder)).sort()).toEqual(['1', '3', 'config.pbtxt', 'labels.txt']);
    expect(await readdir(toRepository)).toEqual(['cnn_fp16']);
    const text = await readFile(join(folder, 'config.pbtxt'), 'utf8');
    expect(parseModelConfig(text, 'config.pbtxt')).toEqual({ ...parseModelConfig(config, 'before'), name: 'cnn_fp16' });
    for (const { sizes } of versions) expect(sizes.afterBytes).toBeLessThan(0.52 * sizes.beforeBytes);
  });

  it('changes the types in the config with those of the model', async () => {
    const { source, toRepository } = await makeModel();
    const { folder } = await convertFolder({ source, toRepository, name: 'half', keepIoTypes: false });
    const parsed = parseModelConfig(await readFile(join(folder, 'config.pbtxt'), 'utf8'), 'config.pbtxt');
    expect(parsed).toMatchObject({
      input: [{ name: 'input', data_type: 'TYPE_FP16' }],
      output: [{ name: 'output', data_type: 'TYPE_FP16', label_filename: 'labels.txt' }],
      model_warmup: [{ inputs: { input: { data_type: 'TYPE_FP16', zero_data: true } } }],
    });
    const { inputs, outputs } = await readModelSignature(join(folder, '1', 'model.onnx'));
    expect([...inputs, ...outputs].map(({ dataType }) => dataType)).toEqual(['FP16', 'FP16']);
  });

  it('does not overwrite, and leaves nothing behind when it fails', async () => {
    const { source, toRepository } = await makeModel();
    await convertFolder({ source, toRepository, name: 'taken' });
    await expect(convertFolder({ source, toRepository, name: 'taken' })).rejects.toThrow(/is there already/);
    await expect(convertFolder({ source, toRepository, name: 'other', keepFp32: ['Convv'] })).rejects.toMatchObject({
      code: 'BAD_OPTION',
      problems: [{ where: '--keep-fp32 Convv', hint: 'did you mean Conv?' }],
    });
    expect(await readdir(toRepository)).toEqual(['taken']);
  });

  it('refuses a warm-up whose values are in a file of 32-bit floats', async () => {
    const { source, toRepository } = await makeModel();
    await writeFile(join(source, 'config.pbtxt'), config.replace('zero_data: true', 'input_data_file: "values"'));
    await expect(convertFolder({ source, toRepository, name: 'half', keepIoTypes: false })).rejects.toThrow(
      /model_warmup 'w'/,
    );
  });

  it('gives a lone file a folder with a config', async () => {
    const root = await makeTemporaryFolder();
    const source = join(root, 'net.onnx');
    await writeFile(source, buildZooModel('identity'));
    const { folder } = await convertFolder({ source, toRepository: root, name: 'net_fp16', keepIoTypes: false });
    expect(parseModelConfig(await readFile(join(folder, 'config.pbtxt'), 'utf8'), 'c')).toMatchObject({
      name: 'net_fp16',
      max_batch_size: 32,
      input: [{ name: 'INPUT0', data_type: 'TYPE_FP16', dims: [16] }],
    });
  });

  it('refuses a folder without a model, and a path that is none', async () => {
    const root = await makeTemporaryFolder();
    await expect(convertFolder({ source: root, toRepository: root, name: 'a' })).rejects.toThrow(/holds no ONNX model/);
    await expect(convertFolder({ source: join(root, 'b'), toRepository: root, name: 'a' })).rejects.toThrow(
      /does not exist/,
    );
  });
});

describe('the name of a source', () => {
  it('is that of its folder, or of its file where that says something', () => {
    expect(['/r/net', '/r/net/1/model.onnx', '/r/other.onnx'].map(nameOfSource)).toEqual(['net', 'net', 'other']);
  });
});
