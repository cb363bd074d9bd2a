/**
 * A challenger against the incumbent: how long to measure either before one of them is given up. Pure. Standard errors
 * decide; a challenger takes over only with at least as much measured time as the incumbent has.
 */
import { expectedImprovement } from './expected-improvement.js';

/** All measurements of one variant together. */
export interface Standing {
  readonly score: number;
  /** Standard error of `score`. */
  readonly error: number;
  /** Time measured so far, in search levels. */
  readonly effort: number;
}

export type RaceStep =
  | { readonly kind: 'drop' }
  | { readonly kind: 'replace' }
  | { readonly kind: 'measure'; readonly who: 'challenger' | 'incumbent'; readonly effort: number };

/** A variant is measured for at most this many search levels in all before a race is decided as it stands. */
export const MAX_RACE_EFFORT = 9;
/** Each rung has three times the time of the one before, all measurements together. */
const RUNG_GROWTH = 3;
/** Standard errors behind at which a challenger is dropped, and ahead at which it takes over. */
const BEHIND = 1;
const AHEAD = 0.5;

/** What the challenger may gain on the incumbent, in score: E[max(0, D)] for a lead D of the measured mean and error. */
export function raceWorth(challenger: Standing, incumbent: Standing): number {
  const variance = challenger.error ** 2 + incumbent.error ** 2;
  return expectedImprovement(challenger.score - incumbent.score, variance, 0, 0);
}

export function nextRaceStep(challenger: Standing, incumbent: Standing): RaceStep {
  const lead = challenger.score - incumbent.score;
  const error = Math.hypot(challenger.error, incumbent.error);
  if (lead < -BEHIND * error) return { kind: 'drop' };
  const target = Math.min(incumbent.effort, MAX_RACE_EFFORT);
  if (challenger.effort >= target && lead > AHEAD * error) return { kind: 'replace' };
  // What the host does may have changed since the incumbent was measured, so it gets its share of the later time too.
  if (challenger.effort > incumbent.effort) {
    return { kind: 'measure', who: 'incumbent', effort: challenger.effort - incumbent.effort };
  }
  const more = Math.min((RUNG_GROWTH - 1) * challenger.effort, MAX_RACE_EFFORT - challenger.effort);
  if (more > 0) return { kind: 'measure', who: 'challenger', effort: more };
  return { kind: lead > 0 ? 'replace' : 'drop' };
}
