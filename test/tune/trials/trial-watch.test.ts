import { describe, expect, it } from 'vitest';
import { seconds } from '../../../src/common/units.js';
import type { LevelProgress } from '../../../src/measure/measurement.js';
import { closedLoad } from '../../../src/tune/studies/study-load.js';
import { watchLevel, whyHopeless } from '../../../src/tune/trials/trial-watch.js';

const maxDurationNs = seconds(3);

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
function looksUntilHopeless(ratesPerSec: readonly number[], incumbentPerSec: number, concurrency = 4) {
  const watch = watchLevel();
  const all = progressOf(ratesPerSec, concurrency);
  const at = all.findIndex((progress) => {
    watch.note(progress);
    return whyHopeless(watch.estimate(), incumbentPerSec, progress) !== undefined;
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
    expect(whyHopeless(watch.estimate(), 200, all.at(-1)!)).toBe(
      'ended early: at 50 % of the best so far, it could not catch up',
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
});
