import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRng } from '../../../src/common/random.js';
import { expectedImprovement, normalCdf } from '../../../src/tune/strategies/expected-improvement.js';
import { fitForest } from '../../../src/tune/strategies/random-forest.js';
import { fitTree, predictTree } from '../../../src/tune/strategies/regression-tree.js';

const row = (target: number, ...levels: number[]) => ({ levels: Uint16Array.from(levels), target });
const everyFeature = { featureShare: 1, minSplit: 2 };

function growTree(isOrdered: boolean, targets: readonly number[]) {
  const table = {
    features: [{ isOrdered, levelCount: targets.length }],
    columns: [Uint16Array.from(targets, (_, level) => level)],
    targets: Float64Array.from(targets),
    weights: new Float64Array(targets.length).fill(1),
  };
  const rows = Uint32Array.from(targets, (_, index) => index);
  return { table, rows };
}

describe('a regression tree', () => {
  it('splits an ordered feature where the variance falls most', () => {
    const { table, rows } = growTree(true, [1, 1, 1, 5, 5]);
    const { split } = fitTree(table, rows, { featureShare: 1, minSplit: 4 }, createRng(1));
    expect([...split!.goesLeft]).toEqual([1, 1, 1, 0, 0]);
    expect([split!.left.mean, split!.right.mean]).toEqual([1, 5]);
  });

  it('groups the levels of an unordered feature by their means, wherever they stand', () => {
    const { table, rows } = growTree(false, [5, 1, 5, 1, 5]);
    const { split } = fitTree(table, rows, { featureShare: 1, minSplit: 4 }, createRng(1));
    expect([...split!.goesLeft]).toEqual([0, 1, 0, 1, 0]);
  });

  it('counts a row by its weight', () => {
    const { table, rows } = growTree(true, [0, 10]);
    table.weights[1] = 3;
    expect(fitTree(table, rows, { featureShare: 1, minSplit: 4 }, createRng(1)).mean).toBe(7.5);
  });

  it('predicts every row it could separate exactly', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 2, maxLength: 20 }), (targets) => {
        const { table, rows } = growTree(true, targets);
        const tree = fitTree(table, rows, everyFeature, createRng(1));
        targets.forEach((target, level) => {
          expect(predictTree(tree, Uint16Array.of(level))).toBeCloseTo(target, 9);
        });
      }),
    );
  });
});

describe('a random forest', () => {
  const features = [
    { isOrdered: true, levelCount: 10 },
    { isOrdered: false, levelCount: 3 },
  ];
  const rows = Array.from({ length: 60 }, (_, index) => row((index % 10) + 5 * (index % 3), index % 10, index % 3));

  it('is the same for the same rows and seed', () => {
    const at = Uint16Array.of(4, 1);
    expect(fitForest(features, rows, createRng(3)).predict(at)).toEqual(
      fitForest(features, rows, createRng(3)).predict(at),
    );
  });

  it('is less sure where it has seen nothing', () => {
    const seen = rows.filter(({ levels }) => levels[0]! < 3 || levels[0]! > 7);
    const forest = fitForest(features, seen, createRng(3));
    expect(forest.predict(Uint16Array.of(5, 1)).variance).toBeGreaterThan(
      forest.predict(Uint16Array.of(1, 1)).variance,
    );
  });

  it('refuses to be fitted to nothing', () => {
    expect(() => fitForest(features, [], createRng(1))).toThrow(RangeError);
  });
});

describe('expected improvement', () => {
  it('is sd / sqrt(2 pi) at the best score itself, and the gain where it is certain', () => {
    expect(expectedImprovement(1, 0.0399, 1, 0)).toBeCloseTo(0.2 / Math.sqrt(2 * Math.PI), 6);
    expect(expectedImprovement(3, 0, 1, 0.005)).toBeCloseTo(1.995, 6);
    expect(expectedImprovement(-3, 0, 1, 0)).toBe(0);
  });

  it('rests on the tabulated normal distribution', () => {
    expect(normalCdf(1.96)).toBeCloseTo(0.9750021, 6);
    expect(normalCdf(-1)).toBeCloseTo(0.1586553, 6);
  });
});
