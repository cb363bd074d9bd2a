/**
 * Stands in for a tiny model's instances on the thread that places its batches: no batch is handed over, none waits for
 * a thread to wake up. Takes batches from the same ring, once all that came with the same turn of the event loop is
 * placed, so they grow meanwhile as they would before an instance that is busy.
 */
import { type Clock, nowNs } from '../../src/common/clock.js';
import { messageOf } from '../../src/common/errors.js';
import type { Nanos } from '../../src/common/units.js';
import type { BatchRunner } from './batch-runner.js';
import { RunWatch } from './run-watch.js';
import type { SharedSlots } from './shared-slots.js';
import { type ExecutionTimes, NOT_YOURS } from './slot-control.js';

/** Sockets get their turn after this long, however many batches wait. */
const LONGEST_TURN_NS = 500_000;

export interface InlineOptions {
  readonly runner: BatchRunner;
  /** The most rows that a batch can have. */
  readonly maxRows: number;
  readonly slots: SharedSlots;
  /** The instance in whose name the next batch runs; there is one while `mayRun` says so. */
  readonly nextInstance: () => number;
  /** False while there is another reason than long runs to leave batches to the threads. */
  readonly mayRun: () => boolean;
  readonly clock: Clock;
  /** Runs have become too long; threads run the model for so long. */
  readonly onPause?: ((pause: Nanos) => void) | undefined;
  /** Places what waits to be placed; called at the beginning of each turn. */
  readonly onTurn?: (() => void) | undefined;
  /** Calls back when what has arrived by now is placed; setImmediate unless given. */
  readonly schedule?: (callback: () => void) => void;
}

export class InlineInstance {
  readonly #options: InlineOptions;
  readonly #schedule: (callback: () => void) => void;
  readonly #watch: RunWatch;
  /** By rows: the first run of each number also plans memory and says nothing of the others. */
  readonly #hasRun: Uint8Array;
  #isDue = false;
  #isRunning = false;
  #isStopped = false;

  constructor(options: InlineOptions) {
    this.#options = options;
    this.#schedule = options.schedule ?? setImmediate;
    this.#watch = new RunWatch(options.clock);
    this.#hasRun = new Uint8Array(options.maxRows + 1);
  }

  /** A batch is about to be published: true when this takes it and no thread needs to wake up. */
  accepts(): boolean {
    if (!this.#mayRun()) return false;
    if (!this.#isRunning) this.#arrangeTurn();
    return true;
  }

  /** True when `onTurn` will be called in a moment, so that what arrives until then can be placed all at once. */
  arrangesTurn(): boolean {
    if (this.#isRunning || !this.#mayRun()) return false;
    this.#arrangeTurn();
    return true;
  }

  /** Takes no more batches: what is left is for the threads. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Frees what the runs used. Call it after `stop`, outside of callbacks. */
  close(): void {
    this.#options.runner.close();
  }

  #mayRun(): boolean {
    return !this.#isStopped && this.#watch.isCalm && this.#options.mayRun();
  }

  #arrangeTurn(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#schedule(this.#takeTurn);
  }

  readonly #takeTurn = (): void => {
    // What it places is for this turn, and needs no other.
    this.#options.onTurn?.();
    this.#isDue = false;
    if (this.#isStopped) return;
    this.#isRunning = true;
    try {
      this.#runWaiting();
    } finally {
      this.#isRunning = false;
    }
    // Whatever this left: a turn that was long enough goes on later, everything else is for the threads.
    const { ring } = this.#options.slots;
    if (ring.waitingCount > 0 && !this.accepts()) ring.wakeAll();
  };

  #runWaiting(): void {
    const { slots, nextInstance } = this.#options;
    const endNs = nowNs() + LONGEST_TURN_NS;
    while (this.#mayRun()) {
      const slot = slots.ring.pop();
      if (slot === undefined) return;
      const instance = nextInstance();
      const rows = slots.controlOf(slot).claim(instance, slots.ring.ticket);
      if (rows === NOT_YOURS) continue;
      const isLate = this.#run(slot, rows) > endNs;
      slots.finishInline(slot);
      if (isLate) return;
    }
  }

  /** Runs a batch that was claimed; returns when it ended. */
  #run(slot: number, rows: number): number {
    const { runner, slots } = this.#options;
    const control = slots.controlOf(slot);
    const startNs = nowNs();
    const nothing = { computeStartNs: startNs, inferStartNs: startNs, inferEndNs: startNs, computeEndNs: startNs };
    if (rows === 0) {
      control.finish(nothing, undefined, false);
      return startNs;
    }
    try {
      const { times, spill } = runner.run(slot, rows, slots.bytesOf(slot, 0), control.borrowedInputs);
      if (spill !== undefined) slots.keepInlineSpill(slot, spill);
      control.finish(times, undefined, spill !== undefined);
      this.#judge(rows, times);
      return times.computeEndNs;
    } catch (thrown) {
      control.finish(nothing, messageOf(thrown) || 'the execution failed', false);
      return nowNs();
    }
  }

  #judge(rows: number, { inferStartNs, inferEndNs }: ExecutionTimes): void {
    if (this.#hasRun[rows] === 0) {
      this.#hasRun[rows] = 1;
      return;
    }
    const pause = this.#watch.add(inferEndNs - inferStartNs);
    if (pause !== undefined) this.#options.onPause?.(pause);
  }
}
