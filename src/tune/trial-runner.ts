/** Runs the trials of one study, one after the other: numbers them, journals each before the next, learns what they cost. */
import { elapsed, type Nanos, nanos, seconds } from '../common/units.js';
import { busyInFlight } from './study-load.js';
import type { StudyDependencies, StudyOptions } from './study-options.js';
import { type FinishedTrial, runTrial, type TrialOptions } from './trial.js';
import type { Variant } from './variants.js';

/** Share of the budget kept for confirmation; more where a small budget would not give a proof at all. */
const CONFIRMATION_SHARE = 0.4;
const MAX_CONFIRMATION_SHARE = 0.6;
/** What confirmation needs at least, and what it can use at most: trials and the length of their levels. */
const LEAST = { trials: 6, level: seconds(1) };
const MOST = { trials: 40, level: seconds(4) };
/** Variants that are tried also at the cost of that share, if two rounds of one finalist remain. */
const MIN_VARIANTS = 2;
const LEAST_PROOF_TRIALS = 4;
/** A search that overruns may use this share of what is kept for confirmation. */
const OVERRUN_SHARE = 0.25;
/** A variant may take this many times as long as the default, and at least `MIN_LIMIT`. */
const PATIENCE = 4;
const MIN_LIMIT = seconds(5);
/** Starting and stopping a server is estimated from this many trials; before any, it is guessed. */
const RECENT_TRIALS = 5;
const FIRST_OVERHEAD = seconds(1);

export type TrialRequest = Pick<
  TrialOptions,
  'variant' | 'phase' | 'concurrency' | 'mayStepDown' | 'duration' | 'seed'
>;

export interface TrialRunner {
  /** Undefined when the user's interrupt ended it. */
  run(request: TrialRequest): Promise<FinishedTrial | undefined>;
  /** Every finished trial, in order. */
  readonly trials: readonly FinishedTrial[];
  /** Time left in the whole budget. */
  left(): Nanos;
  /** Whether another search trial with a level of `duration` fits beside what confirmation needs. */
  hasTimeToSearch(duration: Nanos): boolean;
  /** What a trial costs beside its level, on average of late. */
  overhead(): Nanos;
}

export function createTrialRunner(options: StudyOptions, dependencies: StudyDependencies): TrialRunner {
  const { clock, journal, listener } = dependencies;
  const started = clock.now();
  const trials: FinishedTrial[] = [];
  const savedVariants = new Set<string>();
  const left = (): Nanos => nanos(options.budget - elapsed(started, clock.now()));
  const overhead = (): Nanos => meanOverhead(trials);
  const reserve = (): Nanos => confirmationReserve(options.budget, overhead());

  const searchEnd = (duration: Nanos): number =>
    Math.max(left() - (1 - OVERRUN_SHARE) * reserve(), Math.min(left(), 1.5 * (overhead() + duration)));

  async function saveVariant({ id, configPbtxt }: Variant): Promise<void> {
    if (savedVariants.has(id) || configPbtxt === undefined) return;
    await journal.saveVariant(id, configPbtxt);
    savedVariants.add(id);
  }

  return {
    trials,
    left,
    overhead,
    hasTimeToSearch(duration) {
      const cost = overhead() + duration;
      if (left() - reserve() >= cost) return true;
      // However small the budget, a search should have searched something.
      return trials.length <= MIN_VARIANTS && left() >= cost + LEAST_PROOF_TRIALS * (overhead() + LEAST.level);
    },
    async run(request) {
      const { variant, phase, concurrency } = request;
      const id = trials.length === 0 && variant.id === 'default' ? 'default' : `trial-${trials.length}`;
      const end = phase === 'search' ? searchEnd(request.duration) : left();
      const patience = patienceFor(trials[0], request.duration);
      const limit = nanos(Math.max(0, Math.min(end, patience)));
      const limitReason =
        patience < end
          ? 'took several times as long as the default'
          : 'the time for it was over before it was measured';
      await saveVariant(variant);
      listener.onTrialStart({
        id,
        phase,
        variant,
        concurrency,
        elapsedNs: elapsed(started, clock.now()),
        budgetNs: options.budget,
      });
      const { objective, constraints } = options;
      const trial = await runTrial(
        {
          ...request,
          id,
          limit,
          limitReason,
          objective,
          constraints,
          busyInFlight: busyInFlight(options.model, variant),
        },
        { ...dependencies, onProgress: (progress) => listener.onProgress(progress) },
      );
      if (trial === undefined) return undefined;
      trials.push(trial);
      await journal.appendTrial(trial.record);
      listener.onTrial(trial.record);
      return trial;
    },
  };
}

function confirmationReserve(budget: Nanos, overhead: Nanos): Nanos {
  const cost = ({ trials, level }: typeof LEAST): number => trials * (overhead + level);
  const wanted = Math.max(CONFIRMATION_SHARE * budget, Math.min(MAX_CONFIRMATION_SHARE * budget, cost(LEAST)));
  return nanos(Math.min(wanted, cost(MOST)));
}

function meanOverhead(trials: readonly FinishedTrial[]): Nanos {
  const known = trials.filter(({ measuredNs }) => measuredNs > 0).slice(-RECENT_TRIALS);
  if (known.length === 0) return FIRST_OVERHEAD;
  const sum = known.reduce((total, { record, measuredNs }) => total + record.durationNs - measuredNs, 0);
  return nanos(sum / known.length);
}

/** The first trial, the default, has all the time there is; the others are compared with it. */
function patienceFor(first: FinishedTrial | undefined, duration: Nanos): number {
  if (first === undefined) return Number.POSITIVE_INFINITY;
  return Math.max(MIN_LIMIT, PATIENCE * first.record.durationNs) + 2 * duration;
}
