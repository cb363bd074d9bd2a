import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LogHistogram } from '../../../src/measure/statistics/log-histogram.js';
import { percentileOf, sortSamples } from '../../../src/measure/statistics/percentile.js';

const histogramOf = (values: readonly number[]): LogHistogram => {
  const histogram = new LogHistogram();
  for (const value of values) histogram.add(value);
  return histogram;
};

describe('a histogram of durations', () => {
  it('gives every percentile of the raw samples to a thousandth, from nanoseconds to an hour', () => {
    const values = fc.array(fc.integer({ min: 0, max: 3_600_000_000_000 }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(values, fc.constantFrom(0, 50, 90, 99, 99.9, 100), (raw, percentile) => {
        const histogram = histogramOf(raw);
        const exact = percentileOf(sortSamples(Float64Array.from(raw)), percentile);
        expect(Math.abs(histogram.percentile(percentile) - exact)).toBeLessThanOrEqual(exact / 1000);
        expect(histogram.total).toBe(raw.length);
        expect(histogram.largest).toBe(Math.max(...raw));
        expect(histogram.mean).toBeCloseTo(raw.reduce((sum, value) => sum + value, 0) / raw.length, 0);
      }),
      { numRuns: 60 },
    );
  });

  it('is the same in parts as at once', () => {
    const parts = [
      [5, 7000, 1e6],
      [12e9, 3],
    ];
    const merged = histogramOf(parts[0]!);
    merged.merge(histogramOf(parts[1]!));
    const whole = histogramOf(parts.flat());
    for (const percentile of [0, 25, 50, 75, 100]) {
      expect(merged.percentile(percentile)).toBe(whole.percentile(percentile));
    }
    expect([merged.total, merged.mean, merged.largest]).toEqual([whole.total, whole.mean, whole.largest]);
  });
});
