/**
 * The closed loop: a fixed number of slots, each sending its next request as soon as the answer to the one before is
 * there. The next one's intended instant is that receive instant, so what the load side takes in between counts as latency.
 */
import { type OutcomeCode, outcomeCodes } from '../client/outcome.js';
import type { Clock } from '../common/clock.js';
import { millis } from '../common/units.js';
import { drainLimit } from './drain.js';
import type { LoadDriver } from './load-driver.js';
import type { RequestLog } from './request-log.js';
import { NO_REQUEST, type RequestSource } from './request-source.js';

/** After this many failures in a row, beyond one for each slot, the target is taken to be down. */
const FAILURES_BEFORE_PAUSE = 8;
/** A slot that failed on a target that is down is not free for this long, so that refused connections do not become a busy loop. */
const FAILURE_PAUSE = millis(10);

export interface ClosedLoopOptions {
  /** Sends request `handle`; the completion comes to `complete` with the same `tag`. */
  readonly send: (handle: number, tag: number) => void;
  readonly source: RequestSource;
  /** Slots of this driver. */
  readonly concurrency: number;
  /** By model. */
  readonly logs: readonly RequestLog[];
  readonly clock: Clock;
  /** Called once when the source has no more requests and the last one sent has ended. */
  readonly onFinished?: () => void;
}

export class ClosedLoopDriver implements LoadDriver {
  readonly #options: ClosedLoopOptions;
  readonly #intendedNs: Float64Array;
  readonly #sentNs: Float64Array;
  readonly #model: Uint8Array;
  /** 1 while a slot waits for an answer. */
  readonly #isWaiting: Uint8Array;
  readonly #stopped = new AbortController();
  readonly #paused: number[] = [];
  #inFlight = 0;
  #failuresInRow = 0;
  #isRunning = false;
  #isFinished = false;
  #abandonedCount = 0;
  #onDrained: (() => void) | undefined;

  constructor(options: ClosedLoopOptions) {
    this.#options = options;
    this.#intendedNs = new Float64Array(options.concurrency);
    this.#sentNs = new Float64Array(options.concurrency);
    this.#model = new Uint8Array(options.concurrency);
    this.#isWaiting = new Uint8Array(options.concurrency);
  }

  /** Requests sent and not ended. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** A closed loop sends when a slot is free, so it drops nothing and nothing is late by a schedule. */
  readonly droppedCount = 0;
  readonly delayedCount = 0;

  /** Requests whose answer `stop` gave up on; the client may still hold them. */
  get abandonedCount(): number {
    return this.#abandonedCount;
  }

  /** Fills every slot at once: all of them are free from this instant on. */
  start(): void {
    this.#isRunning = true;
    const startNs = this.#options.clock.now();
    for (let slot = 0; slot < this.#options.concurrency; slot++) this.#send(slot, startNs);
    if (this.#options.concurrency === 0) this.#finish();
  }

  /** The client's OnCompletion; `slot` is the tag that the request was sent with. Timing-critical: the next request of the slot waits for it. */
  complete(slot: number, receivedNs: number, outcome: OutcomeCode, cause: string | undefined): void {
    if (this.#isWaiting[slot] !== 1) return;
    this.#isWaiting[slot] = 0;
    this.#inFlight--;
    const log = this.#options.logs[this.#model[slot]!]!;
    log.append(this.#intendedNs[slot]!, this.#sentNs[slot]!, receivedNs, outcome, cause);
    this.#failuresInRow = outcome === outcomeCodes.ok ? 0 : this.#failuresInRow + 1;
    if (!this.#isRunning) {
      if (this.#inFlight === 0) this.#onDrained?.();
    } else if (this.#failuresInRow > this.#options.concurrency + FAILURES_BEFORE_PAUSE) {
      this.#pause(slot);
    } else {
      this.#send(slot, receivedNs);
    }
  }

  /**
   * Sends nothing more and waits for the answers under way, for at most the longer of 5 s and twice the slowest answer
   * so far; then the rest is logged as unfinished, which is no failure, and completions that still come are ignored.
   */
  async stop(): Promise<void> {
    this.#isRunning = false;
    this.#stopped.abort();
    if (this.#inFlight === 0) return;
    const { clock, logs } = this.#options;
    const drained = new AbortController();
    this.#onDrained = () => drained.abort();
    await clock.sleep(drainLimit(logs), drained.signal);
    const endNs = clock.now();
    for (let slot = 0; slot < this.#isWaiting.length; slot++) {
      if (this.#isWaiting[slot] !== 1) continue;
      this.#abandonedCount++;
      this.complete(slot, endNs, outcomeCodes.unfinished, undefined);
    }
  }

  /** Slots that fail while others pause join them, so one sleep serves all. */
  #pause(slot: number): void {
    if (this.#paused.push(slot) === 1) void this.#sendPaused();
  }

  async #sendPaused(): Promise<void> {
    const { clock } = this.#options;
    await clock.sleep(FAILURE_PAUSE, this.#stopped.signal);
    const slots = this.#paused.splice(0);
    if (!this.#isRunning) return;
    const freeNs = clock.now();
    for (const slot of slots) this.#send(slot, freeNs);
  }

  /** Every slot that finds no request may be the last one to. */
  #finish(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#options.onFinished?.();
  }

  #send(slot: number, intendedNs: number): void {
    const { source, clock, send } = this.#options;
    const handle = source.next();
    if (handle === NO_REQUEST) {
      if (this.#inFlight === 0) this.#finish();
      return;
    }
    this.#model[slot] = source.model;
    this.#isWaiting[slot] = 1;
    this.#inFlight++;
    this.#intendedNs[slot] = intendedNs;
    this.#sentNs[slot] = clock.now();
    send(handle, slot);
  }
}
