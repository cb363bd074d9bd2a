import { describe, expect, it } from 'vitest';
import { measureFit } from '../../../src/onnx/convert/constant-fit.js';

const LIMIT = 2 ** -9;
const fitOf = (...values: readonly number[]) => measureFit(Float32Array.from(values));

describe('what half precision makes of a constant', () => {
  it.each([
    ['ordinary weights', [0.5, -1.25, 3.1, 0.001]],
    ['a few weights that vanish among others', [0.5, 1e-9, -0.7, 2e-8]],
    ['zeros', [0, 0]],
    ['infinities', [Number.NEGATIVE_INFINITY, 1]],
  ])('is the same constant: %s', (_, values) => {
    expect(fitOf(...values).wholeError).toBeLessThan(LIMIT);
  });

  it.each([
    ['a variance beyond 65504', [2.08e6, 1]],
    ['an epsilon', [1e-12]],
    ['scales that are all subnormal', [3e-7, 5e-7, 1e-6]],
  ])('is another one: %s', (_, values) => {
    expect(fitOf(...values).wholeError).toBeGreaterThan(LIMIT);
  });

  it('tells values that stand for infinity apart', () => {
    const mask = fitOf(-3.4e38, 0);
    expect(mask.wholeError).toBeGreaterThan(LIMIT);
    expect(mask.finiteError).toBe(0);
    expect(fitOf(70_000).finiteError).toBeGreaterThan(LIMIT);
  });

  it('finds a single variance that is divided by, unless its epsilon covers it', () => {
    const variances = fitOf(1, 1e-10);
    expect(variances.wholeError).toBeLessThan(LIMIT);
    expect(variances.worstError(1e-5)).toBeGreaterThan(LIMIT);
    expect(variances.worstError(1e-3)).toBeLessThan(LIMIT);
  });
});
