/**
 * One scheduler per model: queues requests, forms batches by the decision of batch-decision.ts, hands them to a batch
 * sink, and adds late arrivals to a batch that no instance has taken yet. Knows nothing of tensors.
 */
import type { Clock } from '../../src/common/clock.js';
import { type BatchPolicy, decideBatch, type QueuedView } from './batch-decision.js';
import { type CreateQueueTimer, createQueueTimer, type QueueTimer } from './queue-timer.js';

/** A request as the scheduler sees it. */
export interface ScheduledRequest extends QueuedView {
  isCancelled(): boolean;
}

/** Where formed batches go. */
export interface BatchSink<Request extends ScheduledRequest> {
  /** True when a batch could be placed now. */
  hasRoom(): boolean;
  place(batch: readonly Request[]): void;
  /** Adds a request to the batch placed last; false when it was taken, is full or does not go with it. */
  addToLast(request: Request): boolean;
  /** A queued request whose caller has gone: it is dropped unexecuted. */
  drop(request: Request): void;
}

export interface SchedulerOptions<Request extends ScheduledRequest> {
  readonly policy: BatchPolicy;
  readonly sink: BatchSink<Request>;
  readonly clock: Clock;
  readonly createTimer?: CreateQueueTimer;
}

/** Longest stretch of the queue that a decision looks at; no batch holds more requests. */
const viewLimit = (policy: BatchPolicy): number => (policy.isDynamic ? Math.max(1, policy.maxBatchSize) + 1 : 1);

export class Scheduler<Request extends ScheduledRequest> {
  readonly #policy: BatchPolicy;
  readonly #sink: BatchSink<Request>;
  readonly #clock: Clock;
  readonly #timer: QueueTimer;
  #queue: Request[] = [];
  /** Requests before this place in the queue have been dispatched. */
  #head = 0;

  constructor({ policy, sink, clock, createTimer }: SchedulerOptions<Request>) {
    this.#policy = policy;
    this.#sink = sink;
    this.#clock = clock;
    const onWake = (): void => this.dispatch();
    this.#timer = createTimer === undefined ? createQueueTimer(clock, onWake) : createTimer(onWake);
  }

  get queuedCount(): number {
    return this.#queue.length - this.#head;
  }

  enqueue(request: Request): void {
    if (this.#policy.isDynamic && this.queuedCount === 0 && this.#sink.addToLast(request)) return;
    this.#queue.push(request);
    this.dispatch();
  }

  /** Looks at the queue again: call it when the sink has room again. */
  dispatch(): void {
    this.#timer.cancel();
    const now = this.#clock.now();
    for (;;) {
      const view = this.#view();
      if (view.length === 0 || !this.#sink.hasRoom()) return;
      const decision = decideBatch(view, this.#policy, now);
      if (decision.kind === 'wait') {
        this.#timer.wakeAt(decision.until);
        return;
      }
      this.#head += decision.requestCount;
      this.#sink.place(view.slice(0, decision.requestCount));
      this.#absorb();
    }
  }

  /** Drops everything queued, for a model that can run no more. */
  dropAll(): void {
    this.#timer.cancel();
    const rest = this.#queue.slice(this.#head);
    this.#queue = [];
    this.#head = 0;
    for (const request of rest) this.#sink.drop(request);
  }

  /** With a delay, what stands behind a dispatched batch may still fit into it. */
  #absorb(): void {
    if (!this.#policy.isDynamic) return;
    while (this.#head < this.#queue.length && this.#sink.addToLast(this.#queue[this.#head]!)) this.#head++;
  }

  /** The head of the queue without cancelled requests. */
  #view(): readonly Request[] {
    const limit = viewLimit(this.#policy);
    while (this.#head < this.#queue.length && this.#queue[this.#head]!.isCancelled()) {
      this.#sink.drop(this.#queue[this.#head]!);
      this.#head++;
    }
    this.#compact();
    const end = Math.min(this.#queue.length, this.#head + limit);
    for (let place = this.#head; place < end; place++) {
      const request = this.#queue[place]!;
      if (!request.isCancelled()) continue;
      this.#queue.splice(place, 1);
      this.#sink.drop(request);
      return this.#view();
    }
    return this.#queue.slice(this.#head, end);
  }

  #compact(): void {
    if (this.#head === this.#queue.length) {
      this.#queue.length = 0;
      this.#head = 0;
    } else if (this.#head > 1024) {
      this.#queue.splice(0, this.#head);
      this.#head = 0;
    }
  }
}
