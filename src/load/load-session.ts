/**
 * A level being driven by load workers: the main thread's handle. Columns are read while the workers write them.
 * The implementation is worker-pool.ts.
 */
import type { LoadLevel, LoadPlan } from '../plan/load-plan.js';
import type { RequestColumns } from './request-columns.js';

/** What the workers used, summed over them. */
export interface WorkerUsage {
  /** CPU nanoseconds (user and system) of the process since the level began. */
  readonly cpuNs: number;
  /** Largest share of time, over the workers, that a worker's event loop was busy since the level began. */
  readonly maxBusyRatio: number;
}

/** After a worker has failed every member but `usage` throws its error, or rejects with it. */
export interface LevelRun {
  /** All requests that have ended since the level began, ordered by receive instant. */
  columns(): RequestColumns;
  /** Failed requests by cause so far. */
  errors(): Readonly<Record<string, number>>;
  usage(): WorkerUsage;
  /**
   * Sends nothing more and waits for what is in flight: for 5 s or twice the slowest answer so far, whichever is longer;
   * what is unanswered then is logged as cancelled. Resolves early when the pool is closed; safe to call twice.
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
