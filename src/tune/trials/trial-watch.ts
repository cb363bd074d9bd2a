/**
 * Watches a level while it runs, for the early end of a variant that cannot win: a running estimate of its throughput
 * from the counts that the level tells, and the optimistic bound that the strategies use.
 */
import type { LevelProgress } from '../../measure/measurement.js';
import { isHopeless } from '../strategies/early-abort.js';

/** Slices needed before anything is believed; the first holds connection and warm-up, and does not count. */
const MIN_SLICES = 4;
const MIN_SLICE_NS = 150e6;
/** Answers that each slot must have had: fewer are about single requests, not about a rate. */
const MIN_TURNS = 3;
/** Slices follow each other, so their spread flatters; no estimate is surer than this. */
const LEAST_ERROR = 0.03;
/** What is taken for the rise of a level before any is known, and for how many levels this counts. */
const FIRST_RISE: Rise = { mean: 0.1, spread: 0.1 };
const FIRST_RISE_WEIGHT = 2;
/** Less than this left of a level is not worth ending it. */
const WORTH_SAVING_NS = 300e6;

export interface RunningEstimate {
  readonly throughputPerSec: number;
  /** Relative standard error. */
  readonly error: number;
}

/** How much faster levels end than they were first estimated: mean and standard deviation of the logarithms. */
export interface Rise {
  readonly mean: number;
  readonly spread: number;
}

export interface TrialWatch {
  note(progress: LevelProgress): void;
  /** Of the level's later half, where warm-up is over if it ever is; undefined while too little is known. */
  estimate(): RunningEstimate | undefined;
}

/** Of one level. */
export function watchLevel(): TrialWatch {
  const rates: number[] = [];
  let last: LevelProgress | undefined;
  let answers = 0;
  return {
    note(progress) {
      answers = progress.requestCount;
      const before = last;
      if (before === undefined || progress.elapsedNs < before.elapsedNs) {
        last = progress;
        return;
      }
      const sliceNs = progress.elapsedNs - before.elapsedNs;
      if (sliceNs < MIN_SLICE_NS) return;
      last = progress;
      rates.push(((progress.requestCount - before.requestCount) * progress.level.batchSize * 1e9) / sliceNs);
    },
    estimate() {
      const { load, isClosed } = loadOf(last);
      if (rates.length < MIN_SLICES || !isClosed || answers < MIN_TURNS * load) return undefined;
      const late = rates.slice(Math.floor(rates.length / 2));
      const mean = late.reduce((sum, rate) => sum + rate, 0) / late.length;
      const variance = late.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / Math.max(1, late.length - 1);
      if (mean <= 0) return undefined;
      return {
        throughputPerSec: mean,
        error: Math.max(LEAST_ERROR, Math.sqrt(variance / late.length) / mean),
      };
    },
  };
}

const loadOf = (progress: LevelProgress | undefined): { readonly load: number; readonly isClosed: boolean } =>
  progress?.level.kind === 'closed'
    ? { load: progress.level.concurrency, isClosed: true }
    : { load: 0, isClosed: false };

/**
 * A fresh server is slower in its first second, while code is still being compiled, than over its level, which is what
 * the best variant is known by. Learns by how much on this host, and how much that differs.
 */
export class LevelRises {
  readonly #rises: number[] = [];

  note(first: RunningEstimate, finalPerSec: number): void {
    if (finalPerSec > 0) this.#rises.push(Math.log(finalPerSec / first.throughputPerSec));
  }

  expected(): Rise {
    const weight = FIRST_RISE_WEIGHT + this.#rises.length;
    const sum = this.#rises.reduce((total, rise) => total + rise, FIRST_RISE_WEIGHT * FIRST_RISE.mean);
    const mean = sum / weight;
    const squares = this.#rises.reduce(
      (total, rise) => total + (rise - mean) ** 2,
      FIRST_RISE_WEIGHT * FIRST_RISE.spread ** 2,
    );
    return { mean, spread: Math.sqrt(squares / weight) };
  }
}

/** What a level has to come near to: the throughput of the best variant so far, as the host would let it serve now. */
export interface Rival {
  readonly throughputPerSec: number;
  /** Relative standard error. */
  readonly error: number;
}

/** Why the level may end now, or undefined. The objective must be proportional to throughput. */
export function whyHopeless(
  estimate: RunningEstimate | undefined,
  rival: Rival,
  progress: LevelProgress,
  rise: Rise,
): string | undefined {
  if (estimate === undefined || progress.maxDurationNs - progress.elapsedNs < WORTH_SAVING_NS) return undefined;
  const { throughputPerSec, error } = estimate;
  const running = {
    score: Math.log(throughputPerSec) + rise.mean,
    error: Math.hypot(error, rise.spread, rival.error),
  };
  if (!isHopeless(running, Math.log(rival.throughputPerSec))) return undefined;
  const share = Math.round((100 * throughputPerSec) / rival.throughputPerSec);
  return `ended early: at ${share}% of the best so far, it could not catch up`;
}
