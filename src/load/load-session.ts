/**
 * A level being driven by load workers: the main thread's handle. Columns are read while the workers write them.
 * The implementation is worker-pool.ts.
 */
import type { Instant } from '../common/units.js';
import type { LoadLevel, LoadPlan } from '../plan/load-plan.js';
import type { Exchanges } from './exchange-log.js';
import type { RequestColumns } from './request-columns.js';
import type { GeneratorUsage } from './worker-gauge.js';

/** What the workers used, summed over them. */
export interface WorkerUsage {
  /** CPU nanoseconds (user and system) of the process since the level began. */
  readonly cpuNs: number;
  /** Largest share of time, over the workers, that a worker's event loop was busy since the level began. */
  readonly maxBusyRatio: number;
  /** What the workers saw of their own limits; left out before they had the time to look. */
  readonly generator?: GeneratorUsage | undefined;
  /** Mean from an answer's first byte to its last; left out where the client does not tell. */
  readonly receiveMeanNs?: number | undefined;
  /** Mean from a request's send instant to the hand-over of its last byte to the socket; left out likewise. */
  readonly handOverMeanNs?: number | undefined;
}

/** What an open loop could not send as it was due; both 0 in a closed loop. */
export interface ArrivalCounts {
  /** Arrivals that were never sent, because too many requests were in flight. */
  readonly droppedCount: number;
  /** Requests sent more than 1 ms after their intended start. */
  readonly delayedCount: number;
}

/** Answers held against the outputs that the input data expects. */
export interface MismatchCounts {
  readonly checkedCount: number;
  readonly mismatchCount: number;
  /** How one of them differs. */
  readonly first: string | undefined;
}

/** After a worker has failed every member but `usage` throws its error, or rejects with it. */
export interface LevelRun {
  /** When the schedule of an open loop begins; undefined for a closed loop, which begins with its first request. */
  readonly begin?: Instant;
  /** All requests that have ended since the level began, ordered by receive instant; of one model, or of all. */
  columns(modelIndex?: number): RequestColumns;
  /**
   * Takes away the rows that will not be added to, in no order over the workers, of one model or of all; `columns` has the
   * others from then on.
   */
  takeFull?(modelIndex?: number): RequestColumns;
  /** Failed requests by cause so far; of one model, or of all. */
  errors(modelIndex?: number): Readonly<Record<string, number>>;
  arrivals?(): ArrivalCounts;
  /** Requests without a response that the end of the level gave up on; known once it was stopped. */
  unfinishedCount?(): number;
  /** Undefined where the plan has no expected outputs. */
  mismatches?(): MismatchCounts | undefined;
  /** What went in and out of the requests, once the level was stopped; undefined where the plan does not keep it. */
  exchanges?(): Exchanges | undefined;
  /** True once everything that the level was to send has been sent and has ended; never for a level without an end of its own. */
  isFinished?(): boolean;
  usage(): WorkerUsage;
  /**
   * Sends nothing more and waits for what is in flight: for 5 s or twice the slowest answer so far, whichever is longer;
   * what has no response then is logged as unfinished, which is no failure. Resolves early when the pool is closed; safe to call twice.
   */
  stop(): Promise<void>;
}

export interface LoadWorkerPool {
  /** Starts a level on every worker; the one before it must have been stopped. Rejects with PerfTsError when a worker has died. */
  startLevel(level: LoadLevel): Promise<LevelRun>;
  /** Ends the worker threads; safe to call twice. */
  close(): Promise<void>;
}

/** Starts the workers, connects their clients and prepares the plan's requests. Throws PerfTsError when the target refuses. */
export type StartLoadWorkers = (plan: LoadPlan) => Promise<LoadWorkerPool>;
