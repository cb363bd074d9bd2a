import { describe, expect, it } from 'vitest';
import type { ServerAdmin } from '../../../src/client/server-admin.js';
import type { ModelStatistics } from '../../../src/kserve/metadata.js';
import type { LevelRun, LoadWorkerPool } from '../../../src/load/load-session.js';
import type { LevelRecord } from '../../../src/record/run-record.js';
import { foreignRequests, watchForeignRequests } from '../../../src/tune/launchers/foreign-requests.js';

const counts = (entries: Readonly<Record<string, number>>) => new Map(Object.entries(entries));

describe('requests of others on a server', () => {
  it('are what its counts grew by beyond what was sent', () => {
    expect(foreignRequests(counts({ m: 100 }), counts({ m: 1100 }), 'm', 1000)).toBe(0);
    expect(foreignRequests(counts({ m: 100 }), counts({ m: 2100 }), 'm', 1000)).toBe(1000);
    expect(foreignRequests(counts({ m: 0, n: 50 }), counts({ m: 10, n: 350 }), 'm', 10)).toBe(300);
  });

  it('are none where a few answers were counted late, or a model was loaded anew', () => {
    expect(foreignRequests(counts({ m: 0 }), counts({ m: 1015 }), 'm', 1000)).toBe(0);
    expect(foreignRequests(counts({ m: 5000 }), counts({ m: 100 }), 'm', 100)).toBe(0);
    expect(foreignRequests(counts({}), counts({ late: 5000 }), 'm', 0)).toBe(0);
  });

  /** Our model answers what is sent; `others` requests come beside them in each level. */
  function simulate(others: number) {
    let answered = 0;
    const statistics = (): Promise<ModelStatistics> =>
      Promise.resolve({ inference_stats: { success: { count: answered, ns: 0 } } } as ModelStatistics);
    const admin = {
      repositoryIndex: () => Promise.resolve([{ name: 'm', version: '1', state: 'READY', reason: '' }]),
      modelStatistics: statistics,
    } as unknown as ServerAdmin;
    const run = { columns: () => ({ length: 400 }) } as unknown as LevelRun;
    const pool: LoadWorkerPool = { startLevel: () => Promise.resolve(run), close: () => Promise.resolve() };
    const record = { warmupNs: 0, durationNs: 2e9, warnings: [] } as unknown as LevelRecord;
    const level = async (counting: LoadWorkerPool): Promise<LevelRecord> => {
      await counting.startLevel({ kind: 'closed', concurrency: 4, batchSize: 1 });
      answered += 400 + others;
      return record;
    };
    return { admin, pool, level };
  }

  it('mark the level with a warning, are told once, and are counted for the study', async () => {
    const { admin, pool, level } = simulate(600);
    const told: number[] = [];
    const foreign = watchForeignRequests(admin, 'm', (rate) => told.push(rate));
    const record = await foreign.watch(pool, level);
    await foreign.watch(pool, level);
    expect(record.warnings).toMatchObject([{ code: 'FOREIGN_REQUESTS', message: expect.stringContaining('300') }]);
    expect(told).toEqual([300]);
    expect(foreign.counts()).toEqual({ disturbed: 2, levels: 2 });
  });

  it('leave the record as it is where there are none', async () => {
    const { admin, pool, level } = simulate(0);
    const foreign = watchForeignRequests(admin, 'm', () => expect.unreachable());
    expect((await foreign.watch(pool, level)).warnings).toEqual([]);
    expect(foreign.counts()).toEqual({ disturbed: 0, levels: 1 });
  });
});
