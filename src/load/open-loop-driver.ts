/**
 * The open loop: requests are sent when the schedule says, whether or not earlier ones have been answered. A request that is
 * late is sent at once and keeps its intended start, so a stall of the server, or of this thread, shows in every latency it reached.
 */
import { type OutcomeCode, outcomeCodes } from '../client/outcome.js';
import type { Clock } from '../common/clock.js';
import { NANOS_PER_MILLI } from '../common/units.js';
import type { ScheduleShare } from './arrival-schedule.js';
import { drainLimit } from './drain.js';
import type { LoadDriver } from './load-driver.js';
import type { CreatePacer, Pacer } from './pacer.js';
import type { RequestLog } from './request-log.js';
import type { RequestTurns } from './request-source.js';

/** Sent later than this after its intended start, a request counts as delayed. */
const DELAYED_NS = NANOS_PER_MILLI;
/** Requests sent in one go; then the sockets are looked at, or a backlog would keep answers from being read. */
const MAX_BURST = 64;
const FIRST_SLOTS = 256;

export interface OpenLoopOptions {
  /** Sends request `handle`; the completion comes to `complete` with the same `tag`. */
  readonly send: (handle: number, tag: number) => void;
  readonly turns: RequestTurns;
  readonly schedule: ScheduleShare;
  /** When the schedule begins. */
  readonly startNs: number;
  /** An arrival that finds so many requests of this driver in flight is dropped. */
  readonly maxInFlight: number;
  /** It waits for one of them to end instead, and so do all arrivals after it. */
  readonly waitsWhenFull?: boolean | undefined;
  /** By model. */
  readonly logs: readonly RequestLog[];
  readonly clock: Clock;
  readonly createPacer: CreatePacer;
  /** Called once when the schedule is over and the last request sent has ended. */
  readonly onFinished?: () => void;
}

export class OpenLoopDriver implements LoadDriver {
  readonly #options: OpenLoopOptions;
  readonly #pacer: Pacer;
  // By slot; a request has one from its sending to its end.
  #intendedNs = new Float64Array(FIRST_SLOTS);
  #sentNs = new Float64Array(FIRST_SLOTS);
  #model = new Uint8Array(FIRST_SLOTS);
  #isWaiting = new Uint8Array(FIRST_SLOTS);
  #freeSlots = new Int32Array(FIRST_SLOTS);
  #freeCount = 0;
  #slotCount = 0;
  #dueNs = Infinity;
  #inFlight = 0;
  #isRunning = false;
  #isHeld = false;
  #abandonedCount = 0;
  #onDrained: (() => void) | undefined;
  #droppedCount = 0;
  #delayedCount = 0;

  constructor(options: OpenLoopOptions) {
    this.#options = options;
    this.#pacer = options.createPacer(() => this.#sendDue());
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get abandonedCount(): number {
    return this.#abandonedCount;
  }

  /** Arrivals that were not sent because too many requests were in flight. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  /** Requests sent more than 1 ms after their intended start. */
  get delayedCount(): number {
    return this.#delayedCount;
  }

  start(): void {
    this.#isRunning = true;
    this.#advance();
    this.#pace();
  }

  /** The client's OnCompletion; `slot` is the tag that the request was sent with. */
  complete(slot: number, receivedNs: number, outcome: OutcomeCode, cause: string | undefined): void {
    if (this.#isWaiting[slot] !== 1) return;
    this.#isWaiting[slot] = 0;
    this.#inFlight--;
    this.#freeSlots[this.#freeCount++] = slot;
    const log = this.#options.logs[this.#model[slot]!]!;
    log.append(this.#intendedNs[slot]!, this.#sentNs[slot]!, receivedNs, outcome, cause);
    if (this.#isHeld) {
      this.#release();
      return;
    }
    if (this.#inFlight > 0) return;
    if (!this.#isRunning) this.#onDrained?.();
    else if (this.#dueNs === Infinity) this.#options.onFinished?.();
  }

  /** As every driver's: sends nothing more, waits for what is in flight, gives up on the rest after a while. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    this.#pacer.close();
    if (this.#inFlight === 0) return;
    const { clock, logs } = this.#options;
    const drained = new AbortController();
    this.#onDrained = () => drained.abort();
    await clock.sleep(drainLimit(logs), drained.signal);
    const endNs = clock.now();
    for (let slot = 0; slot < this.#slotCount; slot++) {
      if (this.#isWaiting[slot] !== 1) continue;
      this.#abandonedCount++;
      this.complete(slot, endNs, outcomeCodes.unfinished, undefined);
    }
  }

  /** Timing-critical: everything between an arrival's instant and its send counts as latency. */
  #sendDue(): void {
    if (!this.#isRunning) return;
    const { clock } = this.#options;
    let now: number = clock.now();
    for (let sent = 0; sent < MAX_BURST && this.#dueNs <= now; sent++) {
      if (this.#isFull() && this.#options.waitsWhenFull === true) {
        this.#isHeld = true;
        return;
      }
      this.#sendOne(now);
      this.#advance();
      now = clock.now();
    }
    this.#pace();
  }

  #isFull(): boolean {
    return this.#inFlight >= this.#options.maxInFlight;
  }

  /** A request has ended, so the arrival that waits may go, or none does any more. */
  #release(): void {
    this.#isHeld = false;
    if (this.#isRunning) this.#sendDue();
    else if (this.#inFlight === 0) this.#onDrained?.();
  }

  #pace(): void {
    if (this.#dueNs < Infinity) this.#pacer.wakeAt(this.#dueNs);
    else if (this.#inFlight === 0) this.#options.onFinished?.();
  }

  #advance(): void {
    const { startNs, schedule } = this.#options;
    this.#dueNs = Math.round(startNs + schedule.next());
  }

  #sendOne(nowNs: number): void {
    const { turns, schedule, send } = this.#options;
    // A dropped arrival uses its request up too, so that the ones after it carry what the plan says.
    const handle = turns.at(schedule.turn);
    if (this.#isFull()) {
      this.#droppedCount++;
      return;
    }
    const slot = this.#takeSlot();
    this.#intendedNs[slot] = this.#dueNs;
    this.#sentNs[slot] = nowNs;
    this.#model[slot] = turns.model;
    this.#isWaiting[slot] = 1;
    this.#inFlight++;
    if (nowNs - this.#dueNs > DELAYED_NS) this.#delayedCount++;
    send(handle, slot);
  }

  #takeSlot(): number {
    if (this.#freeCount > 0) return this.#freeSlots[--this.#freeCount]!;
    if (this.#slotCount === this.#isWaiting.length) this.#grow();
    return this.#slotCount++;
  }

  #grow(): void {
    const size = this.#isWaiting.length * 2;
    const wider = <Column extends Float64Array | Uint8Array | Int32Array>(column: Column, fresh: Column): Column => {
      fresh.set(column);
      return fresh;
    };
    this.#intendedNs = wider(this.#intendedNs, new Float64Array(size));
    this.#sentNs = wider(this.#sentNs, new Float64Array(size));
    this.#model = wider(this.#model, new Uint8Array(size));
    this.#isWaiting = wider(this.#isWaiting, new Uint8Array(size));
    this.#freeSlots = wider(this.#freeSlots, new Int32Array(size));
  }
}
