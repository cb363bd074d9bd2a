import { describe, expect, it } from 'vitest';
import { incompleteBeta, studentCdf, studentQuantile, twoSidedT } from '../../../src/measure/statistics/student-t.js';

/** Upper critical values as printed in tables of the t distribution: freedom, then t at .90, .95, .975, .99, .995. */
const table: readonly (readonly [number, ...number[]])[] = [
  [1, 3.078, 6.314, 12.706, 31.821, 63.657],
  [2, 1.886, 2.92, 4.303, 6.965, 9.925],
  [3, 1.638, 2.353, 3.182, 4.541, 5.841],
  [4, 1.533, 2.132, 2.776, 3.747, 4.604],
  [9, 1.383, 1.833, 2.262, 2.821, 3.25],
  [19, 1.328, 1.729, 2.093, 2.539, 2.861],
  [30, 1.31, 1.697, 2.042, 2.457, 2.75],
  [120, 1.289, 1.658, 1.98, 2.358, 2.617],
];

describe("Student's t", () => {
  it('agrees with the published tables', () => {
    for (const [freedom, ...values] of table) {
      const found = [0.9, 0.95, 0.975, 0.99, 0.995].map((p) => Number(studentQuantile(p, freedom).toFixed(3)));
      expect(found).toEqual(values);
    }
  });

  it('is the normal distribution for many degrees of freedom', () => {
    expect(studentQuantile(0.975, 1e6)).toBeCloseTo(1.959964, 4);
  });

  it('is symmetric, and its quantile undoes its distribution function', () => {
    for (const freedom of [1, 2.5, 4, 19, 200]) {
      for (const p of [0.001, 0.2, 0.5, 0.7, 0.99687, 0.9999]) {
        const t = studentQuantile(p, freedom);
        expect(studentCdf(t, freedom)).toBeCloseTo(p, 9);
        expect(studentQuantile(1 - p, freedom)).toBeCloseTo(-t, 6);
      }
    }
  });

  it('gives the two-sided value an interval needs', () => {
    expect(twoSidedT(0.95, 19)).toBeCloseTo(2.093, 3);
  });

  it('refuses probabilities that no t has', () => {
    expect(() => studentQuantile(1, 5)).toThrow(RangeError);
    expect(() => studentQuantile(Number.NaN, 5)).toThrow(RangeError);
  });
});

describe('the incomplete beta function', () => {
  it('equals its closed forms', () => {
    for (const x of [0, 0.1, 0.37, 0.5, 0.9, 1]) {
      expect(incompleteBeta(x, 1, 1)).toBeCloseTo(x, 12);
      expect(incompleteBeta(x, 2, 3)).toBeCloseTo(6 * x ** 2 - 8 * x ** 3 + 3 * x ** 4, 12);
      expect(incompleteBeta(x, 0.5, 0.5)).toBeCloseTo((2 / Math.PI) * Math.asin(Math.sqrt(x)), 12);
    }
  });
});
