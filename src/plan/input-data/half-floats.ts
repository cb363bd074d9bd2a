/** Half-precision and bfloat16 numbers as bits, rounded to nearest, ties to even. */

const floatView = new DataView(new ArrayBuffer(4));

function floatBits(value: number): number {
  floatView.setFloat32(0, value);
  return floatView.getUint32(0);
}

/** The bits of IEEE 754 binary16; too large numbers become infinite. */
export function toHalfBits(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  if (Number.isNaN(value)) return 0x7e00;
  const size = Math.abs(value);
  if (size >= 65_520) return sign | 0x7c00;
  // Below 2^-14 the numbers lie 2^-24 apart, which is what a carry into the exponent continues.
  const exponent = size < 2 ** -14 ? -14 : Math.floor(Math.log2(size));
  const floor = 2 ** exponent > size ? exponent - 1 : exponent;
  const unit = 2 ** (Math.max(floor, -14) - 10);
  const steps = roundToEven(size / unit);
  return sign | (steps + (Math.max(floor, -14) + 14) * 0x400);
}

/** The upper half of the 32-bit float. */
export function toBfloatBits(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0;
  const bits = floatBits(value);
  const rounded = bits + 0x7fff + ((bits >>> 16) & 1);
  return Math.floor(rounded / 0x1_0000) & 0xffff;
}

/** The number that half-precision bits stand for. */
export function fromHalfBits(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

export function fromBfloatBits(bits: number): number {
  floatView.setUint32(0, bits * 0x1_0000);
  return floatView.getFloat32(0);
}

function roundToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}
