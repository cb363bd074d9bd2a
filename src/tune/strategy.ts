/**
 * Ask/tell: a strategy proposes variants and learns from finished trials; the study owns the loop, the servers and the
 * clock. Call order: the study first tells the unchanged model's result, which is never asked for; then `ask` may be
 * called again before the earlier variant is told, and `tell` is called once for each asked variant.
 */
import type { TrialState } from '../record/study-record.js';

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
  /** Larger is better, and differences are relative gains: the logarithm of the objective, negated when that is minimised. Present when state is complete. */
  readonly score?: number;
  /** Standard error of `score`. */
  readonly scoreError?: number;
  /** Sum of relative constraint violations; feasible means <= 0. */
  readonly violation?: number;
}

export interface Strategy {
  readonly name: string;
  /** The next variant to try, or undefined when nothing is left that is worth trying. */
  ask(): VariantParameters | undefined;
  tell(parameters: VariantParameters, result: TrialResult): void;
}

export interface StrategyOptions {
  readonly space: SearchSpace;
  readonly seed: number;
}

export type CreateStrategy = (options: StrategyOptions) => Strategy;
