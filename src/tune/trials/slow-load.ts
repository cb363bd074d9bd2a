/**
 * The load of a model so slow that a round of requests outlasts a level: fewer requests in flight, and so many in all
 * that each slot has a few answered, so that no request is cut off. Pure arithmetic.
 */
import { formatDuration } from '../../common/format.js';
import { type Nanos, nanos } from '../../common/units.js';

/** Requests that each slot has answered at least, and at most. */
const LEAST_TURNS = 2;
const ENOUGH_TURNS = 8;
/** Fewer would leave a second instance idle. */
const LEAST_IN_FLIGHT = 2;
/** The default, two variants, and three rounds of one finalist and the default. */
const PROOF_TRIALS = 9;

export interface SlowLoad {
  readonly concurrency: number;
  readonly requestCount: number;
}

export interface SlowQuestion {
  /** Of one inference with nothing beside it. */
  readonly inferenceNs: Nanos;
  /** What the load would be for a quick model. */
  readonly concurrency: number;
  /** Whether the load was chosen by the user, or by the study's first trial. */
  readonly isFixed: boolean;
  /** What a level should take. */
  readonly levelTime: Nanos;
  /** What it must not outlast. */
  readonly left: Nanos;
}

/** Whether a level of `duration` is over before each slot has had one request answered. */
export const isSlow = (inferenceNs: Nanos, concurrency: number, duration: Nanos): boolean =>
  concurrency * inferenceNs > duration;

/** Undefined where not even the least of loads fits. */
export function chooseSlowLoad(question: SlowQuestion): SlowLoad | undefined {
  const { inferenceNs, concurrency, isFixed, levelTime, left } = question;
  const wanted = Math.floor(levelTime / (LEAST_TURNS * inferenceNs));
  const least = Math.min(LEAST_IN_FLIGHT, concurrency);
  const choices = isFixed ? [concurrency] : [Math.min(concurrency, Math.max(least, wanted)), least, 1];
  const inFlight = choices.find((choice) => LEAST_TURNS * choice * inferenceNs <= left);
  return inFlight === undefined ? undefined : countRequests(inFlight, inferenceNs, nanos(Math.min(levelTime, left)));
}

/** Whole rounds of `concurrency`, for about `time`. */
export function countRequests(concurrency: number, inferenceNs: Nanos, time: Nanos): SlowLoad {
  const rounds = Math.floor(time / (concurrency * inferenceNs));
  return { concurrency, requestCount: concurrency * Math.min(ENOUGH_TURNS, Math.max(LEAST_TURNS, rounds)) };
}

/** Why the first trial is not begun. `spent` is what it took until the inference was timed. */
export function describeTooSlow(
  inferenceNs: Nanos,
  isFixed: boolean,
  concurrency: number,
  spent: Nanos,
  budget: Nanos,
) {
  const inFlight = isFixed ? concurrency : Math.min(LEAST_IN_FLIGHT, concurrency);
  const trial = nanos(spent + LEAST_TURNS * inFlight * inferenceNs);
  return `one inference takes ${formatDuration(inferenceNs)}: a trial takes about ${formatDuration(trial)}, and the budget of ${formatDuration(budget)} does not fit one; give ${budgetFor(trial)}`;
}

/** What the budget has time for, once the first trial has said what one takes; undefined where it is enough. */
export function describeFit(inferenceNs: Nanos, trial: Nanos, budget: Nanos): string | undefined {
  const count = Math.max(1, Math.floor(budget / trial));
  if (count >= PROOF_TRIALS) return undefined;
  const trials = count === 1 ? '1 trial' : `${count} trials`;
  return `a proof: one inference takes ${formatDuration(inferenceNs)} and a trial about ${formatDuration(trial)}, so the budget of ${formatDuration(budget)} fits ${trials}; give ${budgetFor(trial)}`;
}

const budgetFor = (trial: Nanos): string => `--budget ${10 * Math.ceil((PROOF_TRIALS * trial) / 10e9)}s`;
