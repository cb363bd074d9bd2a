import { describe, expect, it } from 'vitest';
import { climbToPromise } from '../../../src/tune/strategies/climb.js';
import { createNiches } from '../../../src/tune/strategies/niches.js';
import type { KnobValue, VariantParameters } from '../../../src/tune/strategies/strategy.js';
import type { VariantResult } from '../../../src/tune/strategies/variant-results.js';
import { spaceOf } from '../../contract-suites/strategy.js';

const counts = Array.from({ length: 9 }, (_, index): KnobValue => index + 1);
const space = spaceOf([
  { name: 'provider', values: ['a', 'b', 'c'], defaultValue: 'a', isOrdered: false },
  { name: 'x', values: counts, defaultValue: 1, isOrdered: true },
  { name: 'y', values: counts, defaultValue: 1, isOrdered: true },
]);
const start = { provider: 'a', x: 1, y: 1 };
const promiseOf = ({ x, y }: VariantParameters): number => -Math.abs(Number(x) - 7) - Math.abs(Number(y) - 3);

describe('the climb to the largest promise', () => {
  const open = { space, starts: [start], isTaken: () => false, isInside: () => true, promiseOf };

  it('arrives at the top and asks about each variant once', () => {
    const asked: string[] = [];
    const found = climbToPromise({
      ...open,
      promiseOf(parameters) {
        asked.push(JSON.stringify(parameters));
        return promiseOf(parameters);
      },
    });
    expect(found?.parameters).toEqual({ provider: 'a', x: 7, y: 3 });
    expect(new Set(asked).size).toBe(asked.length);
  });

  it('passes over what was taken and what lies outside', () => {
    const found = climbToPromise({
      ...open,
      isTaken: (key) => key === 'provider=a,x=7,y=3',
      isInside: ({ provider }) => provider === 'a',
    });
    expect(found?.promise).toBe(-1);
    expect(found?.parameters.provider).toBe('a');
  });

  it('finds nothing where every start is taken', () => {
    expect(climbToPromise({ ...open, isTaken: () => true })).toBeUndefined();
  });
});

describe('niches', () => {
  const result = (parameters: VariantParameters, score?: number): VariantResult => ({
    key: JSON.stringify(parameters),
    parameters,
    levels: new Uint16Array(3),
    state: score === undefined ? 'failed' : 'complete',
    violation: 0,
    margins: undefined,
    standing: score === undefined ? undefined : { score, error: 0.01, effort: 1 },
  });
  const incumbent = { ...result(start, 2), standing: { score: 2, error: 0.01, effort: 1 } };

  it('are the other values of the widest unordered knob, the better one first, and each has turns', () => {
    const niches = createNiches(space);
    const results = [incumbent, result({ ...start, provider: 'b' }, 1.9), result({ ...start, provider: 'c' }, 1.6)];
    const turns = Array.from({ length: 12 }, () => niches.next(results, incumbent)!.value);
    expect(turns[0]).toBe('b');
    expect(new Set(turns)).toEqual(new Set(['b', 'c']));
    expect(turns.filter((value) => value === 'b').length).toBeGreaterThan(6);
  });

  it('are given up when nothing in them ever worked', () => {
    const dead = Array.from({ length: 8 }, (_, index) => result({ ...start, provider: 'b', x: index + 1 }));
    const niches = createNiches(space);
    const turns = Array.from({ length: 6 }, () => niches.next([incumbent, ...dead], incumbent)!.value);
    expect(new Set(turns)).toEqual(new Set(['c']));
  });

  it('do not exist where no knob is unordered', () => {
    const ordered = spaceOf(space.dimensions.filter(({ isOrdered }) => isOrdered));
    expect(createNiches(ordered).next([incumbent], incumbent)).toBeUndefined();
  });
});
