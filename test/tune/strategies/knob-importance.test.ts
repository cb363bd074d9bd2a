import { describe, expect, it } from 'vitest';
import { knobImportance, type TriedVariant } from '../../../src/tune/strategies/knob-importance.js';
import { enumerateVariants } from '../../../src/tune/variants/search-space.js';
import { spaceOf } from '../../contract-suites/strategy.js';

const space = spaceOf([
  { name: 'minor', values: [1, 2, 3], defaultValue: 1, isOrdered: true },
  { name: 'major', values: ['a', 'b', 'c'], defaultValue: 'b', isOrdered: false },
  { name: 'idle', values: [false, true], defaultValue: false, isOrdered: false },
]);
const gainOf = { a: 0, b: 0.5, c: 1.5 };

const tried: TriedVariant[] = [...enumerateVariants(space)].map((parameters) => ({
  parameters,
  result: {
    state: 'complete',
    score: gainOf[parameters.major as 'a'] + 0.1 * Number(parameters.minor),
    scoreError: 0.01,
  },
}));

describe('knob importance', () => {
  it('gives each knob its share of the variance, the largest first', () => {
    const [first, second, third] = knobImportance(space, tried);
    expect([first!.name, second!.name, third!.name]).toEqual(['major', 'minor', 'idle']);
    // The variances between levels are 0.3889 and 0.0067; bootstrap samples of 18 rows blur them.
    expect(first!.share.value).toBeGreaterThan(0.75);
    expect(first!.share.low).toBeGreaterThan(second!.share.value);
    expect(third!.share.value).toBeLessThan(0.02);
    for (const { share } of [first!, second!, third!]) {
      expect(share.low).toBeLessThanOrEqual(share.value);
      expect(share.high).toBeGreaterThanOrEqual(share.value);
    }
  });

  it('tells the gain of each value over the default, the other knobs averaged out', () => {
    const major = knobImportance(space, tried).find(({ name }) => name === 'major')!;
    const gains = major.effects.map(({ gain }) => gain.value);
    expect(major.effects.map(({ value }) => value)).toEqual(['a', 'b', 'c']);
    expect(Math.abs(gains[0]! / Math.exp(-0.5) - 1)).toBeLessThan(0.2);
    expect(gains[1]).toBe(1);
    expect(Math.abs(gains[2]! / Math.exp(1) - 1)).toBeLessThan(0.2);
  });

  it('is less certain with fewer trials', () => {
    const noisy = tried.map((one, index): TriedVariant => {
      const score = one.result.score! + (index % 2 === 0 ? 0.4 : -0.4);
      return { ...one, result: { ...one.result, score } };
    });
    const widthOf = (trials: TriedVariant[]): number => {
      const { share } = knobImportance(space, trials).find(({ name }) => name === 'major')!;
      return share.high - share.low;
    };
    expect(widthOf(noisy.slice(0, 9))).toBeGreaterThan(widthOf(tried));
  });

  it('is the same for the same trials and says nothing from fewer than eight variants', () => {
    expect(knobImportance(space, tried)).toEqual(knobImportance(space, tried));
    expect(knobImportance(space, tried.slice(0, 7))).toEqual([]);
  });
});
