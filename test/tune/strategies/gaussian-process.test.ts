import { describe, expect, it } from 'vitest';
import { createRng } from '../../../src/common/random.js';
import { createGaussianModel, type GaussianRow } from '../../../src/tune/strategies/gaussian-process.js';

const features = [
  { isOrdered: true, levelCount: 10 },
  { isOrdered: true, levelCount: 10 },
];
const at = (...levels: number[]): Uint16Array => Uint16Array.from(levels);
const row = (target: number, ...levels: number[]): GaussianRow => ({ levels: at(...levels), target, error: 0.01 });

describe('a Gaussian process over levels', () => {
  it('goes on beyond the rows in the direction in which they rise', () => {
    const rows = Array.from({ length: 6 }, (_, level) => row(level, level, 0));
    const { predict } = createGaussianModel(features, createRng(1)).fit(rows);
    expect(predict(at(6, 0)).mean).toBeGreaterThan(predict(at(4, 0)).mean);
  });

  it('comes close to rows that lie on a smooth surface', () => {
    const rows = Array.from({ length: 50 }, (_, index) => {
      const [x, y] = [index % 10, Math.floor(index / 10)];
      return row((x - 4) * (y - 2) * 0.1, x, y);
    });
    const { predict } = createGaussianModel(features, createRng(1)).fit(rows);
    for (const { levels, target } of rows) expect(Math.abs(predict(levels).mean - target)).toBeLessThan(0.15);
  });

  it('is less sure the farther away the rows are', () => {
    const rows = Array.from({ length: 12 }, (_, index) => row(index % 3, index % 3, index % 4));
    const { predict } = createGaussianModel(features, createRng(1)).fit(rows);
    expect(predict(at(9, 9)).variance).toBeGreaterThan(predict(at(4, 4)).variance);
    expect(predict(at(4, 4)).variance).toBeGreaterThan(predict(at(1, 1)).variance);
  });

  it('learns from fit to fit which knob has no effect', () => {
    const rng = createRng(3);
    const rows = Array.from({ length: 40 }, () => {
      const [x, y] = [rng.int(10), rng.int(10)];
      return row(Math.sin(x), x, y);
    });
    const model = createGaussianModel(features, createRng(1));
    let fitted = model.fit(rows);
    for (let turn = 0; turn < 30; turn++) fitted = model.fit(rows);
    const overY = Array.from({ length: 10 }, (_, y) => fitted.predict(at(2, y)).mean);
    const overX = Array.from({ length: 10 }, (_, x) => fitted.predict(at(x, 2)).mean);
    const spread = (values: number[]): number => Math.max(...values) - Math.min(...values);
    expect(spread(overY)).toBeLessThan(spread(overX) / 4);
  });

  it('refuses to be fitted to nothing', () => {
    expect(() => createGaussianModel(features, createRng(1)).fit([])).toThrow(RangeError);
  });
});
