/** Where a scheduler's batches go. A batch is known by a number that is free for another one once it is finished. */
import type { Instant } from '../../src/common/units.js';
import type { QueuedView } from './batch-decision.js';
import type { RequestQueue } from './request-queue.js';

/** A request as the scheduler sees it. */
export interface ScheduledRequest extends QueuedView {
  isCancelled(): boolean;
}

export interface BatchSink<Request extends ScheduledRequest> {
  /** True when a new batch could be placed now. */
  hasRoom(): boolean;
  /** Instances that run nothing at the moment. */
  idleInstances(): number;
  /** Batches placed that no instance has taken. */
  waitingBatches(): number;
  /** Places the first `count` requests of the queue as a new batch; the scheduler takes them off the queue. */
  place(queue: RequestQueue<Request>, count: number): number;
  /** Adds the first `count` requests to a batch, all or none: false when it has been taken or cannot grow. */
  add(batch: number, queue: RequestQueue<Request>, count: number): boolean;
  /** True while no instance has taken the batch and it can grow. */
  isOpen(batch: number): boolean;
  rowsIn(batch: number): number;
  /** The batch's oldest request; it has at least one. */
  oldestIn(batch: number): Request;
  /** Moves all of `from` into `into`; false when an instance was quicker. */
  merge(into: number, from: number): boolean;
  /** A queued request whose caller has gone: it is dropped unexecuted. */
  drop(request: Request): void;
}

/** When the oldest request of a batch was queued. */
export const oldestQueuedAt = <Request extends ScheduledRequest>(sink: BatchSink<Request>, batch: number): Instant =>
  sink.oldestIn(batch).queuedAt;
