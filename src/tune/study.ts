/**
 * The study: measures the default, searches, confirms the best against the default in interleaved runs, and recommends
 * only what that proved. Knows neither servers nor files; both are injected.
 */
import { deriveSeed } from '../common/random.js';
import { type Nanos, nanos, seconds } from '../common/units.js';
import type { StudyRecord } from '../record/study-record.js';
import { runConfirmation } from './confirmation.js';
import { decide } from './confirmation-verdict.js';
import { changedKnobs } from './search-space.js';
import { nextProposal } from './strategy.js';
import { searchConcurrency } from './study-load.js';
import type { StudyDependencies, StudyOptions } from './study-options.js';
import { assembleRecord } from './study-outcome.js';
import type { FinishedTrial } from './trial.js';
import { createTrialRunner, type TrialRunner } from './trial-runner.js';
import { createVariant, defaultVariant } from './variants.js';

const SEARCH_TRIAL_SHARE = 1 / 30;
const MIN_SEARCH_LEVEL = seconds(1);
const MAX_SEARCH_LEVEL = seconds(3);

/**
 * Runs the whole study within its budget. Failing variants are results. Rejects only when the journal cannot be
 * written; an interrupt gives the record of what was finished, with state `interrupted`.
 */
export async function runStudy(options: StudyOptions, dependencies: StudyDependencies): Promise<StudyRecord> {
  const startedAt = dependencies.now();
  const runner = createTrialRunner(options, dependencies);
  const duration = searchLevelDuration(options.budget);
  await dependencies.journal.startJournal(journalHeader(options, startedAt, duration));
  const base = await runSearch(options, dependencies, runner, duration);
  const confirmed =
    base?.value === undefined || dependencies.signal.aborted
      ? { finalists: [], rounds: [] }
      : await runConfirmation(options, dependencies, runner, base);
  const decision = decide(
    confirmed.finalists.map(({ variant }) => variant),
    confirmed.rounds,
    options.objective,
  );
  return assembleRecord(options, {
    startedAt,
    finishedAt: dependencies.now(),
    isInterrupted: dependencies.signal.aborted,
    base,
    trials: runner.trials,
    rounds: confirmed.rounds,
    decision,
  });
}

/** Longest time of a level in the search: about 2 s for a budget of a minute. */
export const searchLevelDuration = (budget: Nanos): Nanos =>
  nanos(Math.min(MAX_SEARCH_LEVEL, Math.max(MIN_SEARCH_LEVEL, budget * SEARCH_TRIAL_SHARE)));

/** The default, then what the strategy asks for while time is left. Returns the default's trial. */
async function runSearch(
  options: StudyOptions,
  dependencies: StudyDependencies,
  runner: TrialRunner,
  duration: Nanos,
): Promise<FinishedTrial | undefined> {
  const { model, space, context, objective, seed } = options;
  const strategy = options.createStrategy({ space, seed });
  const unchanged = defaultVariant(model, space);
  const search = (variant: typeof unchanged, effort: number): Promise<FinishedTrial | undefined> =>
    runner.run({
      variant,
      phase: 'search',
      concurrency: searchConcurrency(model, variant, unchanged, objective, options.concurrency),
      mayStepDown: options.concurrency === undefined && !objective.isLoadDependent,
      duration: nanos(effort * duration),
      seed: deriveSeed(seed, runner.trials.length),
    });

  const base = await search(unchanged, 1);
  // Without a default there is nothing to be better than, and what breaks it would most likely break the rest.
  if (base?.value === undefined) return base;
  strategy.tell(unchanged.parameters, base.result, 1);
  while (!dependencies.signal.aborted && runner.hasTimeToSearch(duration)) {
    const proposal = nextProposal(strategy);
    if (proposal === undefined) break;
    const { parameters } = proposal;
    // A long rung that no longer fits is run as far as a short one goes, so that the time left is used.
    const effort = runner.hasTimeToSearch(nanos(proposal.effort * duration)) ? proposal.effort : 1;
    const isUnchanged = changedKnobs(space, parameters).length === 0;
    const trial = await search(isUnchanged ? unchanged : createVariant(model, space, parameters, context), effort);
    if (trial !== undefined) strategy.tell(parameters, trial.result, effort);
  }
  return base;
}

function journalHeader(options: StudyOptions, startedAt: Date, duration: Nanos) {
  const { model, space, objective } = options;
  return {
    schema: 'perf-ts/journal@1' as const,
    model: model.name,
    startedAt: startedAt.toISOString(),
    seed: options.seed,
    strategy: options.strategyName,
    objective: { metric: objective.metric, direction: objective.direction },
    constraints: options.constraints.map(({ text }) => text),
    budgetNs: options.budget,
    levelDurationNs: duration,
    concurrency: options.concurrency ?? null,
    space: space.dimensions.map(({ name, values, defaultValue }) => ({ name, values, defaultValue })),
    defaultConfigPbtxt: model.configPbtxt ?? null,
  };
}
