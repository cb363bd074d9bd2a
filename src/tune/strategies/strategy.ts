/**
 * Ask/tell: a strategy proposes variants and learns from finished trials; the study owns the loop, the servers and the
 * clock. Call order: the study first tells the unchanged model's result, which is never asked for; then `ask` (or
 * `propose`) may be called again before the earlier variant is told, and `tell` is called once for each measurement.
 */
import type { TrialState } from '../../record/study-record.js';

export type KnobValue = string | number | boolean;

/** A knob's legal values in this study, in order from the default's neighbourhood outwards where they have an order. */
export interface SearchDimension {
  readonly name: string;
  readonly values: readonly KnobValue[];
  /** The value the unchanged model has. */
  readonly defaultValue: KnobValue;
  /** True when neighbouring values behave alike, so that a climb along them makes sense. */
  readonly isOrdered: boolean;
}

/** Knob values by knob name; complete for every dimension of the space. */
export type VariantParameters = Readonly<Record<string, KnobValue>>;

export interface SearchSpace {
  readonly dimensions: readonly SearchDimension[];
  /** Canonical form: values that have no effect here are set to their default, so equal variants compare equal. */
  canonicalize(parameters: VariantParameters): VariantParameters;
  isLegal(parameters: VariantParameters): boolean;
  /** Points known to be good elsewhere, worth trying early; legal, canonical, without the default. */
  readonly presets?: readonly VariantParameters[];
}

/** What a strategy learns of a trial. */
export interface TrialResult {
  readonly state: TrialState;
  /** Larger is better, and differences are relative gains: the logarithm of the objective, negated when that is minimised. Present when state is complete, and where only a limit was missed. */
  readonly score?: number;
  /** Standard error of `score`. */
  readonly scoreError?: number;
  /** Sum of relative constraint violations; feasible means <= 0. */
  readonly violation?: number;
  /**
   * How far each limit was missed, by its text: the logarithm of the value over the limit, negated for a lower limit, so
   * above 0 is a miss. Of all limits, or absent; limits on accuracy, which not every variant has, are not among them.
   */
  readonly margins?: Readonly<Record<string, number>>;
}

/** What to measure next, and how thoroughly. */
export interface Proposal {
  readonly parameters: VariantParameters;
  /** Length of the measurement in search levels: 1 is the shortest that the study makes, 3 lasts three times as long. */
  readonly effort: number;
}

export interface Strategy {
  readonly name: string;
  /** The next variant to try, or undefined when nothing is left that is worth trying. Never the same variant twice. */
  ask(): VariantParameters | undefined;
  /**
   * As `ask`, for a study that can measure at different lengths: short first, and a variant that may be the best again
   * and longer, the best so far included. A study calls either this or `ask`, never both; without it, every variant
   * asked for has effort 1. `nextProposal` hides the difference.
   */
  propose?(): Proposal | undefined;
  /**
   * The result of one measurement; one that repeats a variant tells of that measurement alone. A variant that was never
   * asked for, such as one of an earlier study, may be told too.
   */
  tell(parameters: VariantParameters, result: TrialResult, effort?: number): void;
  /** The variant taken for the best, with all measurements of it together; absent where the best single score is. */
  best?(): VariantParameters | undefined;
  /** What a search that went on could still be expected to gain at its next step, as a share; undefined while unknown. */
  remainingGain?(): number | undefined;
}

/** What `strategy` wants measured next, racing where it can; undefined when nothing is worth trying. */
export function nextProposal(strategy: Strategy): Proposal | undefined {
  if (strategy.propose !== undefined) return strategy.propose();
  const parameters = strategy.ask();
  return parameters === undefined ? undefined : { parameters, effort: 1 };
}

export interface StrategyOptions {
  readonly space: SearchSpace;
  readonly seed: number;
}

export type CreateStrategy = (options: StrategyOptions) => Strategy;
