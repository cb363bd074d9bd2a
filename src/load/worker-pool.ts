/**
 * The load workers of a run and the level they drive together: shares the concurrency out, merges what they measured,
 * and turns a worker's death into an error at the next look.
 */

import { nowNs } from '../common/clock.js';
import { compiledEntry } from '../common/package-root.js';
import { after, type Instant, millis, nanos } from '../common/units.js';
import type { LoadLevel, LoadPlan } from '../plan/load-plan.js';
import { needsTickets } from './create-driver.js';
import { type Exchanges, mergeExchanges } from './exchange-log.js';
import type {
  ArrivalCounts,
  LevelRun,
  LoadWorkerPool,
  MismatchCounts,
  StartLoadWorkers,
  WorkerUsage,
} from './load-session.js';
import { LoadWorkerThread } from './load-worker-thread.js';
import { comparesAnswers } from './prepared-requests.js';
import { guardRegions } from './region-guard.js';
import { collectColumns, RequestChunk, type RequestColumns } from './request-columns.js';
import { Tickets } from './request-source.js';
import { mergeClientTimes, mergeGauges } from './worker-gauge.js';
import type { WorkerCounts } from './worker-messages.js';

const workerEntry = compiledEntry('src/load/load-worker');

/** This worker's part of `concurrency`: as even as can be, the first workers taking what is left over. */
export const shareOf = (concurrency: number, workerIndex: number, workerCount: number): number =>
  Math.floor(concurrency / workerCount) + (workerIndex < concurrency % workerCount ? 1 : 0);

/** See StartLoadWorkers. `entry` is the worker's module, for tests. */
export const startLoadWorkers = async (plan: LoadPlan, entry: URL = workerEntry): Promise<LoadWorkerPool> => {
  let failure: Error | undefined;
  const regions = plan.sharedMemory === undefined ? undefined : guardRegions(plan);
  const workers = Array.from({ length: plan.workerCount }, (_, workerIndex) => {
    return new LoadWorkerThread(entry, { plan, workerIndex, regionPrefix: regions?.prefix }, (fault) => {
      failure ??= fault;
    });
  });
  let running: LevelRun | undefined;
  const close = async (): Promise<void> => {
    await Promise.all(workers.map((worker) => worker.close()));
    await regions?.release();
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
      const run = new WorkersLevel(plan, workers, () => failure);
      running = run;
      const begin = await run.start(level);
      return {
        ...(begin !== undefined && { begin }),
        columns: (modelIndex) => run.columns(modelIndex),
        takeFull: (modelIndex) => run.takeFull(modelIndex),
        errors: (modelIndex) => run.errors(modelIndex),
        arrivals: () => run.arrivals(),
        unfinishedCount: () => run.unfinishedCount(),
        mismatches: () => run.mismatches(),
        exchanges: () => run.exchanges(),
        isFinished: () => run.isFinished(),
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

/** From the message that begins a schedule to its begin: every worker has it by then. */
const SCHEDULE_LEAD = millis(20);

/** One level on all workers. */
class WorkersLevel implements LevelRun {
  readonly #plan: LoadPlan;
  readonly #workers: readonly LoadWorkerThread[];
  readonly #failureOf: () => Error | undefined;
  /** By model. */
  readonly #chunks: RequestChunk[][];
  readonly #counts: WorkerCounts[];
  readonly #exchanges: Exchanges[] = [];
  #finishedCount = 0;
  #cpuStart = process.cpuUsage();
  #loopStart: readonly { readonly active: number; readonly idle: number }[] = [];
  #stopping: Promise<unknown> | undefined;

  constructor(plan: LoadPlan, workers: readonly LoadWorkerThread[], failureOf: () => Error | undefined) {
    this.#plan = plan;
    this.#workers = workers;
    this.#failureOf = failureOf;
    this.#chunks = plan.models.map(() => []);
    this.#counts = workers.map(() => ({
      causes: plan.models.map(() => ({})),
      droppedCount: 0,
      delayedCount: 0,
      unfinishedCount: 0,
      checkedCount: 0,
      mismatchCount: 0,
      firstMismatch: undefined,
    }));
    workers.forEach((worker, index) => {
      worker.listener = {
        onChunk: (modelIndex, buffer) => this.#chunks[modelIndex]!.push(new RequestChunk(buffer)),
        onCounts: (counts) => {
          this.#counts[index] = counts;
        },
        onExchanges: (exchanges) => this.#exchanges.push(exchanges),
        onFinished: () => {
          this.#finishedCount++;
        },
      };
    });
  }

  /** Returns when the schedule begins, if there is one. */
  async start(level: LoadLevel): Promise<Instant | undefined> {
    this.#checkFailure();
    await Promise.all(this.#workers.map((worker) => worker.prepare(level)));
    this.#cpuStart = process.cpuUsage();
    this.#loopStart = this.#workers.map((worker) => worker.loopTimes());
    const slotCount = level.kind === 'closed' ? level.concurrency : level.maxInFlight;
    const tickets = needsTickets(this.#plan, level) ? new Tickets().buffer : undefined;
    const begin = after(nowNs(), SCHEDULE_LEAD);
    const shares = this.#workers.map((_, index) => shareOf(slotCount, index, this.#workers.length));
    await Promise.all(
      this.#workers.map((worker, index) => worker.start({ level, slotCount: shares[index]!, startNs: begin, tickets })),
    );
    return level.kind === 'open' ? begin : undefined;
  }

  columns(modelIndex?: number) {
    this.#checkFailure();
    return collectColumns(modelIndex === undefined ? this.#chunks.flat() : this.#chunks[modelIndex]!);
  }

  takeFull(modelIndex?: number): RequestColumns {
    this.#checkFailure();
    const full: RequestChunk[] = [];
    for (const [model, chunks] of this.#chunks.entries()) {
      if (modelIndex !== undefined && model !== modelIndex) continue;
      const open: RequestChunk[] = [];
      // Looked at once: a chunk may become full meanwhile.
      for (const chunk of chunks) (chunk.isFull ? full : open).push(chunk);
      this.#chunks[model] = open;
    }
    const columns = collectColumns(full);
    for (const chunk of full) chunk.release();
    return columns;
  }

  errors(modelIndex?: number): Readonly<Record<string, number>> {
    this.#checkFailure();
    const total: Record<string, number> = {};
    for (const { causes } of this.#counts) {
      for (const [index, ofModel] of causes.entries()) {
        if (modelIndex !== undefined && index !== modelIndex) continue;
        for (const [cause, count] of Object.entries(ofModel)) total[cause] = (total[cause] ?? 0) + count;
      }
    }
    return total;
  }

  arrivals(): ArrivalCounts {
    this.#checkFailure();
    const sumOf = (name: keyof ArrivalCounts): number => this.#counts.reduce((sum, counts) => sum + counts[name], 0);
    return { droppedCount: sumOf('droppedCount'), delayedCount: sumOf('delayedCount') };
  }

  unfinishedCount(): number {
    this.#checkFailure();
    return this.#counts.reduce((sum, counts) => sum + counts.unfinishedCount, 0);
  }

  mismatches(): MismatchCounts | undefined {
    this.#checkFailure();
    if (!comparesAnswers(this.#plan)) return undefined;
    return {
      checkedCount: this.#counts.reduce((sum, { checkedCount }) => sum + checkedCount, 0),
      mismatchCount: this.#counts.reduce((sum, { mismatchCount }) => sum + mismatchCount, 0),
      first: this.#counts.find(({ firstMismatch }) => firstMismatch !== undefined)?.firstMismatch,
    };
  }

  exchanges(): Exchanges | undefined {
    return this.#plan.keepsTensors === true ? mergeExchanges(this.#exchanges) : undefined;
  }

  isFinished(): boolean {
    this.#checkFailure();
    return this.#finishedCount === this.#workers.length;
  }

  usage(): WorkerUsage {
    const { user, system } = process.cpuUsage(this.#cpuStart);
    const busy = this.#workers.map((worker, index) => {
      const now = worker.loopTimes();
      const begun = this.#loopStart[index] ?? now;
      const active = now.active - begun.active;
      const idle = now.idle - begun.idle;
      return active + idle > 0 ? active / (active + idle) : 0;
    });
    const gauges = this.#workers.map((worker) => worker.gauge());
    return {
      cpuNs: nanos((user + system) * 1000),
      maxBusyRatio: Math.max(...busy),
      generator: mergeGauges(gauges),
      ...mergeClientTimes(gauges),
    };
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
