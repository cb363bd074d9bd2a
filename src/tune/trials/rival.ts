/**
 * What early ends are judged by. A throughput of another moment says little on a host that drifts, so the best variant
 * counts by its lead over the default near it in time, upon the default as it is now.
 */
import type { Nanos } from '../../common/units.js';
import { seconds } from '../../common/units.js';
import type { Objective } from '../objectives/objective.js';
import type { Variant } from '../variants/variants.js';
import type { FinishedTrial } from './trial-outcome.js';
import type { Rival } from './trial-watch.js';

/** A measurement of so long ago, or of so many trials ago, is of another moment. */
const NEAR_NS = seconds(60);
const NEAR_TRIALS = 10;
/** A rival that is known no better than this (relative standard error; an interval of half of it to either side) is no basis. */
const MOST_ERROR = 0.25;
/** Of a score that came without one. */
const UNKNOWN_ERROR = 0.05;
/** Further tries for a default that is known no better than that. */
const MOST_TRIES = 2;

/** Early ends need an objective that follows throughput. */
export const endsEarly = ({ definition, parts }: Objective): boolean =>
  parts === undefined && (definition.name === 'throughput' || definition.name === 'cost_per_million');

/** Undefined where nothing near in time is known well enough. */
export function findRival(
  trials: readonly FinishedTrial[],
  { id }: Variant,
  objective: Objective,
  nowNs: Nanos,
): Rival | undefined {
  const best = bestComplete(trials);
  const throughput = best?.record.level?.throughputPerSec.value;
  if (!endsEarly(objective) || id === 'default' || best === undefined || best.variant.id === id || !throughput)
    return undefined;
  const rival = isNear(best, nowNs)
    ? { throughputPerSec: throughput, error: errorOf(best) }
    : throughDefault(trials, best, throughput, nowNs);
  return rival === undefined || rival.error > MOST_ERROR ? undefined : rival;
}

function throughDefault(
  trials: readonly FinishedTrial[],
  best: FinishedTrial,
  throughput: number,
  nowNs: Nanos,
): Rival | undefined {
  const defaults = trials.filter(isMeasuredDefault);
  const now = defaults.at(-1);
  if (now === undefined || !isNear(now, nowNs)) return undefined;
  const distance = (trial: FinishedTrial): number => Math.abs(endOf(trial) - endOf(best));
  const then = defaults.reduce((a, b) => (distance(b) < distance(a) ? b : a));
  const drift = now.record.level!.throughputPerSec.value / then.record.level!.throughputPerSec.value;
  return {
    throughputPerSec: throughput * drift,
    error: then === now ? errorOf(best) : Math.hypot(errorOf(best), errorOf(now), errorOf(then)),
  };
}

/** Whether the default is to be measured again before others are judged by it. */
export function needsDefaultAgain(trials: readonly FinishedTrial[], objective: Objective): boolean {
  if (!endsEarly(objective)) return false;
  const defaults = trials.filter(isMeasuredDefault);
  const last = defaults.at(-1);
  if (last === undefined || trials.at(-1) === last) return false;
  if (Math.min(...defaults.map(errorOf)) > MOST_ERROR && defaults.length <= MOST_TRIES) return true;
  return trials.length - trials.lastIndexOf(last) > NEAR_TRIALS;
}

/**
 * Variants that only ever ended early, the most promising first: what held one back may have been the host. `since` is
 * the index of the trial that the look goes back to.
 */
export function endedEarly(trials: readonly FinishedTrial[], since = 0): Variant[] {
  const isEnded = ({ record }: FinishedTrial): boolean => record.cause === 'early_abort';
  const open = trials.slice(since).filter((trial) => isEnded(trial) && trial.record.isUnasked !== true);
  const rest = open.filter(({ variant }) =>
    trials.every((other) => other.variant.id !== variant.id || (isEnded(other) && other.record.isUnasked !== true)),
  );
  const scoreOf = ({ result }: FinishedTrial): number => result.score ?? Number.NEGATIVE_INFINITY;
  const ranked = rest.toSorted((a, b) => scoreOf(b) - scoreOf(a)).map(({ variant }) => variant);
  return ranked.filter(({ id }, index) => ranked.findIndex((other) => other.id === id) === index);
}

/** Variants that the search measured to the end a single time, the best first. */
export function measuredOnce(trials: readonly FinishedTrial[]): Variant[] {
  const searched = trials.filter(({ record }) => record.phase === 'search');
  const scoreOf = ({ result }: FinishedTrial): number => result.score ?? Number.NEGATIVE_INFINITY;
  return searched
    .filter(({ record, variant }) => record.state === 'complete' && variant.id !== 'default')
    .filter(({ variant }) => searched.filter((other) => other.variant.id === variant.id).length === 1)
    .toSorted((a, b) => scoreOf(b) - scoreOf(a))
    .map(({ variant }) => variant);
}

/** Whether the default, measured again, fell by more than its errors and what ends a variant: the host stood in the way. */
export function hasStalled(before: FinishedTrial | undefined, now: FinishedTrial | undefined): boolean {
  const [a, b] = [before?.result.score, now?.result.score];
  if (a === undefined || b === undefined) return true;
  return b < a + Math.log(STALL) - Math.hypot(errorOf(before!), errorOf(now!));
}

/** Of what the default had before. */
const STALL = 0.8;

/** The best of the search that is no lower bound. */
export function bestComplete(trials: readonly FinishedTrial[]): FinishedTrial | undefined {
  return trials
    .filter(
      ({ record, isClientLimited }) => record.phase === 'search' && record.state === 'complete' && !isClientLimited,
    )
    .reduce<FinishedTrial | undefined>(
      (best, trial) => ((trial.result.score ?? -Infinity) > (best?.result.score ?? -Infinity) ? trial : best),
      undefined,
    );
}

export const isMeasuredDefault = ({ variant, record, value, isClientLimited }: FinishedTrial): boolean =>
  variant.id === 'default' &&
  record.phase === 'search' &&
  value !== undefined &&
  (record.level?.throughputPerSec.value ?? 0) > 0 &&
  !isClientLimited;

const errorOf = ({ result }: FinishedTrial): number => result.scoreError ?? UNKNOWN_ERROR;
const endOf = ({ record }: FinishedTrial): number => (record.startedNs ?? 0) + record.durationNs;
const isNear = (trial: FinishedTrial, nowNs: number): boolean => nowNs - endOf(trial) <= NEAR_NS;
