/**
 * One scheduler per model: queues requests, forms batches by the decision of batch-decision.ts, hands them to a batch
 * sink, and adds late arrivals to batches that no instance has taken yet. Knows nothing of tensors.
 */
import type { Clock } from '../../src/common/clock.js';
import { after, type Instant } from '../../src/common/units.js';
import { type BatchPolicy, type BatchTarget, decideBatch, largestPreferred, newBatch } from './batch-decision.js';
import { type BatchSink, oldestQueuedAt, type ScheduledRequest } from './batch-sink.js';
import { type CreateQueueTimer, createQueueTimer, type QueueTimer } from './queue-timer.js';
import { RequestQueue } from './request-queue.js';

export interface SchedulerOptions<Request extends ScheduledRequest> {
  readonly policy: BatchPolicy;
  readonly sink: BatchSink<Request>;
  readonly clock: Clock;
  readonly createTimer?: CreateQueueTimer;
}

const NEW_BATCH = -1;
const NO_PLACE = -2;

export class Scheduler<Request extends ScheduledRequest> {
  readonly #policy: BatchPolicy;
  readonly #sink: BatchSink<Request>;
  readonly #clock: Clock;
  readonly #timer: QueueTimer;
  readonly #queue = new RequestQueue<Request>();
  /** Batches that may still grow, oldest first; some may have been taken since. */
  readonly #open: number[] = [];
  /** Batches that may be waiting, oldest first; kept only where waiting batches are merged. */
  readonly #formed: number[] = [];
  /** While waiting for the delay: rows in the queue, and the shape, with which nothing changes. */
  #waitRows = 0;
  #waitShape = '';
  /** With neither delay nor sizes to reach, work is spread over idle instances instead of filling one batch. */
  readonly #spreads: boolean;
  readonly #merges: boolean;

  constructor({ policy, sink, clock, createTimer }: SchedulerOptions<Request>) {
    this.#policy = policy;
    this.#sink = sink;
    this.#clock = clock;
    const hasSizes = policy.preferredBatchSizes.some((size) => size < policy.maxBatchSize);
    this.#spreads = policy.maxQueueDelay === 0 && !hasSizes && !policy.preservesOrdering;
    this.#merges = policy.maxQueueDelay > 0 && policy.isDynamic && !policy.preservesOrdering;
    const onWake = (): void => this.dispatch();
    this.#timer = createTimer === undefined ? createQueueTimer(clock, onWake) : createTimer(onWake);
  }

  get queuedCount(): number {
    return this.#queue.length;
  }

  enqueue(request: Request): void {
    this.#queue.push(request);
    if (this.#queue.rows < this.#waitRows && request.shapeKey === this.#waitShape) return;
    this.dispatch();
  }

  /** Looks at the queue again: call it when the sink has room again or an instance is free. */
  dispatch(): void {
    this.#waitRows = 0;
    const now = this.#clock.now();
    const wakeAt = earlier(this.#formBatches(now), this.#merges ? this.#mergeAged(now) : undefined);
    if (wakeAt === undefined) this.#timer.cancel();
    else this.#timer.wakeAt(wakeAt);
  }

  /** Takes everything out of the queue, for a model that can run no more. */
  takeAll(): Request[] {
    this.#timer.cancel();
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
        this.#waitRows = decision.untilRows;
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
    if (!this.#policy.isDynamic) return sink.hasRoom() ? NEW_BATCH : NO_PLACE;
    keepOpen(this.#open, sink);
    if (this.#spreads && sink.idleInstances() > 0) {
      if (sink.waitingBatches() < sink.idleInstances() && sink.hasRoom()) return NEW_BATCH;
      const smallest = this.#smallestOpen();
      if (smallest !== undefined) return smallest;
    }
    return this.#open.at(-1) ?? (sink.hasRoom() ? NEW_BATCH : NO_PLACE);
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
      if (queue.at(place).isCancelled()) this.#sink.drop(queue.remove(place));
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
