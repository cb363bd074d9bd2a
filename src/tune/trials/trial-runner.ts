/** Runs the trials of one study, one after the other: numbers them, journals each before the next, learns what they cost. */
import { elapsed, millis, type Nanos, nanos, seconds } from '../../common/units.js';
import type { StudyPlan } from '../../record/study-record.js';
import { busyInFlight } from '../studies/study-load.js';
import type { StudyDependencies, StudyOptions, StudyStanding } from '../studies/study-options.js';
import { confirmationReserve, FIRST_OVERHEAD } from '../studies/study-plan.js';
import { servedModels, type Variant } from '../variants/variants.js';
import { bestComplete, findRival } from './rival.js';
import { runTrial, type TrialOptions } from './trial.js';
import { limitsOf, needsComparison } from './trial-accuracy.js';
import type { FinishedTrial, Judgement } from './trial-outcome.js';
import { LevelRises } from './trial-watch.js';

/** Variants that are tried also at the cost of confirmation's share, if three short rounds of one finalist remain. */
const MIN_VARIANTS = 2;
const LEAST_PROOF = { trials: 6, level: seconds(0.5) };
/** What no trial of the search may take of confirmation's share. */
const WHOLE_PROOF = { trials: 6, level: seconds(1) };
/** A search that overruns may use this share of what is kept for confirmation. */
const OVERRUN_SHARE = 0.25;
/** A variant may take this many times as long as the default, and at least `MIN_LIMIT`. */
const PATIENCE = 4;
const MIN_LIMIT = seconds(5);
/** A trial that was planned to fit is not cut off for being this much later. */
const GRACE = seconds(0.5);
/** A level of a slow model should take this share of the budget. */
const SLOW_LEVEL_SHARE = 1 / 15;
/** Starting and stopping a server is estimated from this many trials; before any, it is guessed. */
const RECENT_TRIALS = 5;

export type TrialRequest = Pick<
  TrialOptions,
  'variant' | 'phase' | 'concurrency' | 'mayStepDown' | 'duration' | 'effort' | 'round' | 'isUnasked' | 'seed'
>;

export interface TrialRunner {
  /** Undefined when the user's interrupt ended it. */
  run(request: TrialRequest): Promise<FinishedTrial | undefined>;
  /** Every finished trial, in order, those of an earlier part of the study first. */
  readonly trials: readonly FinishedTrial[];
  /** Of the budget, earlier parts of the study included. */
  used(): Nanos;
  /** Time left in the whole budget. */
  left(): Nanos;
  /** Whether another search trial with a level of `duration` fits beside what confirmation needs. */
  hasTimeToSearch(duration: Nanos): boolean;
  /** What a trial costs beside its level, on average of late. */
  overhead(): Nanos;
}

/** `earlier` are the trials that an earlier part of the study finished. */
export function createTrialRunner(
  options: StudyOptions,
  dependencies: StudyDependencies,
  plan: StudyPlan,
  earlier: readonly FinishedTrial[] = [],
): TrialRunner {
  const { clock, journal, listener } = dependencies;
  const { budget, objective } = options;
  const started = clock.now();
  const trials: FinishedTrial[] = [...earlier];
  const savedVariants = new Set<string>();
  /** The default, where it was found slow; all are then measured alike. */
  const slowest = (): FinishedTrial['record'] | undefined =>
    trials.find(({ record }) => record.inferenceNs !== undefined)?.record;
  const closings: number[] = [];
  const rises = new LevelRises();
  const used = (): Nanos => nanos((options.usedNs ?? 0) + elapsed(started, clock.now()));
  const left = (): Nanos => nanos(budget - used());
  const overhead = (): Nanos => meanOverhead(trials);
  const reserve = (): Nanos => confirmationReserve(budget, overhead());

  async function saveVariant(whole: Variant): Promise<void> {
    if (savedVariants.has(whole.id)) return;
    for (const { model, variant } of servedModels(options.model, whole)) {
      if (variant.configPbtxt === undefined) continue;
      if (whole.members === undefined) await journal.saveVariant(whole.id, variant.configPbtxt);
      else await journal.saveVariant(whole.id, variant.configPbtxt, model.name);
    }
    savedVariants.add(whole.id);
  }

  /** When a trial is cut off, so that its server is gone when its time is over. */
  function limitOf({ phase, duration }: TrialRequest): Pick<TrialOptions, 'limit' | 'limitReason'> {
    const closing = Math.max(0, ...closings.slice(-RECENT_TRIALS));
    // Without the default there is nothing to prove.
    const proof = trials.length === 0 ? 0 : Math.min(reserve(), WHOLE_PROOF.trials * (overhead() + WHOLE_PROOF.level));
    const searchEnd =
      trials.length === 0
        ? left()
        : Math.max(
            left() - Math.max((1 - OVERRUN_SHARE) * reserve(), proof),
            Math.min(left(), 1.5 * (overhead() + duration)),
          );
    const end = (phase === 'search' ? searchEnd : left()) - closing + GRACE;
    const patience = patienceFor(trials[0], duration);
    return {
      limit: nanos(Math.max(0, Math.min(end, patience))),
      limitReason:
        patience < end
          ? 'took several times as long as the default'
          : 'the time for it was over before it was measured',
    };
  }

  /** Variants have at most the default's requests in flight: more would wait longer than a level has time. */
  function slowOptions({ concurrency, duration }: TrialRequest): Partial<TrialOptions> {
    const slowLevelTime = nanos(Math.max(duration, SLOW_LEVEL_SHARE * budget));
    if (trials.length === 0)
      return { slowLevelTime, firstOfBudget: { budget, isLoadFixed: options.concurrency !== undefined } };
    const known = slowest();
    if (known?.inferenceNs === undefined) return {};
    const load = known.level?.load;
    const most = load?.kind === 'closed' ? load.concurrency : concurrency;
    return { slowLevelTime, inferenceNs: nanos(known.inferenceNs), concurrency: Math.min(concurrency, most) };
  }

  const standing = (): StudyStanding => ({
    trialCount: trials.length,
    expectedTrials: plan.expectedTrials,
    elapsedNs: used(),
    best: bestOf(trials),
  });

  return {
    trials,
    used,
    left,
    overhead,
    hasTimeToSearch(duration) {
      const cost = overhead() + duration;
      if (left() - reserve() >= cost) return true;
      // However small the budget, a search should have searched something.
      if (trials.length <= MIN_VARIANTS && left() >= cost + LEAST_PROOF.trials * (overhead() + LEAST_PROOF.level)) {
        return true;
      }
      // What the first trial cost, in which all is cold, is a poor guess for the next.
      return trials.length === 1 && left() >= (slowest() === undefined ? 2 : 1) * cost;
    },
    async run(request) {
      const { variant, phase, concurrency } = request;
      const id = trials.length === 0 && variant.id === 'default' ? 'default' : `trial-${trials.length}`;
      await saveVariant(variant);
      const startedNs = used();
      listener.onTrialStart({ id, phase, variant, concurrency, elapsedNs: startedNs, budgetNs: budget });
      const { limit, limitReason } = limitOf(request);
      const trial = await runTrial(
        {
          ...request,
          ...slowOptions(request),
          ...judgementOf(options, variant),
          id,
          limit,
          limitReason,
          startedNs,
          rises,
          comparesAnswers: needsComparison(variant, options.constraints),
          knownAccuracy: trials.find((trial) => trial.variant.id === variant.id && trial.record.accuracy)?.record
            .accuracy,
          rival: phase === 'search' ? findRival(trials, variant, objective, startedNs) : undefined,
        },
        {
          ...dependencies,
          onProgress: (progress) => listener.onProgress(progress),
          onClosed: (closingNs) => closings.push(closingNs),
        },
      );
      if (trial === undefined) return undefined;
      trials.push(trial);
      await journal.appendTrial(trial.record);
      listener.onTrial(trial.record, standing());
      return trial;
    },
  };
}

/** How a trial of `variant` is judged in this study. */
export const judgementOf = ({ objective, constraints, model }: StudyOptions, variant: Variant): Judgement => ({
  objective,
  constraints: limitsOf(variant, constraints),
  busyInFlight: busyInFlight(model, variant),
});

/** Of the newest trials; a guess where there are none. */
export function meanOverhead(trials: readonly FinishedTrial[]): Nanos {
  const known = trials.filter(({ measuredNs }) => measuredNs > 0).slice(-RECENT_TRIALS);
  if (known.length === 0) return FIRST_OVERHEAD;
  const sum = known.reduce((total, trial) => total + besideLevel(trial), 0);
  return nanos(Math.max(0, sum / known.length));
}

/** The shortest level that confirmation plans with. */
const SHORTEST_LEVEL = millis(500);

/** Levels of a slow model are as long as its requests, whatever time they were given: all but the shortest is beside it. */
const besideLevel = ({ record, measuredNs }: FinishedTrial): number =>
  record.durationNs - (record.inferenceNs === undefined ? measuredNs : Math.min(SHORTEST_LEVEL, measuredNs));

/** The first trial, the default, has all the time there is; the others are compared with it. */
function patienceFor(first: FinishedTrial | undefined, duration: Nanos): number {
  if (first === undefined) return Number.POSITIVE_INFINITY;
  return Math.max(MIN_LIMIT, PATIENCE * first.record.durationNs) + 2 * duration;
}

function bestOf(trials: readonly FinishedTrial[]): StudyStanding['best'] {
  const best = bestComplete(trials);
  const base = trials.find(({ variant }) => variant.id === 'default')?.result;
  if (best?.result.score === undefined || base?.state !== 'complete' || base.score === undefined) return undefined;
  const error = 1.96 * Math.hypot(best.result.scoreError ?? 0, base.scoreError ?? 0);
  const gain = best.result.score - base.score;
  const hasError = error > 0 && best.variant.id !== 'default';
  return {
    trial: best.record,
    gain: {
      value: Math.exp(gain),
      low: hasError ? Math.exp(gain - error) : null,
      high: hasError ? Math.exp(gain + error) : null,
    },
  };
}
