/** Everything told of each variant, repeats pooled: what the races compare and the surrogate learns from. */
import { defaultParameters, variantKey } from '../variants/search-space.js';
import type { LevelCode } from './level-code.js';
import type { Standing } from './race.js';
import type { SearchSpace, TrialResult, VariantParameters } from './strategy.js';

/** Standard error, at effort 1, of a result that comes without one. */
const UNKNOWN_ERROR = 0.05;
/** What two runs of one variant differ by however long they are; no single run's own error shows it. */
const RUN_TO_RUN = 0.01;
/** Standard error of a margin at effort 1; and by how many of them a limit must be kept, so that a best on the brink is none. */
export const MARGIN_ERROR = 0.08;
const DOUBT = 0.5;

export interface VariantResult {
  readonly key: string;
  readonly parameters: VariantParameters;
  readonly levels: Uint16Array;
  /** Of the newest measurement, but whether limits are kept is judged by all together: one alone is often wrong near a limit. */
  readonly state: TrialResult['state'];
  readonly violation: number;
  /** All scores together, weighted by the inverse of their variances; undefined before there was one. */
  readonly standing: Standing | undefined;
  /** All together, weighted by effort; undefined where the newest has none. */
  readonly margins: Margins | undefined;
}

/** How far each limit was missed, as `TrialResult` has it, and for how long that was measured. */
export interface Margins {
  readonly byLimit: Readonly<Record<string, number>>;
  readonly effort: number;
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
      const margins = poolMargins(before?.margins, result, effort);
      const known: VariantResult = {
        key,
        parameters,
        levels: before?.levels ?? code.encode(parameters),
        ...judge(result, margins),
        standing: pool(before?.standing, result, effort),
        margins,
      };
      results.set(key, known);
      return known;
    },
  };
}

export const isComplete = (result: VariantResult): result is VariantResult & { readonly standing: Standing } =>
  result.state === 'complete' && result.standing !== undefined;

function judge(
  { state, violation = 0 }: TrialResult,
  margins: Margins | undefined,
): Pick<VariantResult, 'state' | 'violation'> {
  if (margins === undefined) return { state, violation };
  const doubt = DOUBT * Math.hypot(MARGIN_ERROR / Math.sqrt(margins.effort), RUN_TO_RUN);
  const missed = Object.values(margins.byLimit).reduce(
    (sum, margin) => sum + Math.max(0, Math.expm1(margin + doubt)),
    0,
  );
  return { state: missed > 0 ? 'infeasible' : 'complete', violation: missed };
}

function poolMargins(
  before: Margins | undefined,
  { state, score, margins }: TrialResult,
  effort: number,
): Margins | undefined {
  if (margins === undefined || score === undefined || (state !== 'complete' && state !== 'infeasible'))
    return undefined;
  if (before === undefined) return { byLimit: margins, effort };
  const all = before.effort + effort;
  const byLimit = Object.entries(margins).map(([limit, margin]): [string, number] => [
    limit,
    ((before.byLimit[limit] ?? margin) * before.effort + margin * effort) / all,
  ]);
  return { byLimit: Object.fromEntries(byLimit), effort: all };
}

function pool(before: Standing | undefined, result: TrialResult, effort: number): Standing | undefined {
  const isScored = result.state === 'complete' || (result.state === 'infeasible' && result.margins !== undefined);
  if (!isScored || result.score === undefined || !Number.isFinite(result.score)) return before;
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
