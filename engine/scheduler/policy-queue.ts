/**
 * The requests of one priority level under its policy: those in time, in the order of arrival, and behind them those
 * that are overdue but still to be served. As Triton's PriorityQueue::PolicyQueue (core, scheduler_utils.cc).
 */
import { after, type Instant, micros, type Nanos } from '../../src/common/units.js';
import type { QueuePolicy } from './queue-policy.js';
import { RequestQueue } from './request-queue.js';

/** What a policy needs to know of a request. */
export interface LimitedRequest {
  readonly rows: number;
  readonly queuedAt: Instant;
  readonly timeoutUs: number;
  expiresAt: Instant | undefined;
}

export class PolicyQueue<Request extends LimitedRequest> {
  readonly level: number;
  readonly #policy: QueuePolicy;
  readonly #inTime = new RequestQueue<Request>();
  readonly #overdue = new RequestQueue<Request>();
  /** Before this nothing in the queue expires; requests that have left since may have made it too early. */
  #firstExpiry: Instant | undefined;

  constructor(level: number, policy: QueuePolicy) {
    this.level = level;
    this.#policy = policy;
  }

  get length(): number {
    return this.#inTime.length + this.#overdue.length;
  }

  get rows(): number {
    return this.#inTime.rows + this.#overdue.rows;
  }

  at(place: number): Request {
    const early = this.#inTime.length;
    return place < early ? this.#inTime.at(place) : this.#overdue.at(place - early);
  }

  push(request: Request): boolean {
    const { maxQueueSize } = this.#policy;
    if (maxQueueSize !== undefined && this.length >= maxQueueSize) return false;
    const timeout = this.#timeoutOf(request);
    if (timeout !== undefined) {
      const expiresAt = after(request.queuedAt, timeout);
      request.expiresAt = expiresAt;
      if (this.#firstExpiry === undefined || expiresAt < this.#firstExpiry) this.#firstExpiry = expiresAt;
    }
    return this.#inTime.push(request);
  }

  drop(count: number): void {
    const early = Math.min(count, this.#inTime.length);
    this.#inTime.drop(early);
    this.#overdue.drop(count - early);
  }

  remove(place: number): Request {
    const early = this.#inTime.length;
    return place < early ? this.#inTime.remove(place) : this.#overdue.remove(place - early);
  }

  takeOut(isLeaving: (request: Request) => boolean): void {
    this.#inTime.takeOut(isLeaving);
    this.#overdue.takeOut(isLeaving);
  }

  expire(now: Instant, onRejected: (request: Request) => void): void {
    // At the very instant of its timeout a request still counts as in time.
    if (this.#firstExpiry === undefined || now <= this.#firstExpiry) return;
    let first: Instant | undefined;
    this.#inTime.takeOut((request) => {
      const { expiresAt } = request;
      if (expiresAt === undefined) return false;
      if (now <= expiresAt) {
        if (first === undefined || expiresAt < first) first = expiresAt;
        return false;
      }
      if (this.#policy.timeoutAction === 'REJECT') onRejected(request);
      else this.#overdue.push(request);
      return true;
    });
    this.#firstExpiry = first;
  }

  /** An overdue request that still is served need not be noticed before the queue is looked at anyway. */
  nextRejection(): Instant | undefined {
    if (this.#policy.timeoutAction === 'DELAY' || this.#inTime.length === 0) return undefined;
    return this.#firstExpiry;
  }

  #timeoutOf({ timeoutUs }: Request): Nanos | undefined {
    const { defaultTimeout, allowsOverride } = this.#policy;
    if (defaultTimeout === undefined || !allowsOverride || timeoutUs === 0) return defaultTimeout;
    const own = micros(timeoutUs);
    return own < defaultTimeout ? own : defaultTimeout;
  }
}
