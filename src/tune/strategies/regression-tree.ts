/**
 * One regression tree over small-integer features: splits that lower the weighted variance most, as in CART (Breiman,
 * Friedman, Olshen, Stone 1984). A categorical feature is split along the order of its levels' means, which finds the
 * best two-way partition for variance (Fisher 1958). Sums are kept per level, so a node costs its rows, not a sort.
 */
import type { Rng } from '../../common/random.js';

export interface Feature {
  readonly levelCount: number;
  /** Splits by threshold when true, by any set of levels otherwise. */
  readonly isOrdered: boolean;
}

/** Rows to learn from: `columns[feature][row]` is a level, `weights` multiply a row's share and may be 0. */
export interface TreeTable {
  readonly features: readonly Feature[];
  readonly columns: readonly Uint16Array[];
  readonly targets: Float64Array;
  readonly weights: Float64Array;
}

export interface TreeOptions {
  /** Share of the features looked at in each node. */
  readonly featureShare: number;
  /** Nodes with fewer rows are leaves. */
  readonly minSplit: number;
}

export interface TreeNode {
  /** Weighted mean of the node's rows: the prediction of a leaf. */
  readonly mean: number;
  readonly split: TreeSplit | undefined;
}

export interface TreeSplit {
  readonly feature: number;
  /** By level: 1 goes left. */
  readonly goesLeft: Uint8Array;
  readonly left: TreeNode;
  readonly right: TreeNode;
}

/** Below this share of the node's own variance a split separates rounding errors. */
const LEAST_GAIN = 1e-9;

/** A tree over `rows` (row numbers; a row may stand there several times). */
export function fitTree(table: TreeTable, rows: Uint32Array, options: TreeOptions, rng: Rng): TreeNode {
  const { columns, targets, weights } = table;
  let total = 0;
  let weighted = 0;
  let squares = 0;
  for (const row of rows) {
    const [weight, target] = [weights[row]!, targets[row]!];
    total += weight;
    weighted += weight * target;
    squares += weight * target * target;
  }
  const mean = total > 0 ? weighted / total : 0;
  const spread = squares - mean * weighted;
  if (rows.length < options.minSplit || spread <= 1e-12) return { mean, split: undefined };
  const best = findSplit(table, rows, (weighted * weighted) / total, options, rng);
  if (best === undefined || best.gain <= LEAST_GAIN * spread) return { mean, split: undefined };
  const { feature, goesLeft } = best;
  const column = columns[feature]!;
  const left = rows.filter((row) => goesLeft[column[row]!] === 1);
  const right = rows.filter((row) => goesLeft[column[row]!] === 0);
  if (left.length === 0 || right.length === 0) return { mean, split: undefined };
  return {
    mean,
    split: {
      feature,
      goesLeft,
      left: fitTree(table, left, options, rng),
      right: fitTree(table, right, options, rng),
    },
  };
}

export function predictTree(tree: TreeNode, levels: Uint16Array): number {
  let node = tree;
  for (let split = node.split; split !== undefined; split = node.split) {
    node = split.goesLeft[levels[split.feature]!] === 1 ? split.left : split.right;
  }
  return node.mean;
}

interface FoundSplit {
  readonly feature: number;
  readonly goesLeft: Uint8Array;
  readonly gain: number;
}

function findSplit(
  table: TreeTable,
  rows: Uint32Array,
  base: number,
  options: TreeOptions,
  rng: Rng,
): FoundSplit | undefined {
  const { features } = table;
  const count = Math.max(1, Math.round(options.featureShare * features.length));
  let best: FoundSplit | undefined;
  const order = shuffled(features.length, rng);
  for (let index = 0; index < order.length; index++) {
    // Features that cannot split these rows do not use up the share.
    if (index >= count && best !== undefined) break;
    const found = splitFeature(table, rows, order[index]!, base, rng);
    if (found !== undefined && (best === undefined || found.gain > best.gain)) best = found;
  }
  return best;
}

/** The cut along the feature's present levels with the largest sum of squared means, weighted. */
function splitFeature(
  { features, columns, targets, weights }: TreeTable,
  rows: Uint32Array,
  feature: number,
  base: number,
  rng: Rng,
): FoundSplit | undefined {
  const { levelCount, isOrdered } = features[feature]!;
  const column = columns[feature]!;
  const weightOf = new Float64Array(levelCount);
  const sumOf = new Float64Array(levelCount);
  let allWeight = 0;
  let allSum = 0;
  for (const row of rows) {
    const [level, weight] = [column[row]!, weights[row]!];
    weightOf[level]! += weight;
    sumOf[level]! += weight * targets[row]!;
    allWeight += weight;
    allSum += weight * targets[row]!;
  }
  const present: number[] = [];
  for (let level = 0; level < levelCount; level++) if (weightOf[level]! > 0) present.push(level);
  if (present.length < 2) return undefined;
  if (!isOrdered) present.sort((a, b) => sumOf[a]! / weightOf[a]! - sumOf[b]! / weightOf[b]!);
  let cut = 0;
  let most = Number.NEGATIVE_INFINITY;
  let weight = 0;
  let sum = 0;
  for (let index = 0; index + 1 < present.length; index++) {
    weight += weightOf[present[index]!]!;
    sum += sumOf[present[index]!]!;
    const value = (sum * sum) / weight + (allSum - sum) ** 2 / (allWeight - weight);
    if (value > most) {
      most = value;
      cut = index;
    }
  }
  return { feature, goesLeft: cutLevels(levelCount, isOrdered, present, cut, rng), gain: most - base };
}

/**
 * Levels left of the cut. Levels that no row has fall where a threshold drawn between its neighbours puts them, or, in
 * an unordered feature, on a side drawn for each: trees then differ where nothing is known, which is what makes their
 * spread an uncertainty.
 */
function cutLevels(levelCount: number, isOrdered: boolean, present: readonly number[], cut: number, rng: Rng) {
  const goesLeft = new Uint8Array(levelCount);
  if (isOrdered) {
    const low = present[cut]!;
    const gap = present[cut + 1]! - low;
    goesLeft.fill(1, 0, low + 1 + rng.int(gap));
    return goesLeft;
  }
  const known = new Set(present);
  for (let level = 0; level < levelCount; level++) if (!known.has(level)) goesLeft[level] = rng.int(2);
  for (let index = 0; index <= cut; index++) goesLeft[present[index]!] = 1;
  return goesLeft;
}

function shuffled(count: number, rng: Rng): number[] {
  const order = Array.from({ length: count }, (_, index) => index);
  for (let index = count - 1; index > 0; index--) {
    const other = rng.int(index + 1);
    [order[index], order[other]] = [order[other]!, order[index]!];
  }
  return order;
}
