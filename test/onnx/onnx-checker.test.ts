import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/common/package-root.js';
import { buildZooModel, zooModels } from '../../src/onnx/zoo/zoo.js';
import { findPython } from '../support/find-python.js';

interface Verdict {
  readonly file: string;
  readonly ok: boolean;
  readonly opset: number;
  readonly ir_version: number;
  readonly finite: boolean;
  readonly varied: boolean;
}

const python = findPython(['onnx', 'onnxruntime', 'numpy']);

function judge(files: readonly string[]): { verdicts: Verdict[]; status: number | null } {
  const script = join(packageRoot, 'test', 'support', 'check_onnx.py');
  const { stdout, stderr, status } = spawnSync(python!, [script, ...files], { encoding: 'utf8' });
  if (stdout === '') throw new Error(stderr);
  return {
    verdicts: stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Verdict),
    status,
  };
}

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perf-ts-checker-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.skipIf(python === undefined)("the demo models beside PyPI's onnx and onnxruntime", () => {
  it('pass the full check, and their outputs are finite and depend on the input', async () => {
    const files = zooModels.map(({ name }) => join(folder, `${name}.onnx`));
    for (const [index, { name }] of zooModels.entries()) await writeFile(files[index]!, buildZooModel(name));
    const { verdicts, status } = judge(files);
    const expected = files.map((file) => ({ file, ok: true, opset: 17, ir_version: 8, finite: true, varied: true }));
    expect(verdicts).toMatchObject(expected);
    expect(status).toBe(0);
  }, 120_000);

  it('would not pass a damaged model', async () => {
    const file = join(folder, 'damaged.onnx');
    const text = Buffer.from(buildZooModel('simple_cnn')).toString('latin1').replaceAll('MaxPool', 'MaxPoop');
    await writeFile(file, Buffer.from(text, 'latin1'));
    const { verdicts, status } = judge([file]);
    expect(verdicts).toMatchObject([{ ok: false }]);
    expect(status).toBe(1);
  });
});
