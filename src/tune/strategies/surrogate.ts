/** What the search believes of untried variants: how well they score and whether they work at all. */
import type { Rng } from '../../common/random.js';
import { expectedImprovement, normalCdf } from './expected-improvement.js';
import { createGaussianModel, type GaussianModel, type GaussianProcess, type GaussianRow } from './gaussian-process.js';
import type { LevelCode } from './level-code.js';
import type { Standing } from './race.js';
import { type ForestRow, fitForest } from './random-forest.js';
import type { Feature } from './regression-tree.js';
import { isComplete, MARGIN_ERROR, type VariantResult } from './variant-results.js';

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
/** How near to a limit nothing is sure (a variance). */
const MARGIN_BLUR = 0.0009;
/** Margins count up to this, as logarithms; and a limit matters once something came as near as this. */
const MOST_MARGIN = 3;
const NEAR_MARGIN = 0.2;
/** A pair of values is given up after so many failures without anything else. */
const DEAD_AFTER = 3;
const DEAD_CHANCE = 1e-4;

/** With fewer complete variants the forest is asked, which also learns from the others. */
const MIN_SMOOTH_ROWS = 6;

export interface Surrogate {
  /**
   * Expected improvement over `best`, times the chance that the variant works. `doubt` is how many times as unsure of
   * itself the model is taken to be.
   */
  value(levels: Uint16Array, best: number, doubt?: number): number;
}

/** `results` must not be empty. */
export type FitSurrogate = (results: readonly VariantResult[]) => Surrogate;

/** Each fit learns on where the one before ended. */
export function createSurrogate(code: LevelCode, rng: Rng): FitSurrogate {
  const scoreModel = createGaussianModel(code.features, rng);
  const chanceModel = createGaussianModel(code.features, rng);
  const marginModels = new Map<string, GaussianModel>();
  return (results) => {
    const complete = results.filter(isComplete);
    const best = Math.max(...complete.map(({ standing }) => standing.score));
    // What misses a limit still says how fast its like are.
    const smooth = results.filter(isScored).map(({ levels, standing }) => ({
      levels,
      target: Math.max(standing.score, best - DEEPEST),
      error: standing.error,
    }));
    const scores: Pick<GaussianProcess, 'predict'> =
      complete.length === 0 || smooth.length < MIN_SMOOTH_ROWS
        ? fitForest(code.features, scoreRows(results), rng)
        : scoreModel.fit(smooth);
    const worksOf = results.some(isUnusable) ? fitChance(code, results, chanceModel, rng) : () => 1;
    const keepsOf = fitMargins(code, results, marginModels, rng);
    return {
      value(levels, incumbentScore, doubt = 1) {
        const { mean, variance } = scores.predict(levels);
        const gain = expectedImprovement(mean, doubt * doubt * variance, incumbentScore, LEAST_GAIN);
        // Far below anything that would be chosen, the chance is not worth its time.
        return gain < NEGLIGIBLE_GAIN ? gain * LEAST_CHANCE : gain * worksOf(levels) * keepsOf(levels);
      },
    };
  };
}

/** The chance that all limits are kept, from how far each was missed or kept. */
function fitMargins(
  { features }: LevelCode,
  results: readonly VariantResult[],
  models: Map<string, GaussianModel>,
  rng: Rng,
): (levels: Uint16Array) => number {
  const rowsOf = new Map<string, GaussianRow[]>();
  for (const { levels, margins } of results) {
    for (const [limit, margin] of Object.entries(margins?.byLimit ?? {})) {
      const rows = rowsOf.get(limit) ?? [];
      const target = Math.max(-MOST_MARGIN, Math.min(MOST_MARGIN, margin));
      rows.push({ levels, target, error: MARGIN_ERROR / Math.sqrt(margins!.effort) });
      rowsOf.set(limit, rows);
    }
  }
  // A limit that nothing came near decides nothing.
  const near = [...rowsOf].filter(([, rows]) => rows.some(({ target }) => target > -NEAR_MARGIN));
  const processes = near.map(([limit, rows]) => {
    const model = models.get(limit) ?? createGaussianModel(features, rng);
    models.set(limit, model);
    return model.fit(rows);
  });
  return (levels) =>
    processes.reduce((chance, process) => {
      const { mean, variance } = process.predict(levels);
      return chance * Math.max(LEAST_CHANCE, normalCdf(-mean / Math.sqrt(variance + MARGIN_BLUR)));
    }, 1);
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
function labelOf(result: VariantResult): number {
  if (!isUnusable(result)) return 1;
  return result.state === 'failed' ? -1 : -Math.min(1.5, 0.3 + Math.log1p(Math.max(0, result.violation)));
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

/** For another reason than a limit of which it is known how far it was missed. */
const isUnusable = ({ state, margins }: VariantResult): boolean =>
  state === 'failed' || (state === 'infeasible' && margins === undefined);

const isScored = (result: VariantResult): result is VariantResult & { readonly standing: Standing } =>
  result.standing !== undefined && (result.state === 'complete' || result.margins !== undefined);

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
