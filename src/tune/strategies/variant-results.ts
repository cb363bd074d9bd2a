/** Everything told of each variant, repeats pooled: what the races compare and the surrogate learns from. */
import { defaultParameters, variantKey } from '../search-space.js';
import type { SearchSpace, TrialResult, VariantParameters } from '../strategy.js';
import type { LevelCode } from './level-code.js';
import type { Standing } from './race.js';

/** Standard error, at effort 1, of a result that comes without one. */
const UNKNOWN_ERROR = 0.05;
/** What two runs of one variant differ by however long they are; no single run's own error shows it. */
const RUN_TO_RUN = 0.01;

export interface VariantResult {
  readonly key: string;
  readonly parameters: VariantParameters;
  readonly levels: Uint16Array;
  /** Of the newest measurement. */
  readonly state: TrialResult['state'];
  readonly violation: number;
  /** All scores together, weighted by the inverse of their variances; undefined before there was one. */
  readonly standing: Standing | undefined;
}

export interface VariantResults {
  tell(parameters: VariantParameters, result: TrialResult, effort: number): VariantResult;
  get(key: string): VariantResult | undefined;
  all(): readonly VariantResult[];
  /** The complete ones. */
  complete(): readonly (VariantResult & { readonly standing: Standing })[];
}

export function createVariantResults(space: SearchSpace, code: LevelCode): VariantResults {
  const results = new Map<string, VariantResult>();
  const defaults = defaultParameters(space);
  return {
    get: (key) => results.get(key),
    all: () => [...results.values()],
    complete: () => [...results.values()].filter(isComplete),
    tell(given, result, effort) {
      const parameters = space.canonicalize({ ...defaults, ...given });
      const key = variantKey(space, parameters);
      const before = results.get(key);
      const known: VariantResult = {
        key,
        parameters,
        levels: before?.levels ?? code.encode(parameters),
        state: result.state,
        violation: result.violation ?? 0,
        standing: pool(before?.standing, result, effort),
      };
      results.set(key, known);
      return known;
    },
  };
}

export const isComplete = (result: VariantResult): result is VariantResult & { readonly standing: Standing } =>
  result.state === 'complete' && result.standing !== undefined;

function pool(before: Standing | undefined, result: TrialResult, effort: number): Standing | undefined {
  if (result.state !== 'complete' || result.score === undefined || !Number.isFinite(result.score)) return before;
  const error = Math.hypot(result.scoreError ?? UNKNOWN_ERROR / Math.sqrt(effort), RUN_TO_RUN);
  const measured = { score: result.score, error };
  if (before === undefined) return { ...measured, effort };
  return { ...combine(before, measured), effort: before.effort + effort };
}

/** Inverse-variance weighting: the estimate of least variance from independent ones. Errors must be above 0. */
export function combine(a: Omit<Standing, 'effort'>, b: Omit<Standing, 'effort'>): Omit<Standing, 'effort'> {
  const [one, other] = [a.error ** -2, b.error ** -2];
  return { score: (a.score * one + b.score * other) / (one + other), error: (one + other) ** -0.5 };
}
