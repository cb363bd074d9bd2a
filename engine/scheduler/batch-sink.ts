/** Where a scheduler's batches go. A batch is known by a number that is free for another one once it is finished. */
import type { Instant } from '../../src/common/units.js';
import type { QueuedView } from './batch-decision.js';
import type { QueuedRequests } from './queued-requests.js';

/** A request as the scheduler sees it. */
export interface ScheduledRequest extends QueuedView {
  /** The level it asks for; 0 takes the default. */
  readonly priority: number;
  /** How long it would wait at most; 0 takes the default. */
  readonly timeoutUs: number;
  /** Set by a queue whose policy limits the time. */
  expiresAt: Instant | undefined;
  isCancelled(): boolean;
}

/** Why a request leaves the queue unexecuted: its caller has gone, its timeout has passed, or the queue was full. */
export type DropReason = 'cancelled' | 'expired' | 'queue full';

export interface BatchSink<Request extends ScheduledRequest> {
  /** True when a new batch could be placed now. */
  hasRoom(): boolean;
  /** Instances that run nothing at the moment. */
  idleInstances(): number;
  /** True when `Scheduler.dispatch` will be called before an instance looks for batches: no need to place any until then. */
  dispatchesLater?(): boolean;
  /** Batches placed that no instance has taken. */
  waitingBatches(): number;
  /** Places the first `count` requests of the queue as a new batch; the scheduler takes them off the queue. */
  place(queue: QueuedRequests<Request>, count: number): number;
  /** Adds the first `count` requests to a batch, all or none: false when it has been taken or cannot grow. */
  add(batch: number, queue: QueuedRequests<Request>, count: number): boolean;
  /** True while no instance has taken the batch and it can grow. */
  isOpen(batch: number): boolean;
  rowsIn(batch: number): number;
  /** The batch's oldest request; it has at least one. */
  oldestIn(batch: number): Request;
  /** Moves all of `from` into `into`; false when an instance was quicker. */
  merge(into: number, from: number): boolean;
  /** A request that leaves the queue, or was not let into it, unexecuted. */
  drop(request: Request, reason: DropReason): void;
  /** Drops cancelled requests out of batches that no instance has taken, as far as that is possible. */
  dropCancelled(): void;
}

/** When the oldest request of a batch was queued. */
export const oldestQueuedAt = <Request extends ScheduledRequest>(sink: BatchSink<Request>, batch: number): Instant =>
  sink.oldestIn(batch).queuedAt;
