/** Regression trees on bootstrap samples (Breiman 2001): a mean, and the trees' disagreement as its uncertainty. */
import type { Rng } from '../../common/random.js';
import { type Feature, fitTree, predictTree, type TreeNode } from './regression-tree.js';

export interface ForestRow {
  readonly levels: Uint16Array;
  readonly target: number;
  /** Relative trust; 1 unless given. */
  readonly weight?: number;
}

export interface ForestOptions {
  readonly treeCount?: number;
  readonly featureShare?: number;
  readonly minSplit?: number;
}

export interface Prediction {
  readonly mean: number;
  /** Variance over the trees. */
  readonly variance: number;
}

export interface Forest {
  readonly trees: readonly TreeNode[];
  predict(levels: Uint16Array): Prediction;
}

const TREE_COUNT = 24;
const FEATURE_SHARE = 0.75;
const MIN_SPLIT = 4;

/** Throws RangeError without rows. The same rows and generator state give the same forest. */
export function fitForest(
  features: readonly Feature[],
  rows: readonly ForestRow[],
  rng: Rng,
  options: ForestOptions = {},
): Forest {
  if (rows.length === 0) throw new RangeError('no forest from no rows');
  const table = {
    features,
    columns: features.map((_, feature) => Uint16Array.from(rows, ({ levels }) => levels[feature]!)),
    targets: Float64Array.from(rows, ({ target }) => target),
    weights: Float64Array.from(rows, ({ weight = 1 }) => weight),
  };
  const { treeCount = TREE_COUNT, featureShare = FEATURE_SHARE, minSplit = MIN_SPLIT } = options;
  const trees = Array.from({ length: treeCount }, () => {
    const sample = Uint32Array.from(rows, () => rng.int(rows.length));
    return fitTree(table, sample, { featureShare, minSplit }, rng);
  });
  return {
    trees,
    predict(levels) {
      let sum = 0;
      let squares = 0;
      for (const tree of trees) {
        const value = predictTree(tree, levels);
        sum += value;
        squares += value * value;
      }
      const mean = sum / trees.length;
      return { mean, variance: Math.max(0, squares / trees.length - mean * mean) };
    },
  };
}
