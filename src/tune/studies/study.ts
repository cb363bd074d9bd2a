/**
 * The study: measures the default, searches, confirms the best against the default in interleaved runs, and recommends
 * only what that proved. Knows neither servers nor files; both are injected.
 */
import { deriveSeed } from '../../common/random.js';
import { elapsed, type Nanos, nanos } from '../../common/units.js';
import type { StudyPlan, StudyRecord } from '../../record/study-record.js';
import { runConfirmation } from '../confirmation/confirmation.js';
import { decide } from '../confirmation/confirmation-verdict.js';
import { runEqualLoad } from '../confirmation/equal-load.js';
import { withErrorLimit } from '../objectives/error-limit.js';
import { nextProposal, type Strategy, type VariantParameters } from '../strategies/strategy.js';
import { endedEarly, hasStalled, isMeasuredDefault, measuredOnce, needsDefaultAgain } from '../trials/rival.js';
import { describeFit } from '../trials/slow-load.js';
import type { FinishedTrial } from '../trials/trial-outcome.js';
import { createTrialRunner, meanOverhead, type TrialRunner } from '../trials/trial-runner.js';
import { changedKnobs, variantKey } from '../variants/search-space.js';
import type { Variant } from '../variants/variants.js';
import { readEarlierTrials, startStrategy } from './study-earlier.js';
import { journalHeader } from './study-header.js';
import { searchConcurrency } from './study-load.js';
import type { StudyDependencies, StudyOptions } from './study-options.js';
import { assembleRecord } from './study-outcome.js';
import { COUNTED_VARIANTS, planStudy, searchLevelDuration } from './study-plan.js';
import { countAll, unchangedVariant, variantAt } from './study-variants.js';

/**
 * Runs the whole study within its budget. Failing variants are results. Rejects only when the journal cannot be
 * written; an interrupt gives the record of what was finished, with state `interrupted`.
 */
export async function runStudy(asked: StudyOptions, dependencies: StudyDependencies): Promise<StudyRecord> {
  const options = { ...asked, constraints: withErrorLimit(asked.constraints, asked.maxErrorRatio) };
  const startedAt = dependencies.now();
  const begun = dependencies.clock.now();
  const earlier = readEarlierTrials(options);
  const duration = options.earlier?.levelDuration ?? searchLevelDuration(options.budget);
  const plan = planStudy({
    budget: options.budget,
    used: options.usedNs ?? nanos(0),
    levelDuration: duration,
    overhead: meanOverhead(earlier),
    variantCount: countAll(options, COUNTED_VARIANTS),
    trialsDone: earlier.filter(({ record }) => record.phase === 'search').length,
  });
  await dependencies.journal.startJournal(journalHeader(options, startedAt, duration));
  dependencies.listener.onPlan?.(plan);
  let told = plan;
  // Planning a large space takes time too.
  const usedNs = nanos((options.usedNs ?? 0) + elapsed(begun, dependencies.clock.now()));
  const runner = createTrialRunner({ ...options, usedNs }, dependencies, plan, earlier);
  const { base, strategy } = await runSearch(options, dependencies, runner, duration, () => {
    const slow = planSlow(runner.trials, plan, options.budget);
    if (slow === undefined) return;
    dependencies.listener.onPlan?.(slow);
    told = slow;
  });
  const confirmed =
    base?.value === undefined || dependencies.signal.aborted
      ? { finalists: [], rounds: [] }
      : await runConfirmation(options, dependencies, runner, base);
  const decision = decide(confirmed.finalists, confirmed.rounds, options.objective);
  const equalLoad = await runEqualLoad(options, runner, decision, confirmed.rounds, dependencies.signal);
  return assembleRecord(options, {
    startedAt: options.earlier === undefined ? startedAt : new Date(options.earlier.startedAt),
    finishedAt: dependencies.now(),
    isInterrupted: dependencies.signal.aborted,
    usedNs: runner.used(),
    plan: told,
    base,
    strategy,
    trials: runner.trials,
    rounds: confirmed.rounds,
    decision,
    equalLoad,
  });
}

/** Variants that are looked at again at once after the host stalled; others wait for the end of the search. */
const MOST_LOOKS = 4;
/** Variants that are measured a second time when the search has ended before its time. */
const MOST_SECOND_LOOKS = 8;

interface Searched {
  /** The default's search trial; undefined when an interrupt came before its end. */
  readonly base: FinishedTrial | undefined;
  readonly strategy: Strategy;
}

/** The default, then what the strategy asks for while time is left. */
async function runSearch(
  options: StudyOptions,
  dependencies: StudyDependencies,
  runner: TrialRunner,
  duration: Nanos,
  onDefault: () => void,
): Promise<Searched> {
  const { space } = options;
  const unchanged = unchangedVariant(options);
  const search = (variant: Variant, effort: number, isUnasked?: true) =>
    runner.run({
      ...searchRequest(options, variant, unchanged, { effort, duration, trialCount: runner.trials.length }),
      ...(isUnasked && { isUnasked }),
    });
  const known = runner.trials.filter(({ record }) => record.phase === 'search');
  const base = known[0] ?? (await search(unchanged, 1));
  const strategy = startStrategy(options, base === undefined || known.length > 0 ? known : [base]);
  // Without a default there is nothing to be better than, and what breaks it would most likely break the rest.
  if (base?.value === undefined || isBeingConfirmed(options, runner)) return { base, strategy };
  if (known.length === 0) onDefault();
  const measured = new Map(known.map((trial) => [variantKey(space, trial.variant.parameters), trial]));
  while (!dependencies.signal.aborted && runner.hasTimeToSearch(duration)) {
    // Never instead of a variant: a small budget has no time for both.
    const hasTimeForBoth = runner.hasTimeToSearch(nanos(2 * duration + runner.overhead()));
    if (hasTimeForBoth && needsDefaultAgain(runner.trials, options.objective)) {
      await measureDefaultAgain();
      continue;
    }
    const proposal = nextProposal(strategy);
    if (proposal === undefined) break;
    const { parameters } = proposal;
    // A strategy that does not look at what it is told may ask for what an earlier part of the study measured.
    const repeated = strategy.propose === undefined ? measured.get(variantKey(space, parameters)) : undefined;
    if (repeated !== undefined) {
      strategy.tell(parameters, repeated.result, 1);
      continue;
    }
    // A long rung that no longer fits is run as far as a short one goes, so that the time left is used.
    const effort = runner.hasTimeToSearch(nanos(proposal.effort * duration)) ? proposal.effort : 1;
    const trial = await search(toVariant(parameters), effort);
    if (trial !== undefined) strategy.tell(parameters, trial.result, effort);
  }
  // One look may have met a host that stood in the way, and time that is left is better spent than kept.
  await lookAgain(endedEarly(runner.trials));
  await lookAgain(measuredOnce(runner.trials).slice(0, MOST_SECOND_LOOKS));
  return { base, strategy };

  /** What ended early while the host stood in everyone's way is no worse for that. */
  async function measureDefaultAgain(): Promise<void> {
    const before = runner.trials.findLast(isMeasuredDefault);
    const since = before === undefined ? 0 : runner.trials.lastIndexOf(before);
    const now = await search(unchanged, 1, true);
    if (hasStalled(before, now)) await lookAgain(endedEarly(runner.trials, since).slice(0, MOST_LOOKS));
  }

  async function lookAgain(variants: readonly Variant[]): Promise<void> {
    for (const variant of variants) {
      if (dependencies.signal.aborted || !runner.hasTimeToSearch(duration)) return;
      const trial = await search(variant, 1, true);
      if (trial !== undefined) strategy.tell(variant.parameters, trial.result, 1);
    }
  }

  function toVariant(parameters: VariantParameters): Variant {
    const isUnchanged = changedKnobs(space, parameters).length === 0;
    return isUnchanged ? unchanged : variantAt(options, parameters);
  }
}

/** The plan again where the default has shown that the model is slow, and the budget small for that. */
function planSlow([base]: readonly FinishedTrial[], plan: StudyPlan, budget: Nanos): StudyPlan | undefined {
  const { inferenceNs, durationNs } = base?.record ?? {};
  if (inferenceNs === undefined || durationNs === undefined) return undefined;
  const fit = describeFit(nanos(inferenceNs), nanos(durationNs), budget);
  if (fit === undefined) return undefined;
  const expectedTrials = Math.min(plan.expectedTrials, Math.max(1, Math.floor(budget / durationNs)));
  return { ...plan, expectedTrials, finalists: 0, rounds: 0, leftOut: [fit] };
}

/** A study that was resumed within its confirmation is past searching, unless it was given more time. */
const isBeingConfirmed = ({ earlier }: StudyOptions, { trials }: TrialRunner): boolean =>
  earlier !== undefined && !earlier.hasMoreTime && trials.some(({ record }) => record.phase === 'confirmation');

function searchRequest(
  { model, objective, concurrency, seed }: StudyOptions,
  variant: Variant,
  unchanged: Variant,
  { effort, duration, trialCount }: { effort: number; duration: Nanos; trialCount: number },
) {
  return {
    variant,
    phase: 'search' as const,
    concurrency: searchConcurrency(model, variant, unchanged, objective, concurrency),
    mayStepDown: concurrency === undefined && !objective.isLoadDependent,
    duration: nanos(effort * duration),
    effort,
    seed: deriveSeed(seed, trialCount),
  };
}
