/** What a resumed study takes over: the trials of its journal, the strategy as it was, and the confirmation rounds. */
import type { Round } from '../confirmation/confirmation-verdict.js';
import { nextProposal, type SearchSpace, type Strategy, type VariantParameters } from '../strategies/strategy.js';
import { type FinishedTrial, readTrial } from '../trials/trial-outcome.js';
import { judgementOf } from '../trials/trial-runner.js';
import { changedKnobs, defaultParameters, variantKey } from '../variants/search-space.js';
import type { Variant } from '../variants/variants.js';
import type { StudyOptions } from './study-options.js';
import { unchangedVariant, variantAt } from './study-variants.js';

/**
 * The trials of the journal as this study sees them; none for a study that is not resumed. A trial whose knobs or values
 * are no longer in the space is left out, which happens only when a resume was forced.
 */
export function readEarlierTrials(options: StudyOptions): FinishedTrial[] {
  const { space, earlier } = options;
  const unchanged = unchangedVariant(options);
  return (earlier?.trials ?? []).flatMap((record): FinishedTrial[] => {
    const variant = record.variantId === 'default' ? unchanged : variantOf(record.parameters);
    return variant === undefined ? [] : [readTrial(record, variant, judgementOf(options, variant))];
  });

  function variantOf(parameters: VariantParameters): Variant | undefined {
    if (!isInSpace(space, parameters) || changedKnobs(space, parameters).length === 0) return undefined;
    return variantAt(options, parameters);
  }
}

function isInSpace(space: SearchSpace, parameters: VariantParameters): boolean {
  const names = space.dimensions.map(({ name }) => name);
  return Object.keys(parameters).every((name) => names.includes(name)) && space.isLegal(parameters);
}

/**
 * A strategy that knows `trials`, those of the search in their order, the default first. The same seed asks for the same
 * variants, so asking again brings it to the very state it was in; should it ask for another, it is told all instead.
 */
export function startStrategy(
  { createStrategy, space, seed }: StudyOptions,
  trials: readonly FinishedTrial[],
): Strategy {
  const [base, ...others] = trials;
  const strategy = createStrategy({ space, seed });
  if (base === undefined) return strategy;
  strategy.tell(defaultParameters(space), base.result, 1);
  for (const trial of others) {
    if (trial.record.isUnasked === true) {
      if (trial.variant.id !== 'default') strategy.tell(trial.variant.parameters, trial.result, effortOf(trial));
      continue;
    }
    const proposal = nextProposal(strategy);
    const isSame =
      proposal !== undefined && variantKey(space, proposal.parameters) === variantKey(space, trial.variant.parameters);
    if (!isSame) return tellAll(createStrategy({ space, seed }), trials);
    strategy.tell(proposal.parameters, trial.result, effortOf(trial));
  }
  return strategy;
}

function tellAll(strategy: Strategy, trials: readonly FinishedTrial[]): Strategy {
  for (const trial of trials.filter(({ record, variant }) => record.isUnasked !== true || variant.id !== 'default'))
    strategy.tell(trial.variant.parameters, trial.result, effortOf(trial));
  return strategy;
}

const effortOf = ({ record }: FinishedTrial): number => record.effort ?? 1;

export interface EarlierRounds {
  /** The complete ones, in order. */
  readonly rounds: Round[];
  /** Index that no round has had yet. */
  readonly nextIndex: number;
}

/** The confirmation rounds among `trials`; one that was cut off by the end of an earlier part proves nothing and is left out. */
export function readRounds(trials: readonly FinishedTrial[]): EarlierRounds {
  const byIndex = new Map<number, FinishedTrial[]>();
  for (const trial of trials) {
    const { phase, round } = trial.record;
    if (phase === 'confirmation' && round !== undefined) byIndex.set(round, [...(byIndex.get(round) ?? []), trial]);
  }
  const indices = [...byIndex.keys()].sort((a, b) => a - b);
  return {
    rounds: indices.map((index) => byIndex.get(index)!).filter((round) => round.length === round[0]?.record.roundSize),
    nextIndex: (indices.at(-1) ?? -1) + 1,
  };
}
