/**
 * Which knobs mattered, from finished trials: functional analysis of variance on a random forest (Hutter, Hoos,
 * Leyton-Brown 2014). A tree's leaves are boxes of knob values, so a mean over all other knobs is exact, not sampled.
 * Each tree saw another bootstrap sample, so the spread over the trees is the uncertainty.
 */
import { createRng } from '../../common/random.js';
import { createLevelCode, type LevelCode } from './level-code.js';
import { fitForest } from './random-forest.js';
import type { Feature, TreeNode } from './regression-tree.js';
import type { KnobValue, SearchSpace, TrialResult, VariantParameters } from './strategy.js';
import { scoreRows } from './surrogate.js';
import { createVariantResults } from './variant-results.js';

/** Fewer different variants say nothing about single knobs. */
const MIN_VARIANTS = 8;
const TREE_COUNT = 96;
/** Percentiles of the trees that bound an interval: 95 % of them lie inside. */
const [LOW, HIGH] = [0.025, 0.975];

export interface Bounds {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface KnobEffect {
  readonly value: KnobValue;
  /** Objective at this value over the objective at the default's value, the other knobs averaged out: 1.2 is 20 % better. */
  readonly gain: Bounds;
}

export interface KnobImportance {
  readonly name: string;
  /** Share of the score's variance over the space that this knob explains by itself, 0 to 1; interactions are nobody's. */
  readonly share: Bounds;
  /** One a value, in the order of the knob's values. */
  readonly effects: readonly KnobEffect[];
}

export interface TriedVariant {
  readonly parameters: VariantParameters;
  readonly result: TrialResult;
}

/**
 * The knobs by falling share; repeats of a variant count together, and only complete trials count. Empty when fewer
 * than eight different variants were complete. The same trials and seed give the same numbers. Values are taken as
 * equally likely and independent: a knob that acts only under another one shows a correspondingly small share.
 */
export function knobImportance(space: SearchSpace, tried: readonly TriedVariant[], seed = 1): KnobImportance[] {
  const code = createLevelCode(space);
  const results = createVariantResults(space, code);
  for (const { parameters, result } of tried) if (result.state === 'complete') results.tell(parameters, result, 1);
  const rows = scoreRows(results.complete());
  if (rows.length < MIN_VARIANTS) return [];
  const forest = fitForest(code.features, rows, createRng(seed), { treeCount: TREE_COUNT });
  const analyses = forest.trees.map((tree) => analyseTree(tree, code.features));
  return space.dimensions
    .map(({ name, defaultValue }, feature): KnobImportance => {
      const base = code.values[feature]!.indexOf(defaultValue);
      return {
        name,
        share: boundsOf(analyses.map(({ shares }) => shares[feature]!)),
        effects: effectsOf(code, feature, base, analyses),
      };
    })
    .sort((a, b) => b.share.value - a.share.value);
}

function effectsOf(code: LevelCode, feature: number, base: number, analyses: readonly TreeAnalysis[]): KnobEffect[] {
  return code.values[feature]!.map((value, level) => ({
    value,
    gain: boundsOf(analyses.map(({ marginals }) => Math.exp(marginals[feature]![level]! - marginals[feature]![base]!))),
  }));
}

interface TreeAnalysis {
  /** By feature: share of the tree's variance; all 0 for a tree without splits. */
  readonly shares: readonly number[];
  /** By feature and level: mean prediction over all other features. */
  readonly marginals: readonly Float64Array[];
}

/** A leaf is the box of `allowed` levels; its share of the space is the product of the allowed shares. */
function analyseTree(tree: TreeNode, features: readonly Feature[]): TreeAnalysis {
  const marginals = features.map(({ levelCount }) => new Float64Array(levelCount));
  let squares = 0;
  const visit = (node: TreeNode, allowed: readonly Uint8Array[], shares: readonly number[]): void => {
    const { split } = node;
    const volume = shares.reduce((product, share) => product * share, 1);
    if (volume === 0) return;
    if (split === undefined) {
      squares += volume * node.mean * node.mean;
      allowed.forEach((levels, feature) => {
        const others = (volume / shares[feature]!) * node.mean;
        for (let level = 0; level < levels.length; level++)
          if (levels[level] === 1) marginals[feature]![level]! += others;
      });
      return;
    }
    for (const side of [1, 0]) {
      const kept = allowed[split.feature]!.map((is, level) => (split.goesLeft[level] === side ? is : 0));
      const share = kept.reduce((sum, is) => sum + is, 0) / kept.length;
      visit(
        side === 1 ? split.left : split.right,
        allowed.with(split.feature, kept),
        shares.with(split.feature, share),
      );
    }
  };
  visit(
    tree,
    features.map(({ levelCount }) => new Uint8Array(levelCount).fill(1)),
    features.map(() => 1),
  );
  const mean = meanOf(marginals[0] ?? new Float64Array(1));
  const variance = squares - mean * mean;
  return {
    marginals,
    shares: marginals.map((means) => (variance > 1e-12 ? varianceAround(means, mean) / variance : 0)),
  };
}

const meanOf = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

const varianceAround = (values: Float64Array, mean: number): number =>
  values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;

function boundsOf(values: readonly number[]): Bounds {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))]!;
  return { value: meanOf(sorted), low: at(LOW), high: at(HIGH) };
}
