import { describe, expect, it } from 'vitest';
import { createRng } from '../../../src/common/random.js';
import { pairedGain, unpairedGain } from '../../../src/measure/statistics/compare.js';

describe('the gain of pairs', () => {
  it('is the geometric mean of the ratios with a t interval on their logarithms', () => {
    const pairs = [
      { baseline: 100, candidate: 110 },
      { baseline: 200, candidate: 240 },
      { baseline: 50, candidate: 65 },
    ];
    const { value, low, high } = pairedGain(pairs);
    expect(value).toBeCloseTo((1.1 * 1.2 * 1.3) ** (1 / 3), 12);
    const logs = [1.1, 1.2, 1.3].map(Math.log);
    const mean = logs.reduce((a, b) => a + b) / 3;
    const deviation = Math.sqrt(logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / 2);
    const reach = (4.302653 * deviation) / Math.sqrt(3);
    expect(low).toBeCloseTo(Math.exp(mean - reach), 5);
    expect(high).toBeCloseTo(Math.exp(mean + reach), 5);
  });

  it('does not see what moves both sides of each pair alike', () => {
    const pairs = [1, 3, 0.4, 7].map((speed) => ({ baseline: 100 * speed, candidate: 120 * speed }));
    const { value, low, high } = pairedGain(pairs);
    expect(value).toBeCloseTo(1.2, 9);
    expect(high! - low!).toBeLessThan(1e-9);
  });

  it('has no interval for one pair', () => {
    expect(pairedGain([{ baseline: 2, candidate: 3 }])).toEqual({ value: 1.5, low: null, high: null });
  });

  it('turns into its inverse when the sides are exchanged', () => {
    const pairs = [
      { baseline: 10, candidate: 14 },
      { baseline: 12, candidate: 13 },
    ];
    const there = pairedGain(pairs);
    const back = pairedGain(pairs.map(({ baseline, candidate }) => ({ baseline: candidate, candidate: baseline })));
    expect(back.value).toBeCloseTo(1 / there.value, 12);
    expect(back.low).toBeCloseTo(1 / there.high!, 9);
  });

  it('contains the true gain in 93 to 97 of 100 noisy comparisons', () => {
    const rng = createRng(41);
    let hits = 0;
    for (let study = 0; study < 2000; study++) {
      const pairs = Array.from({ length: 4 }, () => {
        const drift = Math.exp(0.2 * rng.normal());
        const noisy = (speed: number): number => speed * drift * Math.exp(0.02 * rng.normal());
        return { baseline: noisy(100), candidate: noisy(105) };
      });
      const { low, high } = pairedGain(pairs);
      if (low! <= 1.05 && 1.05 <= high!) hits++;
    }
    expect(hits / 2000).toBeGreaterThan(0.93);
    expect(hits / 2000).toBeLessThan(0.97);
  });

  it('is refused for no pairs and for figures that have no ratio', () => {
    expect(() => pairedGain([])).toThrow(RangeError);
    expect(() => pairedGain([{ baseline: 0, candidate: 3 }])).toThrow(RangeError);
  });
});

describe('the gain of two single runs', () => {
  it('adds their relative half widths as squares', () => {
    const { value, low, high } = unpairedGain({ value: 100, low: 97, high: 103 }, { value: 200, low: 192, high: 208 });
    expect(value).toBe(2);
    expect(low).toBeCloseTo(2 * Math.exp(-0.05), 9);
    expect(high).toBeCloseTo(2 * Math.exp(0.05), 9);
  });

  it('has no interval where one of them has none', () => {
    expect(unpairedGain({ value: 100, low: null, high: null }, { value: 150, low: 140, high: 160 })).toEqual({
      value: 1.5,
      low: null,
      high: null,
    });
  });
});
