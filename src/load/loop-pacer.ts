/**
 * Wakes a load worker at an instant from within its own event loop. Node's timers know whole milliseconds, so for the last
 * two the thread sleeps in the kernel, to the nanosecond, on the descriptor that its event loop waits on: whatever the loop
 * waits for ends the sleep, so answers are seen as early as ever and no second thread has to hand over.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { nowNs } from '../common/clock.js';
import { NANOS_PER_MILLI } from '../common/units.js';
import type { CreatePacer, Pacer, Pacing } from './pacer.js';
import { type SystemCalls, systemCalls } from './system-calls.js';

/** Further off than this a timer is set, which may be a good millisecond late. */
const FAR_NS = 2.5 * NANOS_PER_MILLI;
const TIMER_LEAD_NS = 1.5 * NANOS_PER_MILLI;
/** The loop's own timers wait for the end of a sleep. */
const LONGEST_SLEEP_NS = 250_000;
/** A turn of the event loop without work takes no longer than this; what a turn takes beyond it was work. */
const IDLE_TURN_NS = 10_000;
/** Nine of ten sleeps shall end early enough; the rest of the way is turns of the loop. */
const EARLY_SHARE = 0.9;
const LEAD_STEP_NS = 2000;
const [SHORTEST_LEAD_NS, FIRST_LEAD_NS, LONGEST_LEAD_NS] = [5000, 50_000, 150_000];

/** Wakes only through the event loop of the thread that opened it. */
export class LoopPacing implements Pacing {
  readonly #calls: SystemCalls;
  readonly #loopDescriptor: number;
  readonly #meter: WaitMeter = { idleNs: 0, sleptNs: 0, leadNs: FIRST_LEAD_NS };
  #pacer: LoopPacer | undefined;

  private constructor(calls: SystemCalls, loopDescriptor: number) {
    this.#calls = calls;
    this.#loopDescriptor = loopDescriptor;
    calls.setTimerSlack(1);
  }

  /** Undefined where the system does not let a program sleep so. */
  static async open(): Promise<LoopPacing | undefined> {
    const calls = systemCalls();
    const loopDescriptor = calls && (await findLoopDescriptor(calls));
    return calls && loopDescriptor !== undefined ? new LoopPacing(calls, loopDescriptor) : undefined;
  }

  readonly createPacer: CreatePacer = (wake) => {
    this.#pacer?.close();
    this.#pacer = new LoopPacer(this.#calls, this.#loopDescriptor, this.#meter, wake);
    return this.#pacer;
  };

  get idleNs(): number {
    return this.#meter.idleNs;
  }

  get sleptNs(): number {
    return this.#meter.sleptNs;
  }

  close(): void {
    this.#pacer?.close();
  }
}

interface WaitMeter {
  /** Slept or turned without work, in all. */
  idleNs: number;
  sleptNs: number;
  /** How long before its instant a sleep ends, learned from how late sleeps end. */
  leadNs: number;
}

class LoopPacer implements Pacer {
  readonly #calls: SystemCalls;
  readonly #loopDescriptor: number;
  readonly #meter: WaitMeter;
  readonly #wake: () => void;
  #dueNs = Infinity;
  #isTurning = false;
  /** When the turn of the loop began that is only there to wait; 0 where there is something to do. */
  #turnBeganNs = 0;
  /** When the sleep before this turn was to end; 0 where there was none, or something else ended it. */
  #sleepEndNs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(calls: SystemCalls, loopDescriptor: number, meter: WaitMeter, wake: () => void) {
    this.#calls = calls;
    this.#loopDescriptor = loopDescriptor;
    this.#meter = meter;
    this.#wake = wake;
  }

  wakeAt(atNs: number): void {
    this.#dueNs = atNs;
    if (this.#isTurning || atNs === Infinity) return;
    clearTimeout(this.#timer);
    this.#wait();
  }

  close(): void {
    this.#dueNs = Infinity;
    clearTimeout(this.#timer);
  }

  /** Timing-critical: the way from here to `#turn` through the event loop is part of every lag. */
  #wait(): void {
    const now = nowNs();
    const waitNs = this.#dueNs - now;
    if (waitNs > FAR_NS) {
      this.#isTurning = false;
      if (waitNs === Infinity) return;
      // A longer delay than a timer knows is taken in parts.
      const delayMs = Math.min(2 ** 30, Math.floor((waitNs - TIMER_LEAD_NS) / NANOS_PER_MILLI));
      this.#timer = setTimeout(() => this.#wait(), delayMs);
      return;
    }
    this.#isTurning = true;
    this.#sleepEndNs = 0;
    this.#turnBeganNs = waitNs > 0 ? now : 0;
    const sleepNs = Math.min(LONGEST_SLEEP_NS, waitNs - this.#meter.leadNs);
    if (sleepNs > 0) {
      if (!this.#calls.waitReadable(this.#loopDescriptor, sleepNs)) this.#sleepEndNs = now + sleepNs;
      this.#turnBeganNs = nowNs();
      this.#meter.sleptNs += this.#turnBeganNs - now;
      this.#meter.idleNs += this.#turnBeganNs - now;
    }
    setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    const now = nowNs();
    if (this.#turnBeganNs > 0) this.#meter.idleNs += Math.min(IDLE_TURN_NS, now - this.#turnBeganNs);
    if (this.#sleepEndNs > 0) this.#learn(now - this.#sleepEndNs);
    if (now >= this.#dueNs) {
      this.#dueNs = Infinity;
      this.#wake();
    }
    this.#wait();
  };

  /** Robbins and Monro's way to a quantile: far up for what is rare, a little down for what is usual. */
  #learn(latenessNs: number): void {
    const meter = this.#meter;
    const step = latenessNs > meter.leadNs ? EARLY_SHARE : EARLY_SHARE - 1;
    const leadNs = meter.leadNs + step * LEAD_STEP_NS;
    meter.leadNs = Math.max(SHORTEST_LEAD_NS, Math.min(LONGEST_LEAD_NS, leadNs));
  }
}

/** The descriptor of the calling thread's event loop: of all that the process waits on, the one that watches a pipe of ours. */
async function findLoopDescriptor(calls: SystemCalls): Promise<number | undefined> {
  const pipe = calls.openPipe();
  if (pipe === undefined) return undefined;
  const [readEnd, writeEnd] = pipe;
  const watched = new Socket({ fd: readEnd, readable: true, writable: false });
  try {
    watched.on('error', () => undefined).resume();
    // The loop begins to watch a descriptor when it next goes to wait.
    for (let turn = 0; turn < 3; turn++) await nextTurn();
    const watches = new RegExp(`^tfd:\\s+${readEnd}\\s`, 'm');
    return readdirSync('/proc/self/fdinfo')
      .map(Number)
      .find((descriptor) => {
        return isEventLoop(descriptor) && watches.test(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'));
      });
  } catch {
    return undefined;
  } finally {
    watched.destroy();
    calls.closeDescriptor(writeEnd);
  }
}

/** False too for a descriptor that another thread has closed meanwhile. */
function isEventLoop(descriptor: number): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`) === 'anon_inode:[eventpoll]';
  } catch {
    return false;
  }
}
