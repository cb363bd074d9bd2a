/** What the search believes of untried variants: how well they score and whether they work at all. */
import type { Rng } from '../../common/random.js';
import { expectedImprovement, normalCdf } from './expected-improvement.js';
import { createGaussianModel, type GaussianModel, type GaussianProcess } from './gaussian-process.js';
import type { LevelCode } from './level-code.js';
import { type ForestRow, fitForest } from './random-forest.js';
import type { Feature } from './regression-tree.js';
import { isComplete, type VariantResult } from './variant-results.js';

/** Scores are clipped this far below the best: how bad the bad ones are must not cost splits. */
const DEEPEST = 3;
/** An infeasible variant stands below every feasible one, the farther the more it missed, up to this. */
const DEEPEST_MISS = 1.5;
/** ... and a failed or cut-off one this far below. */
const FAILURE_DROP = 0.3;
/** Gains below this are not worth a trial. */
const LEAST_GAIN = 0.005;
/** Noise that no measurement's own error shows; keeps precise rows from outweighing all others. */
const COMMON_NOISE = 0.05;
/** It is never sure that a variant fails. */
const LEAST_CHANCE = 0.005;
const NEGLIGIBLE_GAIN = 1e-5;
/** Noise of a label, and how far from 0 the smooth model must be to be sure (a variance). */
const LABEL_ERROR = 0.2;
const LABEL_BLUR = 0.05;
/** A pair of values is given up after so many failures without anything else. */
const DEAD_AFTER = 3;
const DEAD_CHANCE = 1e-4;

/** With fewer complete variants the forest is asked, which also learns from the others. */
const MIN_SMOOTH_ROWS = 6;

export interface Surrogate {
  /** Expected improvement over `best`, times the chance that the variant works. */
  value(levels: Uint16Array, best: number): number;
}

/** `results` must not be empty. */
export type FitSurrogate = (results: readonly VariantResult[]) => Surrogate;

/** Each fit learns on where the one before ended. */
export function createSurrogate(code: LevelCode, rng: Rng): FitSurrogate {
  const scoreModel = createGaussianModel(code.features, rng);
  const chanceModel = createGaussianModel(code.features, rng);
  return (results) => {
    const complete = results.filter(isComplete);
    const best = Math.max(...complete.map(({ standing }) => standing.score));
    const smooth = complete.map(({ levels, standing }) => ({
      levels,
      target: Math.max(standing.score, best - DEEPEST),
      error: standing.error,
    }));
    const scores: Pick<GaussianProcess, 'predict'> =
      smooth.length < MIN_SMOOTH_ROWS ? fitForest(code.features, scoreRows(results), rng) : scoreModel.fit(smooth);
    const chanceOf = results.some(isUnusable) ? fitChance(code, results, chanceModel, rng) : () => 1;
    return {
      value(levels, incumbentScore) {
        const { mean, variance } = scores.predict(levels);
        const gain = expectedImprovement(mean, variance, incumbentScore, LEAST_GAIN);
        // Far below anything that would be chosen, the chance is not worth its time.
        return gain < NEGLIGIBLE_GAIN ? gain * LEAST_CHANCE : gain * chanceOf(levels);
      },
    };
  };
}

/** The mean of what a forest says, which sees cliffs, and a smooth model, which sees where they lead. */
function fitChance(
  { features }: LevelCode,
  results: readonly VariantResult[],
  model: GaussianModel,
  rng: Rng,
): (levels: Uint16Array) => number {
  const forest = fitForest(
    features,
    results.map((result) => ({ levels: result.levels, target: isUnusable(result) ? 0 : 1 })),
    rng,
  );
  const smooth = model.fit(
    results.map((result) => ({ levels: result.levels, target: labelOf(result), error: LABEL_ERROR })),
  );
  const isDead = findDeadPairs(features, results);
  return (levels) => {
    if (isDead(levels)) return DEAD_CHANCE;
    const { mean, variance } = smooth.predict(levels);
    const smoothChance = normalCdf(mean / Math.sqrt(variance + LABEL_BLUR));
    return Math.max(LEAST_CHANCE, (forest.predict(levels).mean + smoothChance) / 2);
  };
}

/** 1 works, -1 fails; an infeasible one the farther below 0 the more it missed. */
function labelOf({ state, violation }: VariantResult): number {
  if (state === 'infeasible') return -Math.min(1.5, 0.3 + Math.log1p(Math.max(0, violation)));
  return state === 'failed' ? -1 : 1;
}

/** Pairs of unordered values, such as a provider and a precision, of which every variant failed, several times over. */
function findDeadPairs(
  features: readonly Feature[],
  results: readonly VariantResult[],
): (levels: Uint16Array) => boolean {
  const unordered = features.flatMap(({ isOrdered }, at) => (isOrdered ? [] : [at]));
  const pairs = unordered.flatMap((a) =>
    unordered.filter((b) => b > a).map((b) => ({ a, b, failures: new Map<number, number>() })),
  );
  for (const { levels, state } of results) {
    for (const { a, b, failures } of pairs) {
      const at = levels[a]! * features[b]!.levelCount + levels[b]!;
      failures.set(at, state === 'failed' ? (failures.get(at) ?? 0) + 1 : Number.NEGATIVE_INFINITY);
    }
  }
  return (levels) =>
    pairs.some(
      ({ a, b, failures }) => (failures.get(levels[a]! * features[b]!.levelCount + levels[b]!) ?? 0) >= DEAD_AFTER,
    );
}

const isUnusable = ({ state }: VariantResult): boolean => state === 'failed' || state === 'infeasible';

/** Targets on one scale: scores where there are any, below them a slope that leads out of the infeasible. */
export function scoreRows(results: readonly VariantResult[]): ForestRow[] {
  const scores = results.filter(isComplete).map(({ standing }) => standing.score);
  const [best, worst] = scores.length === 0 ? [0, 0] : [Math.max(...scores), Math.min(...scores)];
  const floor = Math.max(worst, best - DEEPEST);
  return results.map((result): ForestRow => {
    const { levels } = result;
    if (isComplete(result)) {
      const { score, error } = result.standing;
      return { levels, target: Math.max(score, best - DEEPEST), weight: 1 / (error ** 2 + COMMON_NOISE ** 2) };
    }
    // Half the logarithm of how many times the limit was exceeded.
    const miss = Math.min(DEEPEST_MISS, 0.5 * Math.log1p(Math.max(0, result.violation)));
    const drop = result.state === 'infeasible' ? miss : FAILURE_DROP;
    return { levels, target: floor - drop, weight: 1 / (2 * COMMON_NOISE ** 2) };
  });
}
