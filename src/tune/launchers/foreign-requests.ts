/**
 * Notices other clients of a server that is not ours: requests in its statistics, of any of its models, that this run
 * did not send. They take what a variant could have had, so its level says so.
 */
import type { ServerAdmin } from '../../client/server-admin.js';
import type { LevelRun, LoadWorkerPool } from '../../load/load-session.js';
import type { LevelRecord } from '../../record/run-record.js';

/** Statistics of more models are not asked for: the asking would be a load of its own. */
const MOST_MODELS = 16;
/** A server may count an answer after it was sent, so a few requests of the level before may show up late. */
const LATE_COUNT = 10;
const TOLERANCE = 0.01;

export interface ForeignRequests {
  /** Runs `level` with a pool that counts, and adds a warning to its record where others were served meanwhile. */
  watch(pool: LoadWorkerPool, level: (pool: LoadWorkerPool) => Promise<LevelRecord>): Promise<LevelRecord>;
  /** Levels that were disturbed, and all of them. */
  counts(): { readonly disturbed: number; readonly levels: number };
}

/** `onFirst` is told once, with the requests a second of others. */
export function watchForeignRequests(
  admin: ServerAdmin,
  model: string,
  onFirst: (requestsPerSec: number) => void,
): ForeignRequests {
  let disturbed = 0;
  let levels = 0;
  return {
    counts: () => ({ disturbed, levels }),
    async watch(pool, level) {
      const before = await countAnswered(admin, model);
      const counting = countRequests(pool);
      const record = await level(counting.pool);
      const after = await countAnswered(admin, model);
      levels++;
      const foreign = foreignRequests(before, after, model, counting.sent());
      const seconds = (record.warmupNs + record.durationNs) / 1e9;
      if (foreign === 0 || seconds === 0) return record;
      disturbed++;
      const rate = foreign / seconds;
      if (disturbed === 1) onFirst(rate);
      const message = `the server also answered about ${roughly(rate)} requests/s of other clients: this level shows what they left`;
      return { ...record, warnings: [...record.warnings, { code: 'FOREIGN_REQUESTS', message }] };
    },
  };
}

/** Two digits are all that such an estimate is good for. */
export const roughly = (rate: number): string => String(Number(rate.toPrecision(2)));

/** Requests by model that a server has answered, failed ones included. */
type Answered = ReadonlyMap<string, number>;

/** Models that do not tell are left out, and so are all where the server has no statistics. */
async function countAnswered(admin: ServerAdmin, model: string): Promise<Answered> {
  const index = await admin.repositoryIndex().catch(() => []);
  const names = new Set([model, ...index.filter(({ state }) => state === 'READY').map(({ name }) => name)]);
  const counts = await Promise.all(
    [...names].slice(0, MOST_MODELS).map(async (name): Promise<readonly [string, number]> => {
      const statistics = await admin.modelStatistics(name).catch(() => undefined);
      const { success, fail } = statistics?.inference_stats ?? {};
      return [name, statistics === undefined ? Number.NaN : (success?.count ?? 0) + (fail?.count ?? 0)];
    }),
  );
  return new Map(counts.filter(([, count]) => !Number.isNaN(count)));
}

/** 0 where the difference may be our own; a count that fell belongs to a model that was loaded anew. */
export function foreignRequests(before: Answered, after: Answered, model: string, sent: number): number {
  let foreign = 0;
  for (const [name, count] of after) {
    const grown = count - (before.get(name) ?? count);
    const own = name === model ? sent : 0;
    const slack = name === model ? LATE_COUNT + TOLERANCE * own : LATE_COUNT;
    if (grown - own > slack) foreign += grown - own;
  }
  return foreign;
}

/** The same pool, and how many requests its levels have sent, warm-up included. */
function countRequests(pool: LoadWorkerPool): { readonly pool: LoadWorkerPool; sent(): number } {
  const runs: { readonly run: LevelRun; taken: number }[] = [];
  return {
    sent: () => runs.reduce((sum, { run, taken }) => sum + taken + run.columns().length, 0),
    pool: {
      close: () => pool.close(),
      async startLevel(level) {
        const run = await pool.startLevel(level);
        const counted = { run, taken: 0 };
        runs.push(counted);
        const { takeFull } = run;
        if (takeFull === undefined) return run;
        return {
          ...run,
          takeFull(modelIndex) {
            const columns = takeFull.call(run, modelIndex);
            counted.taken += columns.length;
            return columns;
          },
        };
      },
    },
  };
}
