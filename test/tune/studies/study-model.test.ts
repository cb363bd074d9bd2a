import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PerfTsError } from '../../../src/common/errors.js';
import { buildZooModel } from '../../../src/onnx/zoo/zoo.js';
import { readStudyModel } from '../../../src/tune/studies/study-model.js';

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'perf-ts-test-')), 'identity');
  mkdirSync(join(folder, '1'), { recursive: true });
  writeFileSync(join(folder, '1', 'model.onnx'), buildZooModel('identity'));
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }));

const problemsOf = async (): Promise<string[]> => {
  const thrown = await readStudyModel('identity', folder).catch((cause: PerfTsError) => cause);
  return 'problems' in thrown ? thrown.problems.map(({ where, what }) => `${where}: ${what}`) : [];
};

describe('the model of a study', () => {
  it('is read without a config as the server would complete it', async () => {
    const model = await readStudyModel('identity', folder);
    expect(model).toMatchObject({ configPbtxt: undefined, config: {}, completed: { max_batch_size: 4 } });
    expect(model.completed.instance_group?.[0]?.count).toBe(2);
  });

  it('keeps the text of its config', async () => {
    const text = '# mine\nmax_batch_size: 8\n';
    writeFileSync(join(folder, 'config.pbtxt'), text);
    expect(await readStudyModel('identity', folder)).toMatchObject({
      configPbtxt: text,
      config: { max_batch_size: 8 },
    });
  });

  it('with a faulty config is refused with file, line and field', async () => {
    writeFileSync(join(folder, 'config.pbtxt'), 'name: "identity"\nmax_batch_sise: 8\n');
    expect(await problemsOf()).toEqual([expect.stringMatching(/config\.pbtxt:2: .*max_batch_sise/)]);
  });

  it('with a broken model file is refused', async () => {
    writeFileSync(join(folder, '1', 'model.onnx'), 'not a model');
    expect(await problemsOf()).toEqual([expect.stringMatching(/model\.onnx: /)]);
  });

  it('without a version folder is refused', async () => {
    rmSync(join(folder, '1'), { recursive: true });
    expect(await problemsOf()).toEqual([expect.stringMatching(/has no version folder/)]);
  });
});
