import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { halfToNumber, noHalfCounts, toHalfBits } from '../../../src/onnx/convert/half-float.js';

const bitsOf = (value: number): number => toHalfBits(Float32Array.of(value), noHalfCounts())[0]!;

describe('halves', () => {
  it('have the bits that IEEE 754 gives', () => {
    const values = [0, -0, 1, -2, 0.5, 65504, 2 ** -14, 2 ** -24, 1 / 3, Infinity, -Infinity];
    const bits = [0, 0x8000, 0x3c00, 0xc000, 0x3800, 0x7bff, 0x0400, 0x0001, 0x3555, 0x7c00, 0xfc00];
    expect(values.map(bitsOf)).toEqual(bits);
    expect(halfToNumber(bitsOf(Number.NaN))).toBeNaN();
  });

  it('come back as they were, every one of them', () => {
    const wrong = Array.from({ length: 65_536 }, (_, bits) => bits).filter((bits) => {
      const value = halfToNumber(bits);
      return !Number.isNaN(value) && bitsOf(value) !== bits;
    });
    expect(wrong).toEqual([]);
  });

  it('are the nearest to the number, and the even one of two that are as near', () => {
    fc.assert(
      fc.property(fc.float({ min: -65504, max: 65504, noNaN: true }), (value) => {
        const bits = bitsOf(value);
        const error = Math.abs(halfToNumber(bits) - value);
        const neighbours = [bits - 1, bits + 1]
          .filter((near) => (near & 0x8000) === (bits & 0x8000) && (near & 0x7fff) <= 0x7bff)
          .map((near) => Math.abs(halfToNumber(near) - value));
        // A value that is not 0 stays none, however small.
        if (value !== 0 && Math.abs(value) < 2 ** -24) return (bits & 0x7fff) === 1;
        return neighbours.every((other) => error < other || (error === other && bits % 2 === 0));
      }),
      { numRuns: 2000 },
    );
  });

  it('clamp what is too large and raise what would become 0, and count both', () => {
    const counts = noHalfCounts();
    const bits = toHalfBits(Float32Array.of(1e9, -65520, 65519, 1e-12, -1e-9, 0, Infinity), counts);
    expect([...bits].map(halfToNumber)).toEqual([65504, -65504, 65504, 2 ** -24, -(2 ** -24), 0, Infinity]);
    expect(counts).toEqual({ clamped: 2, raised: 2 });
  });
});
