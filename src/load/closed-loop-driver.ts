/**
 * The closed loop: a fixed number of slots, each sending its next request as soon as the answer to the one before is
 * there. The next one's intended instant is that receive instant, so what the load side takes in between counts as latency.
 */
import { type OutcomeCode, outcomeCodes } from '../client/outcome.js';
import type { Clock } from '../common/clock.js';
import { millis, nanos } from '../common/units.js';
import type { LoadDriver } from './load-driver.js';
import type { RequestLog } from './request-log.js';

/** After this many failures in a row, beyond one for each slot, the target is taken to be down. */
const FAILURES_BEFORE_PAUSE = 8;
/** A slot that failed on a target that is down is not free for this long, so that refused connections do not become a busy loop. */
const FAILURE_PAUSE = millis(10);
/** A drain waits at least this long, and up to twice the slowest answer so far. */
const MIN_DRAIN = millis(5000);

export const DRAIN_CAUSE = 'CANCELLED: unanswered when the level ended';

export interface ClosedLoopOptions {
  /** Sends request `handle`; the completion comes to `complete` with the same `tag`. */
  readonly send: (handle: number, tag: number) => void;
  /** Prepared requests, sent in turn. */
  readonly handles: readonly number[];
  /** Slots of this driver. */
  readonly concurrency: number;
  readonly log: RequestLog;
  readonly clock: Clock;
}

export class ClosedLoopDriver implements LoadDriver {
  readonly #options: ClosedLoopOptions;
  readonly #intendedNs: Float64Array;
  readonly #sentNs: Float64Array;
  /** 1 while a slot waits for an answer. */
  readonly #isWaiting: Uint8Array;
  readonly #stopped = new AbortController();
  readonly #paused: number[] = [];
  #nextHandle = 0;
  #inFlight = 0;
  #failuresInRow = 0;
  #isRunning = false;
  #abandonedCount = 0;
  #onDrained: (() => void) | undefined;

  constructor(options: ClosedLoopOptions) {
    this.#options = options;
    this.#intendedNs = new Float64Array(options.concurrency);
    this.#sentNs = new Float64Array(options.concurrency);
    this.#isWaiting = new Uint8Array(options.concurrency);
  }

  /** Requests sent and not ended. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Requests whose answer `stop` gave up on; the client may still hold them. */
  get abandonedCount(): number {
    return this.#abandonedCount;
  }

  /** Fills every slot at once: all of them are free from this instant on. */
  start(): void {
    this.#isRunning = true;
    const startNs = this.#options.clock.now();
    for (let slot = 0; slot < this.#options.concurrency; slot++) this.#send(slot, startNs);
  }

  /** The client's OnCompletion; `slot` is the tag that the request was sent with. Timing-critical: the next request of the slot waits for it. */
  complete(slot: number, receivedNs: number, outcome: OutcomeCode, cause: string | undefined): void {
    if (this.#isWaiting[slot] !== 1) return;
    this.#isWaiting[slot] = 0;
    this.#inFlight--;
    this.#options.log.append(this.#intendedNs[slot]!, this.#sentNs[slot]!, receivedNs, outcome, cause);
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
   * so far; then the rest is logged as cancelled, and completions that still come are ignored.
   */
  async stop(): Promise<void> {
    this.#isRunning = false;
    this.#stopped.abort();
    if (this.#inFlight === 0) return;
    const { clock, log } = this.#options;
    const drained = new AbortController();
    this.#onDrained = () => drained.abort();
    await clock.sleep(nanos(Math.max(MIN_DRAIN, 2 * log.slowestServiceNs)), drained.signal);
    const endNs = clock.now();
    for (let slot = 0; slot < this.#isWaiting.length; slot++) {
      if (this.#isWaiting[slot] !== 1) continue;
      this.#abandonedCount++;
      this.complete(slot, endNs, outcomeCodes.cancelled, DRAIN_CAUSE);
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

  #send(slot: number, intendedNs: number): void {
    const { handles, clock, send } = this.#options;
    const handle = handles[this.#nextHandle]!;
    this.#nextHandle = this.#nextHandle + 1 === handles.length ? 0 : this.#nextHandle + 1;
    this.#isWaiting[slot] = 1;
    this.#inFlight++;
    this.#intendedNs[slot] = intendedNs;
    this.#sentNs[slot] = clock.now();
    send(handle, slot);
  }
}
