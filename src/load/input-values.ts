/**
 * The values that requests carry: seeded random values that every model can take, or zeros. The same input, seed and
 * shape give the same bytes on every platform.
 */
import { createRng, type Rng } from '../common/random.js';
import { type DataType, elementCount, elementSize } from '../kserve/data-types.js';
import type { Tensor } from '../kserve/tensor.js';
import { toBfloatBits, toHalfBits } from '../plan/input-data/half-floats.js';
import type { InputPlan } from '../plan/load-plan.js';

/** Random whole numbers lie below this, so that they fit every integer type and are plausible as table indexes. */
const INTEGER_LIMIT = 100;
const LETTERS = Buffer.from('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789');
const ZERO_LETTER = '0'.charCodeAt(0);

/**
 * A tensor for `input` from `seed`. Random floats lie in [0, 1), whole numbers in 0..99, or both in the range of the
 * input's source; booleans are 0 or 1, strings are letters and digits. Zeros are zeros; a string of zeros holds the
 * digit 0. `stringData` is every string, whatever the source.
 */
export function makeInputTensor(input: InputPlan, seed: number): Tensor {
  const { name, dataType, shape, source } = input;
  const count = elementCount(shape);
  const rng = source.kind === 'random' ? createRng(seed) : undefined;
  if (dataType === 'BYTES') {
    const bytes =
      input.stringData === undefined
        ? makeStrings(count, input.stringLengthBytes, rng)
        : repeatString(count, Buffer.from(input.stringData));
    return { name, dataType, shape, bytes };
  }
  const hasRange = source.kind === 'random' && source.low !== undefined && source.high !== undefined;
  const write = hasRange ? writerInRange(dataType, source.low, source.high) : writers[dataType];
  return { name, dataType, shape, bytes: makeNumbers(dataType, count, rng, write) };
}

type NumberType = Exclude<DataType, 'BYTES'>;

function makeNumbers(dataType: NumberType, count: number, rng: Rng | undefined, write: WriteElement): Uint8Array {
  const bytes = new Uint8Array(count * elementSize(dataType)!);
  if (rng === undefined) return bytes;
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < count; i++) write(view, i, rng);
  return bytes;
}

/** Writes the element at `index` of a little-endian tensor. */
type WriteElement = (view: DataView, index: number, rng: Rng) => void;

// The upper bytes of a wider integer stay 0, which in little-endian order makes every integer type alike but for its size.
const writeInteger =
  (size: number): WriteElement =>
  (view, index, rng) =>
    view.setUint8(index * size, rng.int(INTEGER_LIMIT));

const writers: Readonly<Record<NumberType, WriteElement>> = {
  BOOL: (view, index, rng) => view.setUint8(index, rng.int(2)),
  UINT8: writeInteger(1),
  UINT16: writeInteger(2),
  UINT32: writeInteger(4),
  UINT64: writeInteger(8),
  INT8: writeInteger(1),
  INT16: writeInteger(2),
  INT32: writeInteger(4),
  INT64: writeInteger(8),
  FP16: (view, index, rng) => view.setUint16(index * 2, halfBits(rng.int(2048)), true),
  FP32: (view, index, rng) => view.setFloat32(index * 4, float32Below1(rng), true),
  FP64: (view, index, rng) => view.setFloat64(index * 8, rng.next(), true),
  BF16: (view, index, rng) => view.setUint16(index * 2, bfloatBits(rng.next()), true),
};

/** Writes `value` as the element at `index` of a little-endian tensor. */
const writeValue: Readonly<Record<NumberType, (view: DataView, index: number, value: number) => void>> = {
  BOOL: (view, index, value) => view.setUint8(index, value),
  UINT8: (view, index, value) => view.setUint8(index, value),
  UINT16: (view, index, value) => view.setUint16(index * 2, value, true),
  UINT32: (view, index, value) => view.setUint32(index * 4, value, true),
  UINT64: (view, index, value) => view.setBigUint64(index * 8, BigInt(value), true),
  INT8: (view, index, value) => view.setInt8(index, value),
  INT16: (view, index, value) => view.setInt16(index * 2, value, true),
  INT32: (view, index, value) => view.setInt32(index * 4, value, true),
  INT64: (view, index, value) => view.setBigInt64(index * 8, BigInt(value), true),
  FP16: (view, index, value) => view.setUint16(index * 2, toHalfBits(value), true),
  FP32: (view, index, value) => view.setFloat32(index * 4, value, true),
  FP64: (view, index, value) => view.setFloat64(index * 8, value, true),
  BF16: (view, index, value) => view.setUint16(index * 2, toBfloatBits(value), true),
};

const isFloat = (dataType: NumberType): boolean => dataType.startsWith('FP') || dataType === 'BF16';

/** BOOL has no use for a range. */
function writerInRange(dataType: NumberType, low: number, high: number): WriteElement {
  if (dataType === 'BOOL') return writers.BOOL;
  const write = writeValue[dataType];
  const width = isFloat(dataType) ? high - low : high - low + 1;
  const round = isFloat(dataType) ? (value: number) => value : Math.floor;
  return (view, index, rng) => write(view, index, Math.min(high, low + round(rng.next() * width)));
}

function repeatString(count: number, text: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(count * (4 + text.byteLength));
  const view = new DataView(bytes.buffer);
  for (let start = 0; start < bytes.byteLength; start += 4 + text.byteLength) {
    view.setUint32(start, text.byteLength, true);
    bytes.set(text, start + 4);
  }
  return bytes;
}

/** 24 random bits, so that rounding to 32-bit floats never gives 1. */
const float32Below1 = (rng: Rng): number => Math.floor(rng.next() * 0x1000000) / 0x1000000;

/** The half-precision bits of `eleventhBits` / 2048, which is exact. */
function halfBits(eleventhBits: number): number {
  if (eleventhBits === 0) return 0;
  const exponent = 31 - Math.clz32(eleventhBits);
  return ((exponent + 4) << 10) | ((eleventhBits << (10 - exponent)) & 0x3ff);
}

const floatWord = new DataView(new ArrayBuffer(4));

/** The upper half of the 32-bit float: bfloat16 cuts the rest off. */
function bfloatBits(value: number): number {
  floatWord.setFloat32(0, Math.fround(value) < 1 ? value : 0);
  return floatWord.getUint16(0);
}

function makeStrings(count: number, lengthBytes: number, rng: Rng | undefined): Uint8Array {
  const bytes = new Uint8Array(count * (4 + lengthBytes));
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < count; i++) {
    const start = i * (4 + lengthBytes);
    view.setUint32(start, lengthBytes, true);
    for (let at = start + 4; at < start + 4 + lengthBytes; at++) {
      bytes[at] = rng === undefined ? ZERO_LETTER : LETTERS[rng.int(LETTERS.length)]!;
    }
  }
  return bytes;
}
