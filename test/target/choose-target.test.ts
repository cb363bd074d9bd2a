import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { addZooModels } from '../../src/onnx/zoo/zoo.js';
import { findLocalModel, openTarget, type TargetChoice } from '../../src/target/choose-target.js';
import { testCacheFolder } from '../support/run-perf-ts.js';

const choice: TargetChoice = {
  server: 'auto',
  endpoint: undefined,
  protocol: undefined,
  model: 'identity',
  modelVersion: '',
  modelRepository: undefined,
};
const silent = (): void => undefined;

describe('choosing what is measured', () => {
  const cwd = process.cwd();
  beforeEach(() => {
    vi.stubEnv('PERF_TS_CACHE', testCacheFolder);
    process.chdir(mkdtempSync(join(tmpdir(), 'perf-ts-target-')));
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    process.chdir(cwd);
  });

  it('refuses a remote server without an address, and our engine beside an address', async () => {
    await expect(openTarget({ ...choice, server: 'remote' }, silent)).rejects.toMatchObject({ code: 'BAD_OPTION' });
    const both = openTarget({ ...choice, server: 'embedded', endpoint: '127.0.0.1:1' }, silent);
    await expect(both).rejects.toMatchObject({ code: 'BAD_OPTION' });
  });

  it('takes the demo model of that name when nothing else has it', async () => {
    const found = await findLocalModel('identity', undefined, silent);
    expect(found.isDemoModel).toBe(true);
    expect(found.modelFolder).toBe(join(found.repository, 'identity'));
  });

  it('prefers ./models over the demo model', async () => {
    await addZooModels(['identity'], 'models');
    const found = await findLocalModel('identity', undefined, silent);
    expect(found).toMatchObject({ isDemoModel: false, repository: join(process.cwd(), 'models') });
  });

  it('takes no demo model where a repository is named', async () => {
    await addZooModels(['add_sub'], 'mine');
    await expect(findLocalModel('identity', 'mine', silent)).rejects.toMatchObject({
      code: 'BAD_OPTION',
      problems: [{ where: '--model-repository mine' }],
    });
  });

  it('never looks outside the repository', async () => {
    await addZooModels(['add_sub'], 'mine');
    await expect(findLocalModel('../mine/add_sub', 'mine', silent)).rejects.toMatchObject({ code: 'BAD_OPTION' });
    await expect(findLocalModel('..', 'mine', silent)).rejects.toMatchObject({ code: 'BAD_OPTION' });
  });
});
