import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  durationColumn,
  formatBounds,
  formatBytes,
  formatCount,
  formatDuration,
  formatGain,
  formatInterval,
  formatNumber,
  formatPercent,
  formatRate,
  NO_VALUE,
  numberColumn,
} from '../../src/common/format.js';

describe('a column of durations', () => {
  it('takes its unit from the largest value and its decimals from the smallest', () => {
    const column = durationColumn([5_480_000, 163_560_000]);
    expect([column.unit, column.format(5_480_000), column.format(163_560_000)]).toEqual(['ms', '5.48', '163.56']);
  });

  it.each([
    [[999], 'ns', '999'],
    [[1_000], 'µs', '1.00'],
    [[999_999], 'µs', '1,000'],
    [[1_000_000], 'ms', '1.00'],
    [[2_500_000_000], 's', '2.50'],
  ])('writes %j in %s', (values, unit, text) => {
    const column = durationColumn(values);
    expect([column.unit, column.format(values[0])]).toEqual([unit, text]);
  });

  it('can be held to a unit, so that several columns compare', () => {
    const column = durationColumn([22_000], { name: 'ms', ns: 1e6 });
    expect([column.unit, column.format(22_000)]).toEqual(['ms', '0.022']);
  });

  it('shows missing values as such and is not disturbed by them', () => {
    const column = durationColumn([null, undefined, 2_000_000]);
    expect([column.unit, column.format(null), column.format(undefined), column.format(Number.NaN)]).toEqual([
      'ms',
      NO_VALUE,
      NO_VALUE,
      NO_VALUE,
    ]);
  });

  it('loses at most half a unit of its last decimal', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 1e12 }), { minLength: 1, maxLength: 8 }), (values) => {
        const column = durationColumn(values);
        for (const value of values) {
          const shown = Number(column.format(value).replaceAll(',', ''));
          expect(Math.abs(shown - value / column.scale)).toBeLessThanOrEqual(0.5000001 * 10 ** -column.decimals);
        }
      }),
    );
  });
});

describe('single values', () => {
  it.each([
    [0, '0 ns'],
    [4_921_000, '4.92 ms'],
    [51_740_000, '51.7 ms'],
    [1_500_000_000, '1.50 s'],
    [51_800_000_000, '51.8 s'],
    [125_000_000_000, '2 min 05 s'],
    [null, NO_VALUE],
  ])('writes a duration of %s ns as %s', (value, text) => expect(formatDuration(value)).toBe(text));

  it.each([
    [812.4, '812'],
    [48.23, '48.2'],
    [0.5, '0.50'],
    [12345.6, '12,346'],
    [0, '0'],
  ])('writes a rate of %s as %s', (value, text) => expect(formatRate(value)).toBe(text));

  it.each([
    [0, '0 B'],
    [512, '512 B'],
    [1024, '1.00 KiB'],
    [1.5 * 1024 ** 3, '1.50 GiB'],
    [5 * 1024 ** 5, '5,120 TiB'],
  ])('writes %s bytes as %s', (value, text) => expect(formatBytes(value)).toBe(text));

  it.each([
    [0, '0 %'],
    [0.00001, '<0.01 %'],
    [0.0011, '0.11 %'],
    [0.042, '4.2 %'],
    [0.97, '97 %'],
  ])('writes a share of %s as %s', (value, text) => expect(formatPercent(value)).toBe(text));

  it('groups digits and never writes a negative zero', () => {
    expect([formatCount(1234567), formatNumber(-0.001, 2), formatNumber(-0.01, 2)]).toEqual([
      '1,234,567',
      '0.00',
      '-0.01',
    ]);
  });
});

describe('an interval', () => {
  const column = numberColumn([812.4]);

  it('is written with ± where its halves are alike', () => {
    expect(formatInterval({ value: 812.4, low: 799, high: 825.1 }, column)).toBe('812 ± 13');
  });

  it('is written by its bounds where they are not', () => {
    expect(formatInterval({ value: 812, low: 790, high: 870 }, column)).toBe('812 (790 to 870)');
  });

  it('is left out where there is none', () => {
    expect(formatInterval({ value: 812, low: null, high: null }, column)).toBe('812');
    expect(formatBounds({ value: 812, low: 800, high: null }, column)).toBe('');
  });

  it('is written by its bounds where the value lies outside', () => {
    expect(formatInterval({ value: 700, low: 790, high: 870 }, column)).toBe('700 (790 to 870)');
  });

  it('of a gain is a factor', () => {
    expect(formatGain({ value: 1.4167, low: 1.372, high: 1.471 })).toBe('1.42x (1.37 to 1.47)');
  });
});
