import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  batchCountFor,
  batchMeans,
  estimateMean,
  estimateQuantile,
  lag1Correlation,
} from '../../../src/measure/statistics/batch-means.js';
import { sortSamples } from '../../../src/measure/statistics/percentile.js';

describe('batches', () => {
  it('are twenty, fewer for few samples, and none where five of five do not fit', () => {
    expect([0, 24, 25, 49, 50, 99, 100, 1e6].map((count) => batchCountFor(count))).toEqual([
      0, 0, 5, 9, 10, 19, 20, 20,
    ]);
  });

  it('hold at least as many samples as are in flight together, where five such batches fit', () => {
    expect([100, 640, 1280, 5000].map((count) => batchCountFor(count, 64))).toEqual([5, 10, 20, 20]);
  });

  it('are equal and leave what does not fill one out at the start', () => {
    expect([...batchMeans(Float64Array.of(99, 1, 3, 5, 7), 2)]).toEqual([2, 6]);
  });

  it('are joined in pairs while neighbours are alike', () => {
    const slow = Float64Array.from({ length: 20 }, (_, i) => Math.sin(i / 4));
    expect(lag1Correlation(slow)).toBeGreaterThan(0.3);
    expect(estimateMean(slow, 0.95).batchCount).toBe(5);
    const alternating = Float64Array.from({ length: 20 }, (_, i) => i % 2);
    expect(estimateMean(alternating, 0.95).batchCount).toBe(20);
  });
});

describe('the interval of a mean', () => {
  it('is t s / sqrt(b) for batches that do not depend on one another', () => {
    // Mean 3, variance 2.5, correlation below 0: half width = 2.776 * sqrt(2.5 / 5).
    const { mean, halfWidth } = estimateMean(Float64Array.of(3, 1, 5, 2, 4), 0.95);
    expect(mean).toBe(3);
    expect(halfWidth).toBeCloseTo(2.7764 * Math.sqrt(0.5), 3);
  });

  it('has no width for constant values', () => {
    expect(estimateMean(new Float64Array(20).fill(4), 0.95)).toEqual({
      mean: 4,
      interval: [4, 4],
      halfWidth: 0,
      batchCount: 20,
    });
  });

  it('reaches further to the side of a few long batches', () => {
    const skewed = Float64Array.from({ length: 20 }, (_, i) => (i % 10 === 3 ? 9 : 1 + (i % 3) / 10));
    const { mean, interval } = estimateMean(skewed, 0.95);
    expect(interval[1] - mean).toBeGreaterThan(1.2 * (mean - interval[0]));
  });

  it('is wider for more confidence', () => {
    const batches = Float64Array.from({ length: 20 }, (_, i) => (i * 7) % 11);
    expect(estimateMean(batches, 0.99).halfWidth).toBeGreaterThan(estimateMean(batches, 0.95).halfWidth);
  });
});

describe('the interval of a percentile', () => {
  const estimate = (values: Float64Array, percentile: number) =>
    estimateQuantile(values, sortSamples(values), percentile, 0.95);

  it('is absent below as many effective samples as put ten beyond the percentile', () => {
    const shuffled = (count: number) => Float64Array.from({ length: count }, (_, i) => (i * 7919) % count);
    expect(estimate(shuffled(900), 99).interval).toBeUndefined();
    expect(estimate(shuffled(1500), 99).interval).toBeDefined();
    expect(estimate(shuffled(90), 90).interval).toBeUndefined();
    expect(estimate(shuffled(150), 90).interval).toBeDefined();
  });

  it('is absent for many samples that come in few long runs, which are worth few', () => {
    const twoLevels = Float64Array.from({ length: 20_000 }, (_, i) => (i < 10_000 ? 1 : 2) + (i % 100) / 1000);
    const { interval, effectiveCount } = estimate(twoLevels, 99);
    expect(effectiveCount).toBeLessThan(1000);
    expect(interval).toBeUndefined();
  });

  it('contains the estimate and lies within the samples', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 25, maxLength: 600 }), (values) => {
        const samples = Float64Array.from(values);
        for (const percentile of [50, 90, 95]) {
          const { value, interval } = estimate(samples, percentile);
          if (interval === undefined) continue;
          expect(interval[0]).toBeLessThanOrEqual(value);
          expect(interval[1]).toBeGreaterThanOrEqual(value);
          expect(values).toContain(interval[0]);
          expect(values).toContain(interval[1]);
        }
      }),
    );
  });
});
