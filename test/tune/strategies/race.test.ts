import { describe, expect, it } from 'vitest';
import { isHopeless } from '../../../src/tune/strategies/early-abort.js';
import { createLevelCode } from '../../../src/tune/strategies/level-code.js';
import { MAX_RACE_EFFORT, nextRaceStep, raceWorth } from '../../../src/tune/strategies/race.js';
import { createVariantResults } from '../../../src/tune/strategies/variant-results.js';
import { spaceOf } from '../../contract-suites/strategy.js';

const standing = (score: number, error: number, effort: number) => ({ score, error, effort });

describe('a race', () => {
  it('drops a challenger that is a standard error behind', () => {
    expect(nextRaceStep(standing(0.9, 0.05, 1), standing(1, 0.05, 9))).toEqual({ kind: 'drop' });
  });

  it('gives a challenger three times its time while it may still win', () => {
    const step = { kind: 'measure', who: 'challenger', effort: 2 };
    expect(nextRaceStep(standing(1.3, 0.05, 1), standing(1, 0.05, 9))).toEqual(step);
    expect(nextRaceStep(standing(1, 0.05, 1), standing(1, 0.05, 1))).toEqual(step);
  });

  it('replaces the incumbent only by one that was measured as long', () => {
    expect(nextRaceStep(standing(1.3, 0.05, 3), standing(1, 0.05, 3))).toEqual({ kind: 'replace' });
    expect(nextRaceStep(standing(1.3, 0.05, 3), standing(1, 0.05, 9)).kind).toBe('measure');
  });

  it('measures the incumbent again when the challenger has more time and the two are close', () => {
    expect(nextRaceStep(standing(1, 0.03, 3), standing(1, 0.05, 1))).toEqual({
      kind: 'measure',
      who: 'incumbent',
      effort: 2,
    });
  });

  it('decides by the score when both have had all the time there is', () => {
    const full = MAX_RACE_EFFORT;
    expect(nextRaceStep(standing(1.001, 0.02, full), standing(1, 0.02, full)).kind).toBe('replace');
    expect(nextRaceStep(standing(0.999, 0.02, full), standing(1, 0.02, full)).kind).toBe('drop');
  });

  it('is worth less the farther the challenger is behind', () => {
    const incumbent = standing(1, 0.05, 1);
    expect(raceWorth(standing(0.9, 0.05, 1), incumbent)).toBeLessThan(raceWorth(standing(1, 0.05, 1), incumbent));
  });
});

describe('the results of a variant', () => {
  const space = spaceOf([{ name: 'x', values: [1, 2], defaultValue: 1, isOrdered: true }]);

  it('count by their precision when it was measured more than once', () => {
    const results = createVariantResults(space, createLevelCode(space));
    results.tell({ x: 2 }, { state: 'complete', score: 1, scoreError: 0.3 }, 1);
    const { standing: both } = results.tell({ x: 2 }, { state: 'complete', score: 2, scoreError: 0.03 }, 3);
    expect(both!.score).toBeGreaterThan(1.95);
    expect(both!.error).toBeLessThan(0.035);
    expect(both!.effort).toBe(4);
  });

  it('are those of its newest state', () => {
    const results = createVariantResults(space, createLevelCode(space));
    results.tell({ x: 2 }, { state: 'complete', score: 1 }, 1);
    results.tell({ x: 2 }, { state: 'infeasible', violation: 0.2 }, 2);
    expect(results.complete()).toEqual([]);
  });
});

describe('early abort', () => {
  it('gives up what is more than 20 % behind even two standard errors above its estimate', () => {
    expect(isHopeless({ score: Math.log(70), error: 0.05 }, Math.log(100))).toBe(true);
    expect(isHopeless({ score: Math.log(70), error: 0.1 }, Math.log(100))).toBe(false);
    expect(isHopeless({ score: Math.log(85), error: 0 }, Math.log(100))).toBe(false);
  });

  it('never gives up without knowing the error', () => {
    expect(isHopeless({ score: 0, error: Number.POSITIVE_INFINITY }, 10)).toBe(false);
    expect(isHopeless({ score: Number.NaN, error: 0 }, 10)).toBe(false);
  });
});
