/** What the main thread and a load worker tell each other. Rows of requests never travel this way: they are in shared memory. */
import type { ErrorCode, Problem } from '../common/errors.js';
import type { LoadLevel, LoadPlan } from '../plan/load-plan.js';
import type { Exchanges } from './exchange-log.js';

/** A worker's `workerData`. */
export interface WorkerStart {
  readonly plan: LoadPlan;
  readonly workerIndex: number;
  /** Where the worker notes how close it comes to its limits: see worker-gauge.ts. */
  readonly gauge: SharedArrayBuffer;
  /** Begins the name of every shared-memory region that the worker makes; undefined where the plan asks for none. */
  readonly regionPrefix?: string | undefined;
}

/** One worker's part of a level. */
export interface LevelShare {
  readonly level: LoadLevel;
  /** Its part of the concurrency, or of what may be in flight. */
  readonly slotCount: number;
  /** When the schedule begins, the same for every worker. */
  readonly startNs: number;
  /** Numbers the requests of a closed loop over all workers; undefined where nothing needs it. */
  readonly tickets: SharedArrayBuffer | undefined;
}

export type ToWorker =
  /** Makes the requests of a level ready; answered by `prepared`. */
  | { readonly kind: 'prepare'; readonly level: LoadLevel }
  /** Begins the level prepared last; answered by `started`. */
  | { readonly kind: 'start'; readonly share: LevelShare }
  /** Ends the level; answered by `stopped` once nothing is in flight. */
  | { readonly kind: 'stop' }
  /** Ends the worker, whatever it is doing. */
  | { readonly kind: 'close' };

/** What a worker has counted in the running level so far. */
export interface WorkerCounts {
  /** Failed requests by cause, by model. */
  readonly causes: readonly Readonly<Record<string, number>>[];
  readonly droppedCount: number;
  readonly delayedCount: number;
  /** Requests that the end of the level gave up on. */
  readonly unfinishedCount: number;
  /** Answers that were compared with what the input data expects, those that differ, and how the first does. */
  readonly checkedCount: number;
  readonly mismatchCount: number;
  readonly firstMismatch: string | undefined;
}

export type FromWorker =
  /** Connected, and the target answered a first request of each model. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'prepared' }
  | { readonly kind: 'started' }
  /** A further chunk of the running level, before its first row. */
  | { readonly kind: 'chunk'; readonly modelIndex: number; readonly buffer: SharedArrayBuffer }
  | { readonly kind: 'counts'; readonly counts: WorkerCounts }
  /** Once, at the end of a level whose plan keeps tensors. */
  | { readonly kind: 'exchanges'; readonly exchanges: Exchanges }
  /** This worker has sent all it was to send, and all of it has ended. */
  | { readonly kind: 'finished' }
  | { readonly kind: 'stopped' }
  /** The last message of a worker that cannot go on; `code` is undefined for a bug. */
  | {
      readonly kind: 'failed';
      readonly code: ErrorCode | undefined;
      readonly problems: readonly Problem[];
      readonly stack: string | undefined;
    };
