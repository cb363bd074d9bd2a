/** IEEE 754 half precision: 32-bit floats to its bits and back, with what did not fit told apart. */

const MAX_HALF = 0x7bff;
const MIN_HALF = 1;

/** What the conversion of many values had to change beyond rounding. */
export interface HalfCounts {
  /** Finite values beyond 65504, which became +-65504. */
  clamped: number;
  /** Values other than 0 that would have become 0, and became the smallest half, 2^-24, so that a divisor stays one. */
  raised: number;
}

export const noHalfCounts = (): HalfCounts => ({ clamped: 0, raised: 0 });

/**
 * The half-precision bits of `values`, rounded to nearest, ties to even. Infinities and NaN stay what they are; what
 * is out of range is clamped or raised and added to `counts`.
 */
export function toHalfBits(values: Float32Array, counts: HalfCounts): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!;
    const sign = (word >>> 16) & 0x8000;
    halves[index] = sign | magnitude(word & 0x7fffffff, counts);
  }
  return halves;
}

/** `word` is a 32-bit float without its sign. */
function magnitude(word: number, counts: HalfCounts): number {
  if (word >= 0x7f800000) return word === 0x7f800000 ? 0x7c00 : 0x7e00;
  if (word === 0) return 0;
  const exponent = (word >>> 23) - 112;
  const fraction = word & 0x7fffff;
  const half = exponent > 0 ? shiftRounded((exponent << 23) | fraction, 13) : subnormal(exponent, fraction);
  if (exponent >= 31 || half > MAX_HALF) {
    counts.clamped++;
    return MAX_HALF;
  }
  if (half === 0) {
    counts.raised++;
    return MIN_HALF;
  }
  return half;
}

/** Below 2^-14 a half has no exponent of its own, and the leading 1 is written out. */
const subnormal = (exponent: number, fraction: number): number =>
  exponent < -10 ? 0 : shiftRounded(fraction | 0x800000, 14 - exponent);

/** `value` / 2^`shift`, rounded to nearest, ties to even. */
function shiftRounded(value: number, shift: number): number {
  const quotient = value >>> shift;
  const rest = value & ((1 << shift) - 1);
  const middle = 1 << (shift - 1);
  return rest > middle || (rest === middle && quotient % 2 === 1) ? quotient + 1 : quotient;
}

/** The number that half-precision `bits` stand for. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}
