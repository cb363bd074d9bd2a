/**
 * Whether the runs of a tiny model stay short enough for the thread that also serves the sockets. Some long ones do not
 * count: on a busy host any thread is interrupted again and again, and another thread would be so as well.
 */
import type { Clock } from '../../src/common/clock.js';
import { after, type Instant, type Nanos, nanos } from '../../src/common/units.js';

/** Handing a batch to another thread and back costs about as much as a run of this length, timed in a row of them. */
export const LONGEST_TINY_RUN_NS = 50_000;
/** Between other work a run finds cold caches, and in the first moments of traffic it takes many times as long. */
export const LONGEST_INLINE_RUN_NS = 3 * LONGEST_TINY_RUN_NS;
/** So many long runs among so many are no accident. */
const MOST_LONG_RUNS = 8;
const RUNS_LOOKED_AT = 32;
/** After so many runs without a pause, an earlier one is forgotten. */
const RUNS_REMEMBERED = 10_000;
/** How long threads run the model then; twice as long each further time. */
const FIRST_PAUSE_NS = 1e9;
const LONGEST_PAUSE_NS = 64e9;

export class RunWatch {
  readonly #clock: Clock;
  #runs = 0;
  #longRuns = 0;
  #runsSincePause = 0;
  #nextPause: Nanos = nanos(FIRST_PAUSE_NS);
  #pausedUntil: Instant | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** False while runs have lately been too long. */
  get isCalm(): boolean {
    if (this.#pausedUntil === undefined) return true;
    if (this.#clock.now() < this.#pausedUntil) return false;
    this.#pausedUntil = undefined;
    return true;
  }

  /** Counts a run; returns how long the model must leave this thread alone if that was one long run too many. */
  add(runNs: number): Nanos | undefined {
    if (runNs > LONGEST_INLINE_RUN_NS) this.#longRuns++;
    this.#runs++;
    this.#runsSincePause++;
    const isTooMuch = this.#longRuns > MOST_LONG_RUNS;
    if (isTooMuch || this.#runs === RUNS_LOOKED_AT) {
      this.#runs = 0;
      this.#longRuns = 0;
    }
    if (!isTooMuch) return undefined;
    const pause = this.#runsSincePause > RUNS_REMEMBERED ? nanos(FIRST_PAUSE_NS) : this.#nextPause;
    this.#runsSincePause = 0;
    this.#pausedUntil = after(this.#clock.now(), pause);
    this.#nextPause = nanos(Math.min(2 * pause, LONGEST_PAUSE_NS));
    return pause;
  }
}
