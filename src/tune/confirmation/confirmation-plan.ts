/** Which variants go into confirmation, and how many rounds of what length the time left allows. Pure arithmetic. */
import { type Nanos, nanos, seconds } from '../../common/units.js';
import type { FinishedTrial } from '../trials/trial-outcome.js';
import { isPortable } from './confirmation-verdict.js';

/** Fewer give an interval that proves nothing but very large gains. */
export const MIN_ROUNDS = 3;
/** From here on a further round adds little, so finalists are kept rather than given up for more rounds. */
export const ENOUGH_ROUNDS = 5;
export const MAX_ROUNDS = 10;
/** ... and as many as this while the answer is still open and there is time. */
export const MOST_ROUNDS = 30;
export const MAX_FINALISTS = 3;
/** Search scores closer than this (in relative terms) are equal whatever their errors, and never farther apart than that. */
const [TIE, WIDEST_TIE] = [0.03, 0.25];
/** From this share of the best one's p99 on a variant with nearly its score is worth confirming for its latency. */
const FRACTION_OF_P99 = 0.5;
/** Standard errors within which two scores are not told apart. */
const APART = 1.96;
/** p99 is worth so much: nearly as good is this near in the score. */
const NEARLY = 0.12;

export interface ConfirmationPlan {
  /** The most promising first. */
  readonly finalists: readonly FinishedTrial[];
  readonly rounds: number;
  /** Of each level. */
  readonly duration: Nanos;
}

/** What to spend, best first: the first row whose rounds fit is taken. */
const wishes: readonly { readonly finalists: number; readonly durationSeconds: number; readonly minRounds: number }[] =
  [
    { finalists: 3, durationSeconds: 4, minRounds: 6 },
    { finalists: 3, durationSeconds: 3, minRounds: 5 },
    { finalists: 3, durationSeconds: 2, minRounds: 4 },
    { finalists: 2, durationSeconds: 2, minRounds: 4 },
    { finalists: 2, durationSeconds: 1.5, minRounds: 4 },
    { finalists: 2, durationSeconds: 1, minRounds: MIN_ROUNDS },
    { finalists: 1, durationSeconds: 1.5, minRounds: MIN_ROUNDS },
    { finalists: 1, durationSeconds: 1, minRounds: MIN_ROUNDS },
    { finalists: 1, durationSeconds: 0.5, minRounds: MIN_ROUNDS },
  ];

/**
 * The best of the search, in the order worth confirming. Trials that the load generator limited come last: what they
 * can really do is unknown. The default is not among them.
 */
export function chooseFinalists(trials: readonly FinishedTrial[], limit = MAX_FINALISTS): FinishedTrial[] {
  const scoreOf = ({ result }: FinishedTrial): number => result.score ?? Number.NEGATIVE_INFINITY;
  const others = trials.filter(({ variant }) => variant.id !== 'default');
  const complete = others.filter(({ record }) => record.state === 'complete');
  // Where nothing else is left, what ended early is better looked at than nothing.
  const candidates = (
    complete.length > 0 ? complete : others.filter(({ record }) => record.cause === 'early_abort')
  ).toSorted((a, b) => Number(a.isClientLimited) - Number(b.isClientLimited) || scoreOf(b) - scoreOf(a));
  const [best] = candidates;
  if (best === undefined) return [];
  const nearTo = (trial: FinishedTrial, least: number): boolean => {
    const errors = Math.hypot(best.result.scoreError ?? 0, trial.result.scoreError ?? 0);
    const isNear = scoreOf(best) - scoreOf(trial) <= Math.min(WIDEST_TIE, Math.max(least, APART * errors));
    return trial.isClientLimited === best.isClientLimited && isNear;
  };
  const fewest = (a: FinishedTrial, b: FinishedTrial): FinishedTrial =>
    b.variant.changed.length < a.variant.changed.length ? b : a;
  const simplest = candidates.filter((trial) => nearTo(trial, TIE)).reduce(fewest, best);
  const p99Of = ({ record: { level } }: FinishedTrial): number => level?.latencyNs?.p99 ?? Number.POSITIVE_INFINITY;
  const quick = candidates.filter((trial) => nearTo(trial, NEARLY) && p99Of(trial) <= FRACTION_OF_P99 * p99Of(best));
  const gentle = quick.length === 0 ? [] : [quick.reduce(fewest)];
  // Somebody who serves with Triton has no use for what only our engine honours, so the best of the others is confirmed too.
  const portable = candidates.find(({ variant }) => isPortable(variant)) ?? best;
  return [...new Set([best, portable, ...gentle, simplest, ...candidates])].slice(0, limit);
}

/**
 * Rounds of finalists and default that fit into `left`, at `overhead` a trial beside its level. Undefined when not even
 * two rounds of one finalist fit, or there is no finalist.
 */
export function planConfirmation(
  candidates: readonly FinishedTrial[],
  left: Nanos,
  overhead: Nanos,
): ConfirmationPlan | undefined {
  const planned = planRounds(candidates.length, left, overhead);
  if (planned === undefined) return undefined;
  const { finalistCount, rounds, duration } = planned;
  return { finalists: candidates.slice(0, finalistCount), rounds, duration };
}

/** As `planConfirmation`, for so many candidates. */
export function planRounds(
  candidateCount: number,
  left: Nanos,
  overhead: Nanos,
): { readonly finalistCount: number; readonly rounds: number; readonly duration: Nanos } | undefined {
  if (candidateCount === 0) return undefined;
  for (const { finalists: wanted, durationSeconds, minRounds } of wishes) {
    const finalistCount = Math.min(candidateCount, wanted);
    const duration = seconds(durationSeconds);
    const rounds = Math.min(MAX_ROUNDS, Math.floor(left / ((finalistCount + 1) * (overhead + duration))));
    if (rounds >= minRounds) return { finalistCount, rounds, duration: nanos(duration) };
  }
  return undefined;
}
