/** What the main thread and a load worker tell each other. Rows of requests never travel this way: they are in shared memory. */
import type { ErrorCode, Problem } from '../common/errors.js';
import type { LoadPlan } from '../plan/load-plan.js';

/** A worker's `workerData`. */
export interface WorkerStart {
  readonly plan: LoadPlan;
  readonly workerIndex: number;
}

export type ToWorker =
  /** Begins a level with this worker's share of the concurrency; answered by `started`. */
  | { readonly kind: 'start'; readonly concurrency: number }
  /** Ends the level; answered by `stopped` once nothing is in flight. */
  | { readonly kind: 'stop' }
  /** Ends the worker, whatever it is doing. */
  | { readonly kind: 'close' };

export type FromWorker =
  /** Connected, and the target answered a first request. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'started' }
  /** A further chunk of the running level, before its first row. */
  | { readonly kind: 'chunk'; readonly buffer: SharedArrayBuffer }
  /** Failed requests of the running level by cause, so far. */
  | { readonly kind: 'causes'; readonly causes: Readonly<Record<string, number>> }
  | { readonly kind: 'stopped' }
  /** The last message of a worker that cannot go on; `code` is undefined for a bug. */
  | {
      readonly kind: 'failed';
      readonly code: ErrorCode | undefined;
      readonly problems: readonly Problem[];
      readonly stack: string | undefined;
    };
