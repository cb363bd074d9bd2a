import { describe, expect, it } from 'vitest';
import { closestWord, editDistance } from '../../src/common/closest-word.js';

describe('closestWord', () => {
  it('counts the letters that must change', () => {
    expect(editDistance('kitten', 'sitting')).toBe(3);
    expect(editDistance('', 'abc')).toBe(3);
  });

  it('finds a flag with a letter dropped', () => {
    expect(closestWord('concurency-range', ['concurrency-range', 'csv'])).toBe('concurrency-range');
  });

  it('does not guess when nothing is near', () => {
    expect(closestWord('zebra', ['model', 'seed'])).toBeUndefined();
  });
});
