/**
 * Exchanges under way on one client. Ends each exactly once: by its answer, by the timeout, or when the client closes.
 * One timer serves all of them, because every exchange has the same time to live and the oldest ends first.
 */
import { nowNs } from '../common/clock.js';
import { NANOS_PER_MILLI } from '../common/units.js';
import type { OnCompletion } from './infer-client.js';
import { type OutcomeCode, outcomeCodes } from './outcome.js';

export const TIMEOUT_CAUSE = 'DEADLINE_EXCEEDED: no answer within the request timeout';
export const CLOSED_CAUSE = 'CANCELLED: the client was closed';

/** One request on its way. */
export interface Exchange {
  readonly tag: number;
  readonly startedNs: number;
  /** Hands the request to the transport; `end` may be called from then on. */
  transmit(): void;
  /** Nobody waits for the answer any more; must not throw. */
  abort(): void;
}

export class InFlight {
  readonly #exchanges = new Set<Exchange>();
  readonly #timeoutNs: number;
  readonly #onCompletion: OnCompletion;
  #timer: NodeJS.Timeout | undefined;
  #isSending = false;
  #isClosed = false;

  constructor(timeoutMs: number, onCompletion: OnCompletion) {
    this.#timeoutNs = timeoutMs * NANOS_PER_MILLI;
    this.#onCompletion = onCompletion;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Transmits `exchange`; what ends while that is being done is told afterwards. */
  begin(exchange: Exchange): void {
    this.#exchanges.add(exchange);
    if (this.#isClosed) {
      setImmediate(() => this.end(exchange, nowNs(), outcomeCodes.cancelled, CLOSED_CAUSE));
      return;
    }
    this.#timer ??= this.#arm(this.#timeoutNs);
    this.#isSending = true;
    try {
      exchange.transmit();
    } finally {
      this.#isSending = false;
    }
  }

  /** Completes `exchange`, unless it has ended already. */
  end(exchange: Exchange, receivedNs: number, outcome: OutcomeCode, cause: string | undefined): void {
    if (this.#isSending) {
      setImmediate(() => this.end(exchange, receivedNs, outcome, cause));
    } else if (this.#exchanges.delete(exchange)) {
      this.#onCompletion(exchange.tag, receivedNs, outcome, cause);
    }
  }

  /** Ends everything under way as cancelled; what begins later ends so too. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const exchange of [...this.#exchanges]) {
      this.#cut(exchange, nowNs(), outcomeCodes.cancelled, CLOSED_CAUSE);
    }
  }

  /** Ends `exchange` from this side; it leaves the set first, because a transport may report its abort as a failure at once. */
  #cut(exchange: Exchange, endNs: number, outcome: OutcomeCode, cause: string): void {
    if (!this.#exchanges.delete(exchange)) return;
    exchange.abort();
    this.#onCompletion(exchange.tag, endNs, outcome, cause);
  }

  #arm(delayNs: number): NodeJS.Timeout {
    return setTimeout(() => this.#expire(), Math.ceil(delayNs / NANOS_PER_MILLI));
  }

  #expire(): void {
    const now = nowNs();
    // Exchanges lie in the order of their start. A completion may begin another, which joins the end of the walk; the
    // timer that has just fired stays in place meanwhile, so that `begin` does not set one that is too late for the rest.
    for (const exchange of this.#exchanges) {
      const leftNs = exchange.startedNs + this.#timeoutNs - now;
      if (leftNs > 0) {
        this.#timer = this.#arm(leftNs);
        return;
      }
      this.#cut(exchange, now, outcomeCodes.timeout, TIMEOUT_CAUSE);
    }
    this.#timer = undefined;
  }
}
