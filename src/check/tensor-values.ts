/** The elements of a tensor as numbers, whatever its data type. */

import { type DataType, elementSize } from '../kserve/data-types.js';
import type { Tensor } from '../kserve/tensor.js';
import { halfToNumber } from '../onnx/convert/half-float.js';

type NumericType = Exclude<DataType, 'BYTES'>;
type ReadElement = (view: DataView, at: number) => number;

const floatWord = new DataView(new ArrayBuffer(4));

/** bfloat16 is the upper half of a 32-bit float. */
function readBfloat(view: DataView, at: number): number {
  floatWord.setUint32(0, view.getUint16(at, true) * 0x1_0000);
  return floatWord.getFloat32(0);
}

const readers: Readonly<Record<NumericType, ReadElement>> = {
  BOOL: (view, at) => view.getUint8(at),
  UINT8: (view, at) => view.getUint8(at),
  UINT16: (view, at) => view.getUint16(at, true),
  UINT32: (view, at) => view.getUint32(at, true),
  UINT64: (view, at) => Number(view.getBigUint64(at, true)),
  INT8: (view, at) => view.getInt8(at),
  INT16: (view, at) => view.getInt16(at, true),
  INT32: (view, at) => view.getInt32(at, true),
  INT64: (view, at) => Number(view.getBigInt64(at, true)),
  FP16: (view, at) => halfToNumber(view.getUint16(at, true)),
  FP32: (view, at) => view.getFloat32(at, true),
  FP64: (view, at) => view.getFloat64(at, true),
  BF16: readBfloat,
};

const floatTypes: ReadonlySet<DataType> = new Set(['FP16', 'FP32', 'FP64', 'BF16']);
export const isFloatType = (type: DataType): boolean => floatTypes.has(type);

/** In row-major order; undefined for strings. 64-bit integers lose what lies beyond 2^53. */
export function readValues({ dataType, bytes }: Tensor): Float64Array | undefined {
  if (dataType === 'BYTES') return undefined;
  const size = elementSize(dataType)!;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Float64Array(Math.floor(bytes.byteLength / size));
  const read = readers[dataType];
  for (let index = 0; index < values.length; index++) values[index] = read(view, index * size);
  return values;
}

/** The strings of a BYTES tensor, each with a 4-byte length before it. */
export function readStrings({ bytes }: Tensor): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const strings: string[] = [];
  for (let at = 0; at + 4 <= bytes.byteLength; ) {
    const length = view.getUint32(at, true);
    strings.push(Buffer.from(bytes.buffer, bytes.byteOffset + at + 4, length).toString('latin1'));
    at += 4 + length;
  }
  return strings;
}
