import { describe, expect, it } from 'vitest';
import { PerfTsError } from '../../src/common/errors.js';
import { readRun } from '../../src/record/read-record.js';
import type { RunRecord } from '../../src/record/run-record.js';
import { createRunStore, type RunStore } from '../../src/record/run-store.js';
import { KeptRun } from '../../src/run/kept-run.js';
import { sampleRun } from '../support/sample-records.js';
import { makeTemporaryFolder } from '../support/temporary-folder.js';

const columns = {
  length: 1,
  intendedNs: Float64Array.of(1),
  sentNs: Float64Array.of(2),
  receivedNs: Float64Array.of(3),
  outcomes: Uint8Array.of(1),
};
const levels = sampleRun.levels.slice(0, 3);
const begun: RunRecord = { ...sampleRun, state: 'interrupted', warnings: [], levels: [] };

type Write = 'saveRun' | 'saveSamples' | 'saveText';
const systemError = (code: string): Error => Object.assign(new Error(`${code}: it failed, write`), { code });

/** A store of which the `nth` write (from 0) fails, and every later one too where `forGood`. */
async function failingStore(nth: number, code: string, forGood: boolean) {
  const real = await createRunStore({ resultsFolder: await makeTemporaryFolder(), model: 'm' });
  let done = 0;
  const guard =
    <Args extends readonly unknown[]>(write: (...args: Args) => Promise<void>) =>
    async (...args: Args): Promise<void> => {
      const at = done++;
      if (at === nth || (forGood && at > nth)) throw systemError(code);
      await write(...args);
    };
  const store: RunStore = {
    ...real,
    get isKept() {
      return real.isKept;
    },
    saveRun: guard((record) => real.saveRun(record)),
    saveSamples: guard((index, rows) => real.saveSamples(index, rows)),
    saveText: guard((name, text) => real.saveText(name, text)),
  } satisfies Record<Write, unknown> & RunStore;
  return { store, writesDone: () => done };
}

async function keepAll(store: RunStore): Promise<KeptRun> {
  const kept = new KeptRun(store, begun, () => undefined);
  for (const level of levels) await kept.putLevel(level, columns);
  kept.change({ state: kept.record.state === 'failed' ? 'failed' : 'complete' });
  await kept.save();
  await store.discard();
  return kept;
}

describe('a run that is kept', () => {
  it('survives a fault of each of its writes, says so in the record, and loses nothing else', async () => {
    const { store, writesDone } = await failingStore(Infinity, 'ENOSPC', false);
    const whole = await keepAll(store);
    expect(whole.record.state).toBe('complete');
    for (let nth = 0; nth < writesDone() - 1; nth++) {
      for (const code of ['ENOSPC', 'EACCES', 'EIO', 'EDQUOT']) {
        const { store: failing } = await failingStore(nth, code, false);
        const kept = await keepAll(failing);
        expect(kept.unsaved).toMatchObject([{ code: 'OUTPUT_UNWRITABLE' }]);
        const saved = await readRun(failing.path);
        expect(saved).toMatchObject({ state: 'failed', warnings: [{ code: 'OUTPUT_UNWRITABLE' }] });
        expect(saved.levels).toHaveLength(levels.length);
      }
    }
  });

  it('keeps what was on disk when nothing can be written any more, and has the rest to show', async () => {
    for (let nth = 1; nth < 10; nth++) {
      const { store } = await failingStore(nth, 'ENOSPC', true);
      const kept = await keepAll(store);
      expect(kept.record).toMatchObject({ state: 'failed', levels });
      // Three writes a level, the record first.
      expect((await readRun(store.path)).levels).toHaveLength(Math.ceil(nth / 3));
    }
  });

  it('leaves no folder where nothing could be saved at all', async () => {
    const { store } = await failingStore(0, 'ENOSPC', true);
    const kept = await keepAll(store);
    expect(kept.levelCount).toBe(3);
    await expect(readRun(store.path)).rejects.toBeInstanceOf(PerfTsError);
  });

  it('takes a listener’s fault of the machine as one more thing that could not be written, and passes a bug on', async () => {
    const { store } = await failingStore(Infinity, '', false);
    const kept = new KeptRun(store, begun, () => undefined);
    await kept.putLevel(levels[0]!, columns);
    await kept.tell(() => Promise.reject(systemError('ENOSPC')));
    expect((await readRun(store.path)).state).toBe('failed');
    await expect(kept.tell(() => Promise.reject(new TypeError('a bug')))).rejects.toThrow('a bug');
  });
});
