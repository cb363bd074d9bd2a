/**
 * One scheduler per model: queues requests, forms batches by the decision of batch-decision.ts, hands them to a batch
 * sink, and adds late arrivals to batches that no instance has taken yet. Knows nothing of tensors.
 */
import type { Clock } from '../../src/common/clock.js';
import { after, type Instant, millis, nanos } from '../../src/common/units.js';
import { type BatchPolicy, type BatchTarget, decideBatch, largestPreferred, newBatch } from './batch-decision.js';
import { type BatchSink, oldestQueuedAt, type ScheduledRequest } from './batch-sink.js';
import { PriorityQueue } from './priority-queue.js';
import type { QueuePolicies } from './queue-policy.js';
import { type CreateQueueTimer, createCoarseTimer, createQueueTimer, type QueueTimer } from './queue-timer.js';
import type { QueuedRequests } from './queued-requests.js';
import { RequestQueue } from './request-queue.js';

export interface SchedulerOptions<Request extends ScheduledRequest> {
  readonly policy: BatchPolicy;
  /** Undefined: requests wait in the order of arrival, for any time and in any number. */
  readonly queuePolicies?: QueuePolicies | undefined;
  readonly sink: BatchSink<Request>;
  readonly clock: Clock;
  readonly createTimer?: CreateQueueTimer;
  readonly createTidyTimer?: CreateQueueTimer;
}

/** While requests wait, cancelled ones are looked for this often: callers that leave do not say so. */
const TIDY_EVERY = millis(10);
/** Looking at a queued request takes about a tenth of this. */
const REST_PER_REQUEST = 200;
const NEW_BATCH = -1;
const NO_PLACE = -2;

export class Scheduler<Request extends ScheduledRequest> {
  readonly #policy: BatchPolicy;
  readonly #sink: BatchSink<Request>;
  readonly #clock: Clock;
  readonly #timer: QueueTimer;
  readonly #tidyTimer: QueueTimer;
  readonly #queue: QueuedRequests<Request>;
  /**
   * Batches may wait, formed, for busy instances. With queue policies they may not, as in Triton: who is served next
   * is then decided as late as possible.
   */
  readonly #prefetches: boolean;
  /** Batches that may still grow, oldest first; some may have been taken since. */
  readonly #open: number[] = [];
  /** Batches that may be waiting, oldest first; kept only where waiting batches are merged. */
  readonly #formed: number[] = [];
  /** While waiting for the delay: rows in the queue, and the shape, with which nothing changes. */
  #waitRows = 0;
  #waitShape = '';
  /** Dispatch will be called in a moment, for all that comes until then. */
  #isDispatchDue = false;
  /** With neither delay nor sizes to reach, work is spread over idle instances instead of filling one batch. */
  readonly #spreads: boolean;
  readonly #merges: boolean;
  /** When the queue is tidied next, if that is arranged. */
  #tidyAt: Instant | undefined;
  /** When a full queue was tidied last. */
  #tidiedAt: Instant | undefined;
  readonly #onExpired = (request: Request): void => this.#sink.drop(request, 'expired');
  readonly #leavesCancelled = (request: Request): boolean => {
    const isCancelled = request.isCancelled();
    if (isCancelled) this.#sink.drop(request, 'cancelled');
    return isCancelled;
  };

  constructor({ policy, queuePolicies, sink, clock, createTimer, createTidyTimer }: SchedulerOptions<Request>) {
    this.#policy = policy;
    this.#sink = sink;
    this.#clock = clock;
    const hasSizes = policy.preferredBatchSizes.some((size) => size < policy.maxBatchSize);
    this.#spreads = policy.maxQueueDelay === 0 && !hasSizes && !policy.preservesOrdering;
    this.#merges = policy.maxQueueDelay > 0 && policy.isDynamic && !policy.preservesOrdering;
    this.#queue = queuePolicies === undefined ? new RequestQueue() : new PriorityQueue(queuePolicies);
    this.#prefetches = queuePolicies === undefined;
    const onWake = (): void => this.dispatch();
    this.#timer = createTimer?.(onWake) ?? createQueueTimer(clock, onWake);
    const onTidy = (): void => {
      this.#tidyAt = undefined;
      this.tidy();
      // An instance that is new, or was started again, has come without anybody saying so.
      if (this.#queue.length > 0 || sink.waitingBatches() > 0) this.dispatch();
    };
    this.#tidyTimer = createTidyTimer?.(onTidy) ?? createCoarseTimer(clock, onTidy);
  }

  get queuedCount(): number {
    return this.#queue.length;
  }

  enqueue(request: Request): void {
    if (!this.#queue.push(request) && !this.#pushAfterTidying(request)) {
      this.#sink.drop(request, 'queue full');
      return;
    }
    if (this.#isDispatchDue) return;
    if (this.#queue.rows < this.#waitRows && request.shapeKey === this.#waitShape) return;
    // With queue policies a request may find the queue full that would not, had those before it been placed.
    if (this.#prefetches && this.#sink.dispatchesLater?.() === true) this.#isDispatchDue = true;
    else this.dispatch();
  }

  /** Looks at the queue again: call it when the sink has room again or an instance is free. */
  dispatch(): void {
    this.#waitRows = 0;
    this.#isDispatchDue = false;
    const now = this.#clock.now();
    this.#queue.expire(now, this.#onExpired);
    const wakeAt = earlier(this.#formBatches(now), this.#merges ? this.#mergeAged(now) : undefined);
    if (wakeAt === undefined) this.#timer.cancel();
    else this.#timer.wakeAt(wakeAt);
    this.#arrangeTidying(now);
  }

  /** Drops what must not or need not wait any longer, wherever it stands. */
  tidy(): void {
    this.#sink.dropCancelled();
    this.#queue.takeOut(this.#leavesCancelled);
    this.#queue.expire(this.#clock.now(), this.#onExpired);
  }

  /**
   * A full queue may hold requests that nobody waits for any more. Looking costs time in proportion to the queue, and a
   * flood of requests that find it full must not spend all time on that.
   */
  #pushAfterTidying(request: Request): boolean {
    const now = this.#clock.now();
    if (this.#tidiedAt !== undefined && now < after(this.#tidiedAt, nanos(this.#queue.length * REST_PER_REQUEST))) {
      return false;
    }
    this.#tidiedAt = now;
    this.tidy();
    return this.#queue.push(request);
  }

  #arrangeTidying(now: Instant): void {
    // The usual case, on the path of every request.
    if (this.#prefetches && this.#tidyAt !== undefined) return;
    const rejection = this.#queue.nextRejection();
    // A request is overdue only after the instant of its timeout.
    const at = earlier(after(now, TIDY_EVERY), rejection && after(rejection, nanos(1)))!;
    if (this.#tidyAt !== undefined && this.#tidyAt <= at) return;
    this.#tidyAt = at;
    this.#tidyTimer.wakeAt(at);
  }

  /** Takes everything out of the queue, for a model that can run no more. */
  takeAll(): Request[] {
    this.#timer.cancel();
    this.#tidyTimer.cancel();
    this.#tidyAt = undefined;
    this.#waitRows = 0;
    const rest = Array.from({ length: this.#queue.length }, (_, place) => this.#queue.at(place));
    this.#queue.drop(rest.length);
    return rest;
  }

  /** Returns when to look again if nothing happens before. */
  #formBatches(now: Instant): Instant | undefined {
    const queue = this.#queue;
    for (;;) {
      this.#dropCancelled();
      if (queue.length === 0) return undefined;
      const place = this.#choosePlace();
      if (place === NO_PLACE) return undefined;
      const target = this.#targetOf(place);
      const decision = decideBatch(queue, this.#policy, now, target);
      if (decision.kind === 'wait') {
        // One more request may have to be noticed for its timeout.
        this.#waitRows = this.#prefetches ? decision.untilRows : 0;
        this.#waitShape = queue.at(0).shapeKey;
        return decision.until;
      }
      const { requestCount, isSaturated } = decision;
      if (place === NEW_BATCH) this.#place(requestCount, isSaturated);
      else if (requestCount > 0 && !this.#sink.add(place, queue, requestCount)) {
        forget(this.#open, place);
        continue;
      } else if (isSaturated) forget(this.#open, place);
      queue.drop(requestCount);
    }
  }

  #place(requestCount: number, isSaturated: boolean): void {
    const batch = this.#sink.place(this.#queue, requestCount);
    // The number may be that of an earlier batch that was taken and finished unnoticed.
    forget(this.#open, batch);
    if (!isSaturated) this.#open.push(batch);
    if (!this.#merges) return;
    forget(this.#formed, batch);
    this.#formed.push(batch);
  }

  /** The batch that the head of the queue goes to: a waiting one, NEW_BATCH, or NO_PLACE. */
  #choosePlace(): number {
    const sink = this.#sink;
    if (!this.#policy.isDynamic) return this.#hasRoom() ? NEW_BATCH : NO_PLACE;
    keepOpen(this.#open, sink);
    if (this.#spreads && sink.idleInstances() > 0) {
      if (sink.waitingBatches() < sink.idleInstances() && sink.hasRoom()) return NEW_BATCH;
      const smallest = this.#smallestOpen();
      if (smallest !== undefined) return smallest;
    }
    return this.#open.at(-1) ?? (this.#hasRoom() ? NEW_BATCH : NO_PLACE);
  }

  #hasRoom(): boolean {
    const sink = this.#sink;
    return sink.hasRoom() && (this.#prefetches || sink.waitingBatches() < sink.idleInstances());
  }

  #smallestOpen(): number | undefined {
    let smallest = this.#open[0];
    for (const batch of this.#open) {
      if (this.#sink.rowsIn(batch) < this.#sink.rowsIn(smallest!)) smallest = batch;
    }
    return smallest;
  }

  #targetOf(place: number): BatchTarget {
    const sink = this.#sink;
    if (place !== NEW_BATCH) {
      return { rows: sink.rowsIn(place), shapeKey: sink.oldestIn(place).shapeKey, share: 1 };
    }
    if (!this.#spreads || this.#queue.length === 1) return newBatch;
    return { ...newBatch, share: Math.max(1, sink.idleInstances() - sink.waitingBatches()) };
  }

  /** Only as far as a batch could reach: what stands behind is looked at when it comes near. */
  #dropCancelled(): void {
    const queue = this.#queue;
    const reach = this.#policy.isDynamic ? largestPreferred(this.#policy) + this.#policy.maxBatchSize : 1;
    for (let place = 0; place < Math.min(queue.length, reach); ) {
      if (queue.at(place).isCancelled()) this.#sink.drop(queue.remove(place), 'cancelled');
      else place++;
    }
  }

  /**
   * Triton lets an instance that takes a batch also take those behind it that are older than the delay, as long as all
   * fit. Here they are merged as soon as they are old enough, which comes to the same. Returns when the next one is.
   */
  #mergeAged(now: Instant): Instant | undefined {
    const { maxQueueDelay, maxBatchSize } = this.#policy;
    const sink = this.#sink;
    const formed = this.#formed;
    keepOpen(formed, sink);
    let wakeAt: Instant | undefined;
    for (let place = 1; place < formed.length; ) {
      const into = formed[place - 1]!;
      const from = formed[place]!;
      const agedAt = after(oldestQueuedAt(sink, from), maxQueueDelay);
      const fits =
        sink.rowsIn(into) + sink.rowsIn(from) <= maxBatchSize &&
        sink.oldestIn(into).shapeKey === sink.oldestIn(from).shapeKey;
      if (fits && agedAt > now) wakeAt = earlier(wakeAt, agedAt);
      if (!fits || agedAt > now || !sink.merge(into, from)) {
        place++;
        continue;
      }
      formed.splice(place, 1);
      // What was still open to more is so in its new place.
      if (forget(this.#open, from) && !this.#open.includes(into)) this.#open.push(into);
    }
    return wakeAt;
  }
}

const earlier = (a: Instant | undefined, b: Instant | undefined): Instant | undefined =>
  a === undefined || (b !== undefined && b < a) ? b : a;

/** True when the batch was in the list. */
function forget(batches: number[], batch: number): boolean {
  const place = batches.indexOf(batch);
  if (place >= 0) batches.splice(place, 1);
  return place >= 0;
}

/** Removes the batches that instances have taken. */
function keepOpen<Request extends ScheduledRequest>(batches: number[], sink: BatchSink<Request>): void {
  for (let place = batches.length - 1; place >= 0; place--) {
    if (!sink.isOpen(batches[place]!)) batches.splice(place, 1);
  }
}
