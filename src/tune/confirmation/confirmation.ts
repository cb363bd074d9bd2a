/** Confirmation: the finalists and the default measured again in turn, so that what drifts on the host meets all alike. */
import { deriveSeed } from '../../common/random.js';
import type { Nanos } from '../../common/units.js';
import { readRounds } from '../studies/study-earlier.js';
import type { StudyDependencies, StudyOptions } from '../studies/study-options.js';
import { searchLevelDuration } from '../studies/study-plan.js';
import { poolRepeats } from '../trials/pooled-trials.js';
import type { FinishedTrial } from '../trials/trial-outcome.js';
import type { TrialRunner } from '../trials/trial-runner.js';
import type { Variant } from '../variants/variants.js';
import {
  type ConfirmationPlan,
  chooseFinalists,
  ENOUGH_ROUNDS,
  MAX_ROUNDS,
  MIN_ROUNDS,
  MOST_ROUNDS,
  planConfirmation,
} from './confirmation-plan.js';
import { decide, type FinalistVerdict, type Round, WORTH_HAVING, worthMoreRounds } from './confirmation-verdict.js';

/** A variant this much worse than the default in the search (relative) is not worth confirming. */
const CLEARLY_WORSE = 0.1;
/** Seeds of rounds start here, away from those of search trials; within a round all variants get the same requests. */
const FIRST_ROUND_SEED = 1_000_000;
/** Rounds before a finalist may be given up in favour of better ones. */
const ROUNDS_BEFORE_NARROWING = 2;

export interface Confirmed {
  readonly finalists: readonly Variant[];
  readonly rounds: readonly Round[];
}

/**
 * Confirms the best of the search; should they all fail or miss a limit now, the next best in the time left. Rounds that
 * an earlier part of the study completed count. `base` is the default's search trial.
 */
export async function runConfirmation(
  options: StudyOptions,
  dependencies: StudyDependencies,
  runner: TrialRunner,
  base: FinishedTrial,
): Promise<Confirmed> {
  const searched = runner.trials.filter(({ record }) => record.phase === 'search');
  const pooled = poolRepeats(searched);
  const ahead = promising(pooled, base);
  // Time that is left is for a proof that nothing is better, too.
  const found = chooseFinalists(ahead).length > 0 ? ahead : pooled;
  const { rounds, nextIndex } = readRounds(runner.trials);
  const finalists = new Map(
    rounds.flat().flatMap(({ variant }) => (variant.id === 'default' ? [] : [[variant.id, variant] as const])),
  );
  const state: RoundsSoFar = { rounds, nextIndex };
  let survivors = searchedSince(runner.trials) ? [] : survivorsOf(rounds, found);
  for (let isDecided = false; !isDecided; ) {
    const isTried = ({ variant }: FinishedTrial): boolean => finalists.has(variant.id);
    const candidates = survivors.length > 0 ? survivors : chooseFinalists(found.filter((trial) => !isTried(trial)));
    const plan = planConfirmation(candidates, runner.left(), runner.overhead());
    if (plan === undefined || dependencies.signal.aborted) break;
    dependencies.listener.onConfirmation(plan);
    const own = survivors.length > 0 ? [...rounds] : [];
    survivors = [];
    for (const { variant } of plan.finalists) finalists.set(variant.id, variant);
    isDecided = await runRounds(plan, [base, ...plan.finalists], own, state, options, dependencies, runner);
  }
  return { finalists: [...finalists.values()], rounds };
}

interface RoundsSoFar {
  readonly rounds: Round[];
  nextIndex: number;
}

/** Whether variants were searched after rounds of confirmation: the finalists are then chosen anew. */
function searchedSince(trials: readonly FinishedTrial[]): boolean {
  const last = trials.findLastIndex(({ record }) => record.phase === 'search');
  return trials.findIndex(({ record }) => record.phase === 'confirmation') < last;
}

/** The finalists that the last of these rounds left in the field, as the search measured them. */
function survivorsOf(rounds: readonly Round[], found: readonly FinishedTrial[]): FinishedTrial[] {
  const inField = (rounds.at(-1) ?? []).filter(({ record }) => record.state === 'complete');
  return inField.flatMap(({ variant }) => {
    const trial = found.find((other) => other.variant.id === variant.id);
    return trial === undefined || variant.id === 'default' ? [] : [trial];
  });
}

/**
 * Rounds of default, A, B, ... until the time or the use of more is over, added to `rounds`. A finalist that fails or
 * misses a limit is out, because it cannot win any more; where time is short, who is not worth more rounds is given up after
 * two, because more rounds of few variants prove more than few of many. False when no finalist is left. `own` are
 * rounds of these finalists that there are already.
 */
async function runRounds(
  plan: ConfirmationPlan,
  [base, ...starters]: readonly [FinishedTrial, ...FinishedTrial[]],
  own: Round[],
  state: RoundsSoFar,
  options: StudyOptions,
  dependencies: StudyDependencies,
  runner: TrialRunner,
): Promise<boolean> {
  let finalists: readonly FinishedTrial[] = starters;
  const isOpen = (): boolean => own.length < MAX_ROUNDS || !isAnswered(starters, own, options);
  while (own.length < MOST_ROUNDS && finalists.length > 0 && isOpen()) {
    const affordable = Math.floor(runner.left() / (runner.overhead() + plan.duration));
    finalists = narrowField(withinReach(finalists, own, runner.left()), own, affordable, options);
    if (affordable < finalists.length + 1 || isTooSlow(finalists, own, runner.left())) break;
    const round = await runRound([base, ...finalists], state.nextIndex++, plan.duration, options, runner);
    own.push(round);
    state.rounds.push(round);
    if (dependencies.signal.aborted) break;
    finalists = finalists.filter((_, index) => round[index + 1]?.record.state === 'complete');
  }
  return finalists.length > 0;
}

/** Whether a winner is proven, or every gain worth having is excluded. */
function isAnswered(
  finalists: readonly FinishedTrial[],
  rounds: readonly Round[],
  { objective }: StudyOptions,
): boolean {
  const { portable, verdicts } = decide(
    finalists.map(({ variant }) => variant),
    rounds,
    objective,
  );
  const isExcluded = ({ excludedGain = Number.POSITIVE_INFINITY }: FinalistVerdict): boolean =>
    excludedGain <= 1 + WORTH_HAVING;
  return portable !== undefined || verdicts.every(isExcluded);
}

/** All that the search does not rule out, the default's own trial included. */
function promising(trials: readonly FinishedTrial[], base: FinishedTrial): FinishedTrial[] {
  const { result: own } = trials.find(({ variant }) => variant.id === base.variant.id) ?? base;
  // A default that misses a limit sets no mark, however fast it is.
  const floor =
    (own.state === 'complete' ? (own.score ?? Number.NEGATIVE_INFINITY) : Number.NEGATIVE_INFINITY) - CLEARLY_WORSE;
  return trials.filter(({ result }) => (result.score ?? Number.NEGATIVE_INFINITY) >= floor);
}

/**
 * Without those that took so long in the last round, for want of requests in a short one, that the rounds of a proof
 * would not fit with them; the first finalist stays.
 */
function withinReach(
  finalists: readonly FinishedTrial[],
  rounds: readonly Round[],
  left: Nanos,
): readonly FinishedTrial[] {
  const last = rounds.at(-1);
  const missing = MIN_ROUNDS - rounds.length;
  if (last === undefined || missing <= 0) return finalists;
  const costOf = (id: string): number => last.find(({ variant }) => variant.id === id)?.record.durationNs ?? 0;
  const costs = (field: readonly FinishedTrial[]): number =>
    field.reduce((sum, { variant }) => sum + costOf(variant.id), costOf('default'));
  let field = finalists;
  while (field.length > 1 && missing * costs(field) > left) {
    const slowest = field.slice(1).reduce((a, b) => (costOf(b.variant.id) > costOf(a.variant.id) ? b : a));
    field = field.filter((trial) => trial !== slowest);
  }
  return field;
}

/** Whether a round as the last one was no longer fits. */
function isTooSlow(finalists: readonly FinishedTrial[], rounds: readonly Round[], left: Nanos): boolean {
  const last = rounds.at(-1) ?? [];
  const ids = ['default', ...finalists.map(({ variant }) => variant.id)];
  return last.reduce((sum, { variant, record }) => sum + (ids.includes(variant.id) ? record.durationNs : 0), 0) > left;
}

/** `affordable`: trials that there is time for. */
function narrowField(
  finalists: readonly FinishedTrial[],
  rounds: readonly Round[],
  affordable: number,
  { objective }: StudyOptions,
): readonly FinishedTrial[] {
  if (finalists.length < 2 || rounds.length < ROUNDS_BEFORE_NARROWING) return finalists;
  const roundsInAll = rounds.length + Math.floor(affordable / (finalists.length + 1));
  if (roundsInAll >= ENOUGH_ROUNDS) return finalists;
  const worth = worthMoreRounds(
    finalists.map(({ variant }) => variant),
    rounds,
    objective,
  );
  return finalists.filter(({ variant }) => worth.includes(variant));
}

/** Ends early only with an interrupt. */
async function runRound(
  field: readonly FinishedTrial[],
  index: number,
  duration: FinishedTrial['measuredNs'],
  options: StudyOptions,
  runner: TrialRunner,
): Promise<Round> {
  const results: FinishedTrial[] = [];
  const searchLevel = options.earlier?.levelDuration ?? searchLevelDuration(options.budget);
  for (const { variant, record } of field) {
    const trial = await runner.run({
      variant,
      phase: 'confirmation',
      concurrency: record.level?.load.kind === 'closed' ? record.level.load.concurrency : 1,
      mayStepDown: false,
      duration,
      effort: duration / searchLevel,
      round: { index, size: field.length },
      seed: deriveSeed(options.seed, FIRST_ROUND_SEED + index),
    });
    if (trial === undefined) break;
    results.push(trial);
  }
  return results;
}
