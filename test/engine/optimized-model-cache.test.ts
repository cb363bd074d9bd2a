import { afterEach, expect, it, vi } from 'vitest';
import { createEngineLog } from '../../engine/log/create-engine-log.js';
import { addSubConfig, loadTestModel, outputsOf } from '../support/load-test-model.js';
import { floats, toFloats } from '../support/model-files.js';
import { makeTemporaryFolder } from '../support/temporary-folder.js';

afterEach(() => vi.unstubAllEnvs());

it('a model is served from what was kept of it the first time, and answers as before', async () => {
  vi.stubEnv('PERF_TS_CACHE', await makeTemporaryFolder());
  for (const said of [/optimised in \d+ ms/, /optimised before/]) {
    let text = '';
    const log = createEngineLog(
      {},
      {
        write: (lines) => {
          text += lines;
        },
      },
    );
    const model = await loadTestModel('add_sub', addSubConfig, { keepsOptimized: true, log });
    const inputs = [floats('INPUT0', [1, 4], [1, 2, 3, 4]), floats('INPUT1', [1, 4], [1, 1, 1, 1])];
    const [sum] = await outputsOf(model, inputs);
    await model.close();
    await log.close();
    expect(text).toMatch(said);
    expect(toFloats(sum!)).toEqual([2, 3, 4, 5]);
  }
}, 60_000);
