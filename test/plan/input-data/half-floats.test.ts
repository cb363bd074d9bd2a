import { describe, expect, it } from 'vitest';
import { fromBfloatBits, fromHalfBits, toBfloatBits, toHalfBits } from '../../../src/plan/input-data/half-floats.js';

describe('half floats', () => {
  it('come back as the same bits, for every number there is', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const half = fromHalfBits(bits);
      if (!Number.isNaN(half)) expect(toHalfBits(half)).toBe(bits);
      const bfloat = fromBfloatBits(bits);
      if (!Number.isNaN(bfloat)) expect(toBfloatBits(bfloat)).toBe(bits);
    }
    expect(fromHalfBits(toHalfBits(Number.NaN))).toBeNaN();
    expect(fromBfloatBits(toBfloatBits(Number.NaN))).toBeNaN();
  });

  it('are rounded to the nearest, and to even between two', () => {
    expect(toHalfBits(1 + 2 ** -11)).toBe(0x3c00);
    expect(toHalfBits(1 + 3 * 2 ** -11)).toBe(0x3c02);
    expect(toHalfBits(2 ** -25)).toBe(0);
    expect(toHalfBits(1.5 * 2 ** -24)).toBe(2);
    expect(toHalfBits(65_519)).toBe(0x7bff);
    expect(toHalfBits(65_520)).toBe(0x7c00);
    expect(toBfloatBits(1 + 2 ** -8)).toBe(0x3f80);
    expect(toBfloatBits(1 + 3 * 2 ** -8)).toBe(0x3f82);
  });
});
