/**
 * When to hand a batch to the instances: Triton's dynamic batcher (core, dynamic_batch_scheduler.cc, GetDynamicBatch)
 * as a pure function of the queue, the policy and the time.
 */
import type { Instant, Nanos } from '../../src/common/units.js';

export interface BatchPolicy {
  /** False without dynamic_batching: each request is a batch of its own. */
  readonly isDynamic: boolean;
  readonly maxBatchSize: number;
  /** Ascending; empty when the config names none. */
  readonly preferredBatchSizes: readonly number[];
  readonly maxQueueDelay: Nanos;
}

/** What the decision needs of a queued request. */
export interface QueuedView {
  readonly rows: number;
  readonly queuedAt: Instant;
  /** Requests share a batch only when these are equal: the shapes of inputs with dynamic dimensions. */
  readonly shapeKey: string;
}

export type BatchDecision =
  | { readonly kind: 'dispatch'; readonly requestCount: number }
  | { readonly kind: 'wait'; readonly until: Instant };

/**
 * `queue` is not empty and in the order of arrival.
 * A delay of 0 never waits; a reached delay takes all that fits, whatever sizes are preferred.
 */
export function decideBatch(queue: readonly QueuedView[], policy: BatchPolicy, now: Instant): BatchDecision {
  if (!policy.isDynamic) return { kind: 'dispatch', requestCount: 1 };
  const scan = scanQueue(queue, policy);
  const age = now - queue[0]!.queuedAt;
  const isDelayOver = age >= policy.maxQueueDelay;
  if (scan.preferredCount > 0 && !(policy.maxQueueDelay > 0 && isDelayOver)) {
    return { kind: 'dispatch', requestCount: scan.preferredCount };
  }
  if (scan.isClosed || scan.rows >= largestPreferred(policy) || isDelayOver) {
    return { kind: 'dispatch', requestCount: scan.count };
  }
  return { kind: 'wait', until: (queue[0]!.queuedAt + policy.maxQueueDelay) as Instant };
}

const largestPreferred = (policy: BatchPolicy): number => policy.preferredBatchSizes.at(-1) ?? policy.maxBatchSize;

interface Scan {
  /** Requests from the head that fit one batch. */
  readonly count: number;
  readonly rows: number;
  /** Requests that make up the largest preferred size passed through; 0 when none was. */
  readonly preferredCount: number;
  /** True when the next request cannot join, so that waiting gains nothing. */
  readonly isClosed: boolean;
}

function scanQueue(queue: readonly QueuedView[], policy: BatchPolicy): Scan {
  const { shapeKey } = queue[0]!;
  let rows = 0;
  let count = 0;
  let preferredCount = 0;
  let isClosed = false;
  const largest = largestPreferred(policy);
  for (const request of queue) {
    if (count > 0 && (rows + request.rows > policy.maxBatchSize || request.shapeKey !== shapeKey)) {
      isClosed = true;
      break;
    }
    // Going past every preferred size without having met one: the size so far then counts as preferred.
    if (count > 0 && rows + request.rows > largest && preferredCount === 0) preferredCount = count;
    rows += request.rows;
    count++;
    if (policy.preferredBatchSizes.includes(rows)) preferredCount = count;
  }
  return { count, rows, preferredCount, isClosed: isClosed || rows >= policy.maxBatchSize };
}
