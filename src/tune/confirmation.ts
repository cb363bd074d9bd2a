/** Confirmation: the finalists and the default measured again in turn, so that what drifts on the host meets all alike. */
import { deriveSeed } from '../common/random.js';
import {
  type ConfirmationPlan,
  chooseFinalists,
  ENOUGH_ROUNDS,
  MAX_ROUNDS,
  planConfirmation,
} from './confirmation-plan.js';
import { leaderOf, type Round } from './confirmation-verdict.js';
import { poolRepeats } from './pooled-trials.js';
import type { StudyDependencies, StudyOptions } from './study-options.js';
import type { FinishedTrial } from './trial.js';
import type { TrialRunner } from './trial-runner.js';

/** A variant this much worse than the default in the search (relative) is not worth confirming. */
const CLEARLY_WORSE = 0.1;
/** Seeds of rounds start here, away from those of search trials; within a round all variants get the same requests. */
const FIRST_ROUND_SEED = 1_000_000;
/** Rounds before a finalist may be given up in favour of the leader. */
const ROUNDS_BEFORE_NARROWING = 2;

export interface Confirmed {
  readonly finalists: readonly FinishedTrial[];
  readonly rounds: readonly Round[];
}

/**
 * Confirms the best of the search; should they all fail or miss a limit now, the next best in the time left. `base` is
 * the default's search trial.
 */
export async function runConfirmation(
  options: StudyOptions,
  dependencies: StudyDependencies,
  runner: TrialRunner,
  base: FinishedTrial,
): Promise<Confirmed> {
  const finalists: FinishedTrial[] = [];
  const rounds: Round[] = [];
  const found = promising(poolRepeats(runner.trials), base);
  for (let isDecided = false; !isDecided; ) {
    const candidates = chooseFinalists(found.filter((trial) => !finalists.includes(trial)));
    const plan = planConfirmation(candidates, runner.left(), runner.overhead());
    if (plan === undefined || dependencies.signal.aborted) break;
    dependencies.listener.onConfirmation(plan);
    finalists.push(...plan.finalists);
    isDecided = await runRounds(plan, [base, ...plan.finalists], rounds, options, dependencies, runner);
  }
  return { finalists, rounds };
}

/**
 * Rounds of default, A, B, ... until the time or the use of more is over, added to `rounds`. A finalist that fails or
 * misses a limit is out, because it cannot win any more; where time is short, all but the leader are given up after two
 * rounds, because more rounds of one variant prove more than few of several. False when no finalist is left.
 */
async function runRounds(
  plan: ConfirmationPlan,
  [base, ...starters]: readonly [FinishedTrial, ...FinishedTrial[]],
  rounds: Round[],
  options: StudyOptions,
  dependencies: StudyDependencies,
  runner: TrialRunner,
): Promise<boolean> {
  const own: Round[] = [];
  let finalists: readonly FinishedTrial[] = starters;
  while (own.length < MAX_ROUNDS && finalists.length > 0) {
    const affordable = Math.floor(runner.left() / (runner.overhead() + plan.duration));
    finalists = narrowField(finalists, own, affordable, options);
    if (affordable < finalists.length + 1) break;
    const round = await runRound([base, ...finalists], rounds.length, plan.duration, options, runner);
    own.push(round);
    rounds.push(round);
    if (dependencies.signal.aborted) break;
    finalists = finalists.filter((_, index) => round[index + 1]?.record.state === 'complete');
  }
  return finalists.length > 0;
}

/** All that the search does not rule out, the default's own trial included. */
function promising(trials: readonly FinishedTrial[], base: FinishedTrial): FinishedTrial[] {
  const { result: own } = trials.find(({ variant }) => variant.id === base.variant.id) ?? base;
  const floor = (own.score ?? Number.NEGATIVE_INFINITY) - CLEARLY_WORSE;
  return trials.filter(({ result }) => (result.score ?? Number.NEGATIVE_INFINITY) >= floor);
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
  const variants = finalists.map(({ variant }) => variant);
  const leader = leaderOf(variants, rounds, objective);
  return finalists.filter(({ variant }) => variant === leader);
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
  for (const { variant, record } of field) {
    const trial = await runner.run({
      variant,
      phase: 'confirmation',
      concurrency: record.level?.load.kind === 'closed' ? record.level.load.concurrency : 1,
      mayStepDown: false,
      duration,
      seed: deriveSeed(options.seed, FIRST_ROUND_SEED + index),
    });
    if (trial === undefined) break;
    results.push(trial);
  }
  return results;
}
