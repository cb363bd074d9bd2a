/**
 * Random weights that keep activations at a steady size through deep networks. Only + - * / and square roots on
 * uniform draws are used: IEEE 754 fixes their results, while sine and logarithm may differ between platforms, and the
 * same seed must give the same bytes everywhere.
 */
import { endianness } from 'node:os';
import type { Rng } from '../../common/random.js';

/** Keeps the variance across a ReLU: sqrt(2 / (1 - 1/pi)) for weights whose sum per filter is zero (Brock et al. 2021). */
export const RELU_GAIN = 1.7139588594436646;
/** Keeps the variance of a layer without an activation. */
export const LINEAR_GAIN = 1;

/**
 * `filterCount` filters of `fanIn` weights each: uniform, standard deviation gain / sqrt(fanIn). Each filter sums to
 * zero, so that the common mean which ReLUs leave does not drown what tells inputs apart.
 */
export function drawFilters(rng: Rng, filterCount: number, fanIn: number, gain: number): Float32Array {
  const weights = new Float32Array(filterCount * fanIn);
  const width = (2 * gain * Math.sqrt(3)) / Math.sqrt(fanIn);
  for (let start = 0; start < weights.length; start += fanIn) {
    let sum = 0;
    for (let index = start; index < start + fanIn; index++) {
      const weight = (rng.next() - 0.5) * width;
      weights[index] = weight;
      sum += weight;
    }
    if (fanIn < 4) continue;
    const mean = sum / fanIn;
    for (let index = start; index < start + fanIn; index++) weights[index] = weights[index]! - mean;
  }
  return weights;
}

/** Uniform in [center - spread, center + spread). */
export function drawUniform(rng: Rng, count: number, center: number, spread: number): Float32Array {
  const values = new Float32Array(count);
  for (let index = 0; index < count; index++) values[index] = center + (rng.next() - 0.5) * 2 * spread;
  return values;
}

/** `rows` x `columns` read by columns: the layout MatMul wants from filters that lie one after another. */
export function transpose(values: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) turned[column * rows + row] = values[row * columns + column]!;
  }
  return turned;
}

/** The values as ONNX stores them: little-endian. */
export function toLittleEndian(values: Float32Array | BigInt64Array): Uint8Array {
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  if (endianness() === 'BE') return values instanceof Float32Array ? bytes.swap32() : bytes.swap64();
  return bytes;
}
