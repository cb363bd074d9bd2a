/** A model's queue with policies: levels are served strictly in order, so a busy one may starve those below it. */
import type { Instant } from '../../src/common/units.js';
import { type LimitedRequest, PolicyQueue } from './policy-queue.js';
import { levelOf, type QueuePolicies } from './queue-policy.js';
import type { QueuedRequests } from './queued-requests.js';

export interface PrioritizedRequest extends LimitedRequest {
  /** The level it asks for; 0 takes the default. */
  readonly priority: number;
}

/** Empty levels are kept up to this many, so that ordinary numbers of levels never come and go. */
const KEPT_LEVELS = 16;

export class PriorityQueue<Request extends PrioritizedRequest> implements QueuedRequests<Request> {
  readonly #policies: QueuePolicies;
  /** Levels that requests have come for, the most urgent first. */
  #levels: PolicyQueue<Request>[] = [];

  constructor(policies: QueuePolicies) {
    this.#policies = policies;
  }

  get length(): number {
    let length = 0;
    for (const level of this.#levels) length += level.length;
    return length;
  }

  get rows(): number {
    let rows = 0;
    for (const level of this.#levels) rows += level.rows;
    return rows;
  }

  at(place: number): Request {
    let left = place;
    for (const level of this.#levels) {
      if (left < level.length) return level.at(left);
      left -= level.length;
    }
    throw new Error(`the queue has no place ${place}`);
  }

  push(request: Request): boolean {
    return this.#levelFor(levelOf(request.priority, this.#policies)).push(request);
  }

  drop(count: number): void {
    let left = count;
    for (const level of this.#levels) {
      if (left === 0) break;
      const taken = Math.min(left, level.length);
      level.drop(taken);
      left -= taken;
    }
    this.#forgetEmpty();
  }

  remove(place: number): Request {
    let left = place;
    for (const level of this.#levels) {
      if (left < level.length) return level.remove(left);
      left -= level.length;
    }
    throw new Error(`the queue has no place ${place}`);
  }

  takeOut(isLeaving: (request: Request) => boolean): void {
    for (const level of this.#levels) level.takeOut(isLeaving);
  }

  expire(now: Instant, onRejected: (request: Request) => void): void {
    for (const level of this.#levels) level.expire(now, onRejected);
  }

  nextRejection(): Instant | undefined {
    let next: Instant | undefined;
    for (const level of this.#levels) {
      const at = level.nextRejection();
      if (at !== undefined && (next === undefined || at < next)) next = at;
    }
    return next;
  }

  #levelFor(number: number): PolicyQueue<Request> {
    let place = 0;
    while (place < this.#levels.length && this.#levels[place]!.level < number) place++;
    const found = this.#levels[place];
    if (found?.level === number) return found;
    const { policies, defaultPolicy } = this.#policies;
    const level = new PolicyQueue<Request>(number, policies.get(number) ?? defaultPolicy);
    this.#levels.splice(place, 0, level);
    return level;
  }

  /** A config may allow any number of levels. */
  #forgetEmpty(): void {
    if (this.#levels.length > KEPT_LEVELS) this.#levels = this.#levels.filter((level) => level.length > 0);
  }
}
