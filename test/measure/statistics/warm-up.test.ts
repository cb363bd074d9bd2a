import { describe, expect, it } from 'vitest';
import { createRng } from '../../../src/common/random.js';
import { instant } from '../../../src/common/units.js';
import { detectWarmUp, findMserCut } from '../../../src/measure/statistics/warm-up.js';
import { columnsOf, consecutiveRows } from '../../support/request-rows.js';
import { simulateRows } from '../../support/simulated-pool.js';

const SECOND = 1e9;

/** A level of ten seconds at about 200 requests a second whose speed follows `slowdown`. */
function level(seed: number, slowdown: (startNs: number) => number) {
  const rng = createRng(seed);
  return columnsOf(consecutiveRows(0, 10 * SECOND, (at) => 5e6 * slowdown(at) * (1 + 0.1 * rng.normal())));
}
const warmUpOf = (columns: ReturnType<typeof level>) => detectWarmUp(columns, instant(0), instant(10 * SECOND), 1);

describe('the MSER rule', () => {
  it('cuts exactly the values that differ from the rest', () => {
    const values = Float64Array.from({ length: 40 }, (_, i) => (i < 6 ? 100 : 10 + (i % 2)));
    expect(findMserCut(values)).toEqual({ cut: 6, isAtBound: false });
  });

  it('cuts nothing from constant values', () => {
    expect(findMserCut(new Float64Array(40).fill(3)).cut).toBe(0);
  });

  it('agrees with the definition worked out term by term', () => {
    const rng = createRng(9);
    const values = Float64Array.from({ length: 31 }, (_, i) => rng.normal() + 8 / (i + 1));
    const errorAt = (cut: number): number => {
      const kept = [...values.subarray(cut)];
      const mean = kept.reduce((a, b) => a + b) / kept.length;
      return kept.reduce((sum, value) => sum + (value - mean) ** 2, 0) / kept.length ** 2;
    };
    const cuts = Array.from({ length: 16 }, (_, cut) => cut);
    const best = cuts.reduce((least, cut) => (errorAt(cut) < errorAt(least) ? cut : least));
    expect(findMserCut(values).cut).toBe(best);
  });

  it('says when the best cut is the last it may make', () => {
    expect(findMserCut(Float64Array.from({ length: 20 }, (_, i) => 2 ** -i)).isAtBound).toBe(true);
  });
});

describe('warm-up detection', () => {
  it('never keeps a planted warm-up of 1.5 s, and on average cuts less than 0.7 s more', () => {
    const found = Array.from({ length: 50 }, (_, seed) =>
      warmUpOf(level(seed + 1, (at) => (at < 1.5 * SECOND ? 3 : 1))),
    );
    for (const { end, isOver } of found) {
      expect(isOver).toBe(true);
      expect(end).toBeGreaterThanOrEqual(1.4 * SECOND);
    }
    expect(found.reduce((sum, { end }) => sum + end, 0) / 50).toBeLessThan(2.2 * SECOND);
  });

  it('finds the end of a decay', () => {
    const { end } = warmUpOf(level(3, (at) => 1 + 2 * Math.exp(-at / (0.3 * SECOND))));
    expect(end).toBeGreaterThan(0.6 * SECOND);
    expect(end).toBeLessThan(2.5 * SECOND);
  });

  it('cuts little from a level that is steady from the start', () => {
    const ends = Array.from({ length: 50 }, (_, seed) => warmUpOf(level(seed + 1, () => 1)).end);
    expect(ends.reduce((sum, end) => sum + end, 0) / 50).toBeLessThan(1 * SECOND);
  });

  it('cuts one cold first request', () => {
    const { end } = warmUpOf(level(4, (at) => (at === 0 ? 120 : 1)));
    expect(end).toBeGreaterThanOrEqual(0.5 * SECOND);
    expect(end).toBeLessThan(2.5 * SECOND);
  });

  it('does not hide one stall in the middle of the run by cutting up to it', () => {
    const { end } = warmUpOf(level(5, (at) => (at > 4 * SECOND && at < 4.01 * SECOND ? 80 : 1)));
    expect(end).toBeLessThan(2 * SECOND);
  });

  it('says that it is not over while the level still speeds up at half of its time', () => {
    expect(warmUpOf(level(6, (at) => 4 - (3 * at) / (10 * SECOND))).isOver).toBe(false);
  });

  it('raises no such alarm for a steady level in forty-nine of fifty runs', () => {
    const over = Array.from({ length: 200 }, (_, seed) => warmUpOf(level(seed + 1, () => 1)).isOver);
    expect(over.filter((isOver) => !isOver).length).toBeLessThanOrEqual(4);
  });

  it('cuts the first request of each slot where there are too few to tell', () => {
    const columns = simulateRows({ serviceNs: () => 0.5 * SECOND, horizonNs: 9 * SECOND }, 4, 0);
    expect(detectWarmUp(columns, instant(0), instant(10 * SECOND), 4).end).toBe(2 * SECOND);
  });

  it('cuts at most half, even where hardly anything has ended', () => {
    const columns = simulateRows({ serviceNs: () => 4 * SECOND, horizonNs: 9 * SECOND }, 64, 0);
    expect(detectWarmUp(columns, instant(0), instant(10 * SECOND), 64).end).toBe(5 * SECOND);
    expect(detectWarmUp(columnsOf([]), instant(0), instant(10 * SECOND), 1)).toEqual({ end: 0, isOver: true });
  });
});
