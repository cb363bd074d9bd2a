import { describe, expect, it } from 'vitest';
import { seconds } from '../../../src/common/units.js';
import type { LevelProgress } from '../../../src/measure/measurement.js';
import { closedLoad } from '../../../src/tune/studies/study-load.js';
import { LevelRises, watchLevel, whyHopeless } from '../../../src/tune/trials/trial-watch.js';

const maxDurationNs = seconds(3);
const level = { mean: 0, spread: 0 };

/** What a level tells every 200 ms when it answers at these rates. */
function progressOf(ratesPerSec: readonly number[], concurrency = 4): LevelProgress[] {
  let requestCount = 0;
  return [0, ...ratesPerSec].map((rate, index) => {
    requestCount += index === 0 ? 0 : rate * 0.2;
    return {
      level: closedLoad(concurrency),
      levelIndex: 0,
      levelCount: 1,
      elapsedNs: index * 200e6,
      maxDurationNs,
      requestCount,
      errorCount: 0,
      throughputPerSec: rate,
      latencyP50Ns: undefined,
      latencyP99Ns: undefined,
      halfWidth: undefined,
    };
  });
}

/** After how many looks a level is given up, if ever. */
function looksUntilHopeless(ratesPerSec: readonly number[], incumbentPerSec: number, concurrency = 4, rise = level) {
  const watch = watchLevel();
  const all = progressOf(ratesPerSec, concurrency);
  const at = all.findIndex((progress) => {
    watch.note(progress);
    return whyHopeless(watch.estimate(), { throughputPerSec: incumbentPerSec, error: 0 }, progress, rise) !== undefined;
  });
  return at < 0 ? undefined : at;
}

const steady = (rate: number, count = 12): number[] => Array.from({ length: count }, () => rate);

describe('the watch on a running level', () => {
  it('gives up within a second what cannot come near the best, and says how far it is', () => {
    expect(looksUntilHopeless(steady(100), 200)).toBeLessThanOrEqual(5);
    const watch = watchLevel();
    const all = progressOf(steady(100, 6));
    for (const progress of all) watch.note(progress);
    expect(whyHopeless(watch.estimate(), { throughputPerSec: 200, error: 0 }, all.at(-1)!, level)).toBe(
      'ended early: at 50% of the best so far, it could not catch up',
    );
  });

  it('lets go on what may still be within 20 % of the best', () => {
    expect(looksUntilHopeless(steady(85), 100)).toBeUndefined();
    expect(looksUntilHopeless(steady(300), 100)).toBeUndefined();
  });

  it('lets go on what warms up, and what swings too much to be judged', () => {
    expect(looksUntilHopeless([5, 10, 60, 95, 100, 100, 100, 100], 100)).toBeUndefined();
    expect(looksUntilHopeless([20, 130, 10, 120, 15, 125, 20, 120], 100)).toBeUndefined();
  });

  it('judges no rate from a few answers, nor ends a level that is nearly over', () => {
    expect(looksUntilHopeless(steady(10), 1000, 16)).toBeUndefined();
    const nearEnd = [...steady(100, 13), ...steady(10, 2)];
    expect(looksUntilHopeless(nearEnd, 100)).toBeUndefined();
  });

  it('allows for what levels rise by after their first second, and for how much that differs', () => {
    expect(looksUntilHopeless(steady(70), 100)).toBeDefined();
    expect(looksUntilHopeless(steady(70), 100, 4, { mean: 0.15, spread: 0.02 })).toBeUndefined();
    expect(looksUntilHopeless(steady(70), 100, 4, { mean: 0, spread: 0.1 })).toBeUndefined();
    expect(looksUntilHopeless(steady(50), 100, 4, { mean: 0.15, spread: 0.1 })).toBeDefined();
  });
});

describe('the rise of levels', () => {
  it('is taken for a tenth and uncertain before any is known, and then learnt', () => {
    const rises = new LevelRises();
    expect(rises.expected()).toEqual({ mean: 0.1, spread: 0.1 });
    for (let count = 0; count < 30; count++) rises.note({ throughputPerSec: 100, error: 0.03 }, 120);
    const { mean, spread } = rises.expected();
    expect(mean).toBeCloseTo(Math.log(1.2), 1);
    expect(spread).toBeLessThan(0.04);
    rises.note({ throughputPerSec: 100, error: 0.03 }, 0);
    expect(rises.expected()).toEqual({ mean, spread });
  });
});
