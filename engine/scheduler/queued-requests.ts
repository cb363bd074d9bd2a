/** The queue of one model as the scheduler sees it. Implementations: request-queue.ts and priority-queue.ts. */
import type { Instant } from '../../src/common/units.js';

/** Requests in the order in which they are to be served. */
export interface QueuedRequests<Request> {
  readonly length: number;
  /** Rows of all requests in the queue. */
  readonly rows: number;
  /** The request `place` places behind the head; there must be one. */
  at(place: number): Request;
  /** False when the queue takes no more of the request's kind. */
  push(request: Request): boolean;
  /** Takes `count` requests off the head. */
  drop(count: number): void;
  /** Takes out one request from anywhere; the others keep their order. */
  remove(place: number): Request;
  /** Takes out, in one pass, all for which `isLeaving` says true; the others keep their order. */
  takeOut(isLeaving: (request: Request) => boolean): void;
  /** Takes out the requests that have waited too long and must be refused, and puts others back that may only wait. */
  expire(now: Instant, onRejected: (request: Request) => void): void;
  /** When a request that is waiting now will have to be refused; undefined when none will. May be too early. */
  nextRejection(): Instant | undefined;
}
