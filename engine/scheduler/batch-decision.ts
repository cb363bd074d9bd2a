/**
 * When to hand a batch to the instances: the rules of Triton's dynamic batcher (core, dynamic_batch_scheduler.cc,
 * GetDynamicBatch) as a pure function of the queue, the policy, the batch that may still grow, and the time.
 */
import { after, elapsed, type Instant, type Nanos } from '../../src/common/units.js';

export interface BatchPolicy {
  /** False without dynamic_batching: each request is a batch of its own. */
  readonly isDynamic: boolean;
  readonly maxBatchSize: number;
  /** Ascending; empty when the config names none, which means the max batch size. */
  readonly preferredBatchSizes: readonly number[];
  /** 0 never waits: batches then form only while the instances are busy. */
  readonly maxQueueDelay: Nanos;
  /** Answers leave in the order in which requests came. */
  readonly preservesOrdering: boolean;
}

/** What the decision needs of a queued request. */
export interface QueuedView {
  readonly rows: number;
  readonly queuedAt: Instant;
  /** Requests share a batch only when these are equal: the shapes of inputs with dynamic dimensions. */
  readonly shapeKey: string;
}

/** The queue in the order in which it is served. */
export interface QueueView {
  readonly length: number;
  /** Rows of all queued requests. */
  readonly rows: number;
  at(place: number): QueuedView;
}

/** Where the next requests would go. */
export interface BatchTarget {
  /** Rows already in the batch: 0 for a new one, else those of a formed batch that no instance has taken. */
  readonly rows: number;
  /** Of the rows already in the batch. */
  readonly shapeKey: string | undefined;
  /** Instances that a new batch leaves something for; 1 takes all that fits. */
  readonly share: number;
}

export type BatchDecision =
  | {
      readonly kind: 'dispatch';
      /** From the queue's head; 0 only when nothing more goes into a batch that has rows already. */
      readonly requestCount: number;
      /** The batch takes no more after this. */
      readonly isSaturated: boolean;
    }
  | {
      readonly kind: 'wait';
      readonly until: Instant;
      /** With fewer rows in the queue than this, one more request of the same shape changes nothing. */
      readonly untilRows: number;
    };

/** A new batch for whoever takes it. */
export const newBatch: BatchTarget = { rows: 0, shapeKey: undefined, share: 1 };

/** The largest size that a batch is meant to have. */
export const largestPreferred = (policy: BatchPolicy): number =>
  policy.preferredBatchSizes.at(-1) ?? policy.maxBatchSize;

/**
 * What to do with the head of a queue that is not empty. A reached delay takes all that fits, whatever sizes are
 * preferred; otherwise the largest preferred size that the queue passes through wins.
 */
export function decideBatch(queue: QueueView, policy: BatchPolicy, now: Instant, target: BatchTarget): BatchDecision {
  if (!policy.isDynamic) return { kind: 'dispatch', requestCount: 1, isSaturated: true };
  const { count, rows, preferredCount, isFull, isSaturated, oldest } = scanQueue(queue, policy, target);
  const neverWaits = policy.maxQueueDelay === 0;
  const isDelayOver = !neverWaits && elapsed(oldest, now) >= policy.maxQueueDelay;
  if (preferredCount > 0 && !isDelayOver) {
    return { kind: 'dispatch', requestCount: preferredCount, isSaturated: isSaturated || neverWaits };
  }
  if (count === 0) return { kind: 'dispatch', requestCount: 0, isSaturated: true };
  if (isFull || target.rows + rows >= largestPreferred(policy)) {
    return { kind: 'dispatch', requestCount: count, isSaturated: true };
  }
  if (neverWaits || isDelayOver) return { kind: 'dispatch', requestCount: count, isSaturated };
  return { kind: 'wait', until: after(oldest, policy.maxQueueDelay), untilRows: nextStop(rows, policy, target) };
}

interface Scan {
  /** Requests from the head that fit. */
  readonly count: number;
  readonly rows: number;
  /** Requests that make up the largest preferred size passed through; 0 when none was. */
  readonly preferredCount: number;
  /** The request after these cannot join. */
  readonly isFull: boolean;
  readonly isSaturated: boolean;
  /** When the oldest of the requests that fit was queued: not always the first, where there are priorities. */
  readonly oldest: Instant;
}

function scanQueue(queue: QueueView, policy: BatchPolicy, target: BatchTarget): Scan {
  const { maxBatchSize, preferredBatchSizes } = policy;
  const largest = largestPreferred(policy);
  const shapeKey = target.shapeKey ?? queue.at(0).shapeKey;
  const fairRows = target.share > 1 ? Math.ceil(queue.rows / target.share) : Number.POSITIVE_INFINITY;
  let count = 0;
  let total = target.rows;
  let preferredCount = 0;
  let isFull = false;
  let isSaturated = false;
  let oldest = queue.at(0).queuedAt;
  while (count < queue.length && (count === 0 || total - target.rows < fairRows)) {
    const next = queue.at(count);
    if (total > 0) {
      // Past every preferred size without having met one: the size so far then counts as preferred.
      if (preferredCount === 0 && total + next.rows > largest) {
        preferredCount = count;
        isSaturated = true;
      }
      isFull = total + next.rows > maxBatchSize || next.shapeKey !== shapeKey;
      if (isFull) break;
    }
    total += next.rows;
    count++;
    if (next.queuedAt < oldest) oldest = next.queuedAt;
    if (preferredBatchSizes.includes(total)) preferredCount = count;
  }
  return { count, rows: total - target.rows, preferredCount, isFull, isSaturated, oldest };
}

/** Rows in the queue at which the decision may change, with the target as it is or, once that is taken, with a new one. */
function nextStop(rows: number, policy: BatchPolicy, target: BatchTarget): number {
  const next = (total: number): number =>
    policy.preferredBatchSizes.find((size) => size > total) ?? largestPreferred(policy);
  return Math.min(next(target.rows + rows) - target.rows, next(rows));
}
