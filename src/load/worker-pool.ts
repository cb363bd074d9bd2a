/**
 * The load workers of a run and the level they drive together: shares the concurrency out, merges what they measured,
 * and turns a worker's death into an error at the next look.
 */
import { compiledEntry } from '../common/package-root.js';
import { nanos } from '../common/units.js';
import type { LoadPlan } from '../plan/load-plan.js';
import type { LevelRun, LoadWorkerPool, StartLoadWorkers, WorkerUsage } from './load-session.js';
import { LoadWorkerThread } from './load-worker-thread.js';
import { collectColumns, RequestChunk } from './request-columns.js';

const workerEntry = compiledEntry('src/load/load-worker');

/** This worker's part of `concurrency`: as even as can be, the first workers taking what is left over. */
export const shareOf = (concurrency: number, workerIndex: number, workerCount: number): number =>
  Math.floor(concurrency / workerCount) + (workerIndex < concurrency % workerCount ? 1 : 0);

/** See StartLoadWorkers. `entry` is the worker's module, for tests. */
export const startLoadWorkers = async (plan: LoadPlan, entry: URL = workerEntry): Promise<LoadWorkerPool> => {
  let failure: Error | undefined;
  const workers = Array.from({ length: plan.workerCount }, (_, workerIndex) => {
    return new LoadWorkerThread(entry, { plan, workerIndex }, (fault) => {
      failure ??= fault;
    });
  });
  let running: LevelRun | undefined;
  const close = async (): Promise<void> => {
    await Promise.all(workers.map((worker) => worker.close()));
  };
  try {
    await Promise.all(workers.map((worker) => worker.ready()));
  } catch (fault) {
    await close();
    throw fault;
  }
  return {
    close,
    async startLevel(level) {
      if (running !== undefined) throw new Error('a level is already running: stop it first');
      const run = new WorkersLevel(workers, () => failure);
      running = run;
      await run.start(level.concurrency);
      return {
        columns: () => run.columns(),
        errors: () => run.errors(),
        usage: () => run.usage(),
        async stop() {
          await run.stop();
          running = undefined;
        },
      };
    },
  };
};
startLoadWorkers satisfies StartLoadWorkers;

/** One level on all workers. */
class WorkersLevel implements LevelRun {
  readonly #workers: readonly LoadWorkerThread[];
  readonly #failureOf: () => Error | undefined;
  readonly #chunks: RequestChunk[][];
  readonly #causes: Readonly<Record<string, number>>[];
  readonly #cpuStart = process.cpuUsage();
  readonly #loopStart: readonly { readonly active: number; readonly idle: number }[];
  #stopping: Promise<unknown> | undefined;

  constructor(workers: readonly LoadWorkerThread[], failureOf: () => Error | undefined) {
    this.#workers = workers;
    this.#failureOf = failureOf;
    this.#chunks = workers.map(() => []);
    this.#causes = workers.map(() => ({}));
    this.#loopStart = workers.map((worker) => worker.loopTimes());
    workers.forEach((worker, index) => {
      worker.listener = {
        onChunk: (buffer) => this.#chunks[index]!.push(new RequestChunk(buffer)),
        onCauses: (causes) => {
          this.#causes[index] = causes;
        },
      };
    });
  }

  async start(concurrency: number): Promise<void> {
    this.#checkFailure();
    const shares = this.#workers.map((_, index) => shareOf(concurrency, index, this.#workers.length));
    await Promise.all(this.#workers.map((worker, index) => worker.start(shares[index]!)));
  }

  columns() {
    this.#checkFailure();
    return collectColumns(this.#chunks.flat());
  }

  errors(): Readonly<Record<string, number>> {
    this.#checkFailure();
    const total: Record<string, number> = {};
    for (const causes of this.#causes) {
      for (const [cause, count] of Object.entries(causes)) total[cause] = (total[cause] ?? 0) + count;
    }
    return total;
  }

  usage(): WorkerUsage {
    const { user, system } = process.cpuUsage(this.#cpuStart);
    const busy = this.#workers.map((worker, index) => {
      const now = worker.loopTimes();
      const active = now.active - this.#loopStart[index]!.active;
      const idle = now.idle - this.#loopStart[index]!.idle;
      return active + idle > 0 ? active / (active + idle) : 0;
    });
    return { cpuNs: nanos((user + system) * 1000), maxBusyRatio: Math.max(...busy) };
  }

  async stop(): Promise<void> {
    this.#stopping ??= Promise.all(this.#workers.map((worker) => worker.stop()));
    await this.#stopping;
  }

  #checkFailure(): void {
    const failure = this.#failureOf();
    if (failure !== undefined) throw failure;
  }
}
