/** What the forest believes of untried variants: how well they score and whether they work at all. */
import type { Rng } from '../../common/random.js';
import { expectedImprovement } from './expected-improvement.js';
import type { LevelCode } from './level-code.js';
import { type ForestRow, fitForest } from './random-forest.js';
import { fitTrend } from './trend.js';
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
/** A forest is never sure that a variant fails. */
const LEAST_CHANCE = 0.02;

/** Fewer complete variants show no trend. */
const MIN_TREND_ROWS = 6;

export interface Surrogate {
  /** Expected improvement over `best`, times the chance that the variant works. */
  value(levels: Uint16Array, best: number): number;
}

/** `results` must not be empty. */
export function fitSurrogate(code: LevelCode, results: readonly VariantResult[], rng: Rng): Surrogate {
  const best = Math.max(...results.filter(isComplete).map(({ standing }) => standing.score));
  const scores = fitForest(code.features, scoreRows(results), rng);
  const hasFailures = results.some(isUnusable);
  const chances = hasFailures
    ? fitForest(
        code.features,
        results.map((result) => ({ levels: result.levels, target: isUnusable(result) ? 0 : 1 })),
        rng,
      )
    : undefined;
  const smooth = results.filter(isComplete).map(({ levels, standing }) => ({
    levels,
    target: Math.max(standing.score, best - DEEPEST),
    error: standing.error,
  }));
  const trend = smooth.length < MIN_TREND_ROWS ? undefined : fitTrend(code.features, smooth);
  return {
    value(levels, incumbentScore) {
      const forest = scores.predict(levels);
      const half = trend === undefined ? 0 : (trend.predict(levels) - forest.mean) / 2;
      // Where the two disagree, either may be right.
      const gain = expectedImprovement(forest.mean + half, forest.variance + half * half, incumbentScore, LEAST_GAIN);
      return chances === undefined ? gain : gain * Math.max(LEAST_CHANCE, chances.predict(levels).mean);
    },
  };
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
