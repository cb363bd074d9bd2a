/**
 * The winner at the load of the default: best against best says what a host can serve, the same load what a client
 * notices. Measured after the decision, which it does not touch.
 */
import { deriveSeed } from '../../common/random.js';
import { seconds } from '../../common/units.js';
import type { EqualLoad } from '../results/conclusion.js';
import type { StudyOptions } from '../studies/study-options.js';
import type { FinishedTrial } from '../trials/trial-outcome.js';
import type { TrialRunner } from '../trials/trial-runner.js';
import { type Decision, medianP99, type Round } from './confirmation-verdict.js';

/** Away from the seeds of the search and of the rounds. */
const SEED = 2_000_000;
const LEVEL = seconds(2);
const MOST_TRIALS = 2;

/** Undefined where the loads are the same, nothing won, or no time is left. */
export async function runEqualLoad(
  options: StudyOptions,
  runner: TrialRunner,
  { portable, engine }: Decision,
  rounds: readonly Round[],
  signal: AbortSignal,
): Promise<EqualLoad | undefined> {
  const winner = portable ?? engine;
  const defaults = rounds.flatMap((round) => round.filter(({ variant }) => variant.id === 'default'));
  const [base] = defaults;
  const own = rounds.flat().find(({ variant }) => variant.id === winner?.variant.id);
  const concurrency = loadOf(base);
  if (winner === undefined || concurrency === undefined || concurrency === loadOf(own)) return undefined;
  const known = runner.trials.filter(
    ({ record, variant }) => record.phase === 'equal_load' && variant.id === winner.variant.id,
  );
  const trials = [...known];
  while (trials.length < MOST_TRIALS && !signal.aborted && runner.left() >= runner.overhead() + LEVEL) {
    const trial = await runner.run({
      variant: winner.variant,
      phase: 'equal_load',
      concurrency,
      mayStepDown: false,
      duration: LEVEL,
      effort: 1,
      seed: deriveSeed(options.seed, SEED + trials.length),
    });
    if (trial === undefined) break;
    trials.push(trial);
  }
  const [ownValue, baseValue] = [meanValue(trials), meanValue(defaults)];
  if (ownValue === undefined || baseValue === undefined) return undefined;
  return {
    concurrency,
    gain: options.objective.direction === 'maximize' ? ownValue / baseValue : baseValue / ownValue,
    p99Ns: medianP99(trials),
    defaultP99Ns: medianP99(defaults),
  };
}

const loadOf = (trial: FinishedTrial | undefined): number | undefined => {
  const load = trial?.record.level?.load;
  return load?.kind === 'closed' ? load.concurrency : undefined;
};

/** Geometric, as gains are ratios. */
function meanValue(trials: readonly FinishedTrial[]): number | undefined {
  const values = trials.flatMap(({ value }) => value ?? []);
  return values.length === 0
    ? undefined
    : Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
