import { describe, expect, it } from 'vitest';
import { createRng } from '../../../src/common/random.js';
import { findTrend, mannKendallProbability, theilSenSlope } from '../../../src/measure/statistics/trend.js';

describe('the Theil-Sen slope', () => {
  it('is the slope of a line', () => {
    expect(theilSenSlope(Float64Array.from({ length: 9 }, (_, i) => 5 + 0.5 * i))).toBeCloseTo(0.5, 12);
  });

  it('does not follow one stray value', () => {
    const values = Float64Array.from({ length: 15 }, (_, i) => 5 + 0.5 * i);
    values[7] = 1000;
    expect(theilSenSlope(values)).toBeCloseTo(0.5, 1);
  });
});

describe('the Mann-Kendall test', () => {
  it('gives the published normal approximation for a fully ordered series of ten', () => {
    // S = 45, variance = 10 * 9 * 25 / 18 = 125, z = 44 / sqrt(125) = 3.935, p = 8.3e-5.
    expect(mannKendallProbability(Float64Array.from({ length: 10 }, (_, i) => i))).toBeCloseTo(8.3e-5, 6);
  });

  it('sees no order among equal values', () => {
    expect(mannKendallProbability(new Float64Array(20).fill(3))).toBe(1);
  });

  it('cries at one in a hundred for about one in a hundred noises', () => {
    const rng = createRng(2);
    let alarms = 0;
    for (let i = 0; i < 4000; i++) {
      if (mannKendallProbability(Float64Array.from({ length: 20 }, () => rng.normal())) <= 0.01) alarms++;
    }
    expect(alarms / 4000).toBeGreaterThan(0.004);
    expect(alarms / 4000).toBeLessThan(0.018);
  });
});

describe('a drift', () => {
  const noisy = (seed: number, change: number, noise: number) => {
    const rng = createRng(seed);
    return Float64Array.from({ length: 20 }, (_, i) => 100 * (1 + (change * i) / 19 + noise * rng.normal()));
  };

  it('is a change of five percent and more that is not chance', () => {
    expect(findTrend(noisy(1, 0.12, 0.01)).isDrift).toBe(true);
    expect(findTrend(noisy(1, -0.12, 0.01)).relativeChange).toBeCloseTo(-0.12, 1);
  });

  it('is not a clear change that is too small to matter', () => {
    const trend = findTrend(noisy(1, 0.02, 0.001));
    expect(trend.probability).toBeLessThan(0.01);
    expect(trend.isDrift).toBe(false);
  });

  it('is found in noise without trend in at most one of fifty runs', () => {
    const found = Array.from({ length: 1000 }, (_, seed) => findTrend(noisy(seed, 0, 0.1)).isDrift);
    expect(found.filter(Boolean).length).toBeLessThanOrEqual(20);
  });

  it('cannot be told from two values', () => {
    expect(findTrend(Float64Array.of(1, 9)).isDrift).toBe(false);
  });
});
