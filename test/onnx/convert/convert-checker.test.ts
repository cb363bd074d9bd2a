import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/common/package-root.js';
import { convertToHalf } from '../../../src/onnx/convert/convert-model.js';
import { readModelFile, writeModelFile } from '../../../src/onnx/convert/model-file.js';
import { buildZooModel, zooModels } from '../../../src/onnx/zoo/zoo.js';
import { findPython } from '../../support/find-python.js';
import { makeTemporaryFolder } from '../../support/temporary-folder.js';

const python = findPython(['onnx', 'onnxruntime', 'numpy']);
const fixtures = join(packageRoot, 'test', 'support', 'models', 'convert');

function judge(files: readonly string[]): { ok: boolean; [key: string]: unknown }[] {
  const script = join(packageRoot, 'test', 'support', 'check_onnx.py');
  const { stdout, stderr } = spawnSync(python!, [script, ...files], { encoding: 'utf8' });
  if (stdout === '') throw new Error(stderr);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { ok: boolean });
}

async function convert(source: string, target: string, keepIoTypes: boolean): Promise<void> {
  const model = await readModelFile(source);
  convertToHalf(model.message, { keepIoTypes }, source, model.loadExternal);
  await writeModelFile(model, target);
}

describe.skipIf(python === undefined)("converted models beside PyPI's onnx and onnxruntime", () => {
  it('pass the full check and run: every demo model, with the types of its inputs kept', async () => {
    const folder = await makeTemporaryFolder();
    const files: string[] = [];
    for (const { name } of zooModels) {
      const source = join(folder, `${name}.onnx`);
      await writeFile(source, buildZooModel(name));
      await convert(source, join(folder, `${name}.kept.onnx`), true);
      files.push(join(folder, `${name}.kept.onnx`));
    }
    const expected = files.map((file) => ({ file, ok: true, opset: 17, ir_version: 8, finite: true, varied: true }));
    expect(judge(files)).toMatchObject(expected);
  }, 120_000);

  it('pass the full check: demo models and every fixture, also with half inputs and outputs', async () => {
    const folder = await makeTemporaryFolder();
    const sources = readdirSync(fixtures)
      .filter((name) => name.endsWith('.onnx') && name !== 'local_function.onnx')
      .map((name) => join(fixtures, name));
    for (const { name } of zooModels) {
      const source = join(folder, `${name}.onnx`);
      await writeFile(source, buildZooModel(name));
      sources.push(source);
    }
    const targets: string[] = [];
    for (const [index, source] of sources.entries()) {
      for (const keepIoTypes of [true, false]) {
        const target = join(folder, `${index}-${keepIoTypes}.onnx`);
        await convert(source, target, keepIoTypes);
        targets.push(target);
      }
    }
    const check = 'import sys, onnx\nfor p in sys.argv[1:]: onnx.checker.check_model(p, full_check=True)';
    const { status, stderr } = spawnSync(python!, ['-c', check, ...targets], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  }, 120_000);
});
