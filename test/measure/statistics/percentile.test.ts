import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { percentileOf, sortSamples } from '../../../src/measure/statistics/percentile.js';

const sorted = (values: readonly number[]) => sortSamples(Float64Array.from(values));

describe('percentiles of raw samples', () => {
  it('are the sample of rank ceil(p n), never a value between two', () => {
    const samples = sorted(Array.from({ length: 1000 }, (_, i) => 1000 - i));
    expect([0, 50, 90, 95, 99, 99.9, 100].map((p) => percentileOf(samples, p))).toEqual([
      1, 500, 900, 950, 990, 999, 1000,
    ]);
  });

  it('are the only sample whatever is asked', () => {
    expect([0, 50, 99.9, 100].map((p) => percentileOf(sorted([7]), p))).toEqual([7, 7, 7, 7]);
  });

  it('of nothing are refused', () => {
    expect(() => percentileOf(sorted([]), 50)).toThrow(RangeError);
  });

  it('have at least their share of samples at or below them, and less than that below', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 300 }),
        fc.constantFrom(1, 25, 50, 90, 95, 99, 99.9),
        (values, percentile) => {
          const found = percentileOf(sorted(values), percentile);
          const needed = (percentile / 100) * values.length;
          expect(values.filter((value) => value <= found).length).toBeGreaterThanOrEqual(needed - 1e-9);
          expect(values.filter((value) => value < found).length).toBeLessThan(needed);
        },
      ),
    );
  });

  it('leave the samples they are taken from in their order', () => {
    const samples = Float64Array.of(3, 1, 2);
    sortSamples(samples);
    expect([...samples]).toEqual([3, 1, 2]);
  });
});
