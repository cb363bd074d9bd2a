/** Repeated trials of one variant taken together, so that a finalist stands for its variant and not for its lucky run. */
import { combine } from '../strategies/variant-results.js';
import type { FinishedTrial } from './trial-outcome.js';

/** Standard error of a score that came without one. */
const UNKNOWN_ERROR = 0.05;
/** Scores this far apart (relative), and by so many standard errors, contradict each other. */
const CONTRADICTION = 0.4;
const SURELY = 8;
/** Keeps a score that claims to be exact from being the only one that counts. */
const LEAST_ERROR = 0.005;

/**
 * One trial a variant, in the order in which variants came first: the newest, with the scores of all complete ones
 * weighted by the inverse of their variances, and client limited if any of them was.
 */
export function poolRepeats(trials: readonly FinishedTrial[]): FinishedTrial[] {
  const pooled = new Map<string, FinishedTrial>();
  for (const trial of trials) {
    const before = pooled.get(trial.variant.id);
    pooled.set(trial.variant.id, before === undefined ? trial : poolTwo(before, trial));
  }
  return [...pooled.values()];
}

function poolTwo(before: FinishedTrial, trial: FinishedTrial): FinishedTrial {
  const isClientLimited = before.isClientLimited || trial.isClientLimited;
  const [a, b] = [before.result, trial.result];
  if (a.score === undefined || b.score === undefined) return { ...trial, isClientLimited };
  const errorOf = ({ scoreError = UNKNOWN_ERROR }: typeof a): number => Math.max(LEAST_ERROR, scoreError);
  // Two that contradict each other did not meet the same host; who may be worth confirming is told by the better one.
  const apart = Math.abs(a.score - b.score);
  if (apart > Math.max(CONTRADICTION, SURELY * Math.hypot(errorOf(a), errorOf(b))))
    return { ...(a.score > b.score ? before : trial), isClientLimited };
  const { score, error } = combine({ score: a.score, error: errorOf(a) }, { score: b.score, error: errorOf(b) });
  return { ...trial, isClientLimited, result: { ...b, score, scoreError: error } };
}
