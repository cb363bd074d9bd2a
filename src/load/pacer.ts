/**
 * Wakes a load worker at an instant, to well under a millisecond, where its event loop cannot (loop-pacer.ts). Node's timers know
 * whole milliseconds and spinning costs a CPU that the server may need, so a thread of its own sleeps in Atomics.wait, which
 * wakes to some 50 µs, and posts a message a little early; the rest of the way is a short spin over the event loop.
 */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { nowNs } from '../common/clock.js';
import { compiledEntry } from '../common/package-root.js';

export interface Pacer {
  /** Calls the wake function once, at `atNs` on the monotonic clock or as soon after it as can be; replaces what was asked before. */
  wakeAt(atNs: number): void;
  /** Wakes no more; safe to call twice. */
  close(): void;
}

export type CreatePacer = (wake: () => void) => Pacer;

/** What the pacers of a load worker's levels have in common; they serve one after the other. */
export interface Pacing {
  readonly createPacer: CreatePacer;
  /** Time that the event loop slept or went round with nothing to do but wait for an instant, since this began. */
  readonly idleNs: number;
  /** The part of it that was slept within a turn of the loop, which then seems active, and took no CPU. */
  readonly sleptNs: number;
  close(): void;
}

/** How long a message from the sleeping thread takes to arrive, on a quiet host. */
const EARLY_NS = 100_000;
const threadEntry = compiledEntry('src/load/pacer-thread');

/** What the worker and the sleeping thread share: a turn counter that is also what is waited on, and the instant to wake at. */
export class PacerCell {
  readonly buffer: SharedArrayBuffer;
  /** Word 0 counts the requests to wake; -1 ends the thread. */
  readonly turn: Int32Array;
  readonly wakeNs: Float64Array;

  constructor(buffer = new SharedArrayBuffer(16)) {
    this.buffer = buffer;
    this.turn = new Int32Array(buffer, 0, 2);
    this.wakeNs = new Float64Array(buffer, 8, 1);
  }
}

export interface PacerStart {
  readonly cell: SharedArrayBuffer;
  readonly port: MessagePort;
}

/** The sleeping thread of a load worker; it serves one pacer after the other, so that a level does not wait for a thread. */
export class PacerThread implements Pacing {
  readonly #cell = new PacerCell();
  readonly #port: MessagePort;
  readonly #worker: Worker;
  readonly #meter: SpinMeter = { idleSpinNs: 0 };
  #pacer: ThreadPacer | undefined;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const start: PacerStart = { cell: this.#cell.buffer, port: port2 };
    this.#worker = new Worker(threadEntry, { workerData: start, transferList: [port2], name: 'perf-ts pacer' });
    // Without it the pacer is only late: the worker's own timer is the second string.
    this.#worker.on('error', () => undefined);
    this.#port.on('message', () => this.#pacer?.check());
    this.#port.unref();
    this.#worker.unref();
  }

  readonly createPacer: CreatePacer = (wake) => {
    this.#pacer?.close();
    this.#pacer = new ThreadPacer(this.#cell, this.#meter, wake);
    return this.#pacer;
  };

  get idleNs(): number {
    return this.#meter.idleSpinNs;
  }

  get sleptNs(): number {
    return 0;
  }

  close(): void {
    this.#pacer?.close();
    Atomics.store(this.#cell.turn, 0, -1);
    Atomics.notify(this.#cell.turn, 0);
    this.#port.close();
  }
}

/** A wake-up this far off also sets a timer, so that a lost sleeping thread costs precision and not the level. */
const BACKUP_NS = 20_000_000;

/** A turn of the event loop without work takes no longer than this; what a turn takes beyond it was work. */
const IDLE_TURN_NS = 10_000;

interface SpinMeter {
  idleSpinNs: number;
}

class ThreadPacer implements Pacer {
  readonly #cell: PacerCell;
  readonly #meter: SpinMeter;
  readonly #wake: () => void;
  readonly #spin = (): void => this.check();
  #dueNs = Infinity;
  #isSpinning = false;
  #turnBeginNs = 0;
  #backup: NodeJS.Timeout | undefined;

  constructor(cell: PacerCell, meter: SpinMeter, wake: () => void) {
    this.#cell = cell;
    this.#meter = meter;
    this.#wake = wake;
  }

  wakeAt(atNs: number): void {
    this.#dueNs = atNs;
    if (atNs === Infinity || this.#isSpinning) return;
    const now = nowNs();
    const waitNs = atNs - now;
    if (waitNs <= EARLY_NS) {
      this.#isSpinning = true;
      this.#turnBeginNs = now;
      setImmediate(this.#spinOnce);
      return;
    }
    this.#cell.wakeNs[0] = atNs - EARLY_NS;
    // -1 is the end, so the counter stays above it.
    Atomics.store(this.#cell.turn, 0, (Atomics.load(this.#cell.turn, 0) + 1) & 0x3fff_ffff);
    Atomics.notify(this.#cell.turn, 0);
    clearTimeout(this.#backup);
    this.#backup = waitNs > BACKUP_NS ? setTimeout(this.#spin, Math.ceil(waitNs / 1e6)) : undefined;
  }

  /** Wakes if it is time, else goes on waiting. */
  check(): void {
    if (this.#isSpinning || this.#dueNs === Infinity) return;
    if (nowNs() < this.#dueNs) this.wakeAt(this.#dueNs);
    else this.#fire();
  }

  close(): void {
    this.#dueNs = Infinity;
    clearTimeout(this.#backup);
  }

  readonly #spinOnce = (): void => {
    this.#isSpinning = false;
    this.#meter.idleSpinNs += Math.min(IDLE_TURN_NS, nowNs() - this.#turnBeginNs);
    this.check();
  };

  #fire(): void {
    this.#dueNs = Infinity;
    clearTimeout(this.#backup);
    this.#wake();
  }
}
