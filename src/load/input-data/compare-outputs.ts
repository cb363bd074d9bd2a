/**
 * Compares an answer's outputs with those that the input data expects. Whole numbers, booleans and strings must be the
 * same; floats may differ by the tolerance, absolute and relative, and NaN equals NaN.
 */
import { Buffer } from 'node:buffer';
import { type DataType, elementSize } from '../../kserve/data-types.js';
import type { Tensor } from '../../kserve/tensor.js';
import { fromBfloatBits, fromHalfBits } from '../../plan/input-data/half-floats.js';

/** Where none is asked for. */
export const DEFAULT_TOLERANCE = 1e-5;

type FloatType = 'FP16' | 'BF16' | 'FP32' | 'FP64';

const readers: Readonly<Record<FloatType, (view: DataView, index: number) => number>> = {
  FP16: (view, index) => fromHalfBits(view.getUint16(index * 2, true)),
  BF16: (view, index) => fromBfloatBits(view.getUint16(index * 2, true)),
  FP32: (view, index) => view.getFloat32(index * 4, true),
  FP64: (view, index) => view.getFloat64(index * 8, true),
};

const isFloat = (dataType: DataType): dataType is FloatType => Object.hasOwn(readers, dataType);

/** The first difference in words for people, or undefined when there is none; outputs that nobody expects are passed over. */
export function findDifference(
  expected: readonly Tensor[],
  actual: readonly Tensor[],
  tolerance = DEFAULT_TOLERANCE,
): string | undefined {
  for (const wanted of expected) {
    const found = actual.find(({ name }) => name === wanted.name);
    const difference = found === undefined ? 'is not in the answer' : differenceOf(wanted, found, tolerance);
    if (difference !== undefined) return `output ${wanted.name} ${difference}`;
  }
  return undefined;
}

function differenceOf(wanted: Tensor, found: Tensor, tolerance: number): string | undefined {
  if (wanted.dataType !== found.dataType) return `is ${found.dataType} where ${wanted.dataType} was expected`;
  const shapes = [wanted.shape, found.shape].map((shape) => `[${shape.join(', ')}]`);
  if (shapes[0] !== shapes[1]) return `has the shape ${shapes[1]} where ${shapes[0]} was expected`;
  if (Buffer.compare(wanted.bytes, found.bytes) === 0) return undefined;
  if (!isFloat(wanted.dataType)) return firstUnequal(wanted, found);
  if (wanted.bytes.byteLength !== found.bytes.byteLength) return 'is of another size than expected';
  return firstBeyond(readers[wanted.dataType], wanted, found, tolerance);
}

function firstBeyond(
  read: (view: DataView, index: number) => number,
  wanted: Tensor,
  found: Tensor,
  tolerance: number,
): string | undefined {
  const [wantedView, foundView] = [viewOf(wanted.bytes), viewOf(found.bytes)];
  const count = wanted.bytes.byteLength / elementSize(wanted.dataType)!;
  for (let index = 0; index < count; index++) {
    const want = read(wantedView, index);
    const have = read(foundView, index);
    const isNear = Number.isFinite(want) && Math.abs(want - have) <= tolerance * (1 + Math.abs(want));
    if (!isNear && !Object.is(want, have)) return `has ${have} at element ${index} where ${want} was expected`;
  }
  return undefined;
}

/** The first element that differs, by its position; the values of BYTES are too long to be told. */
function firstUnequal({ bytes: wanted, dataType }: Tensor, { bytes: found }: Tensor): string {
  const end = Math.min(wanted.length, found.length);
  let at = 0;
  while (at < end && wanted[at] === found[at]) at++;
  const size = elementSize(dataType);
  if (size === undefined) return `has other strings than expected, from byte ${at} on`;
  const index = Math.floor(at / size);
  const textAt = (bytes: Uint8Array): string => integerText(bytes.subarray(index * size, (index + 1) * size), dataType);
  return `has ${textAt(found)} at element ${index} where ${textAt(wanted)} was expected`;
}

function integerText(bytes: Uint8Array, dataType: DataType): string {
  const little = [...bytes].reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);
  return (dataType.startsWith('INT') ? BigInt.asIntN(bytes.length * 8, little) : little).toString();
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
