/**
 * Classification: instead of a tensor, the largest elements of each of its rows as texts VALUE:INDEX[:LABEL], in
 * Triton's form. Equal values keep the order of their indices; NaN comes last.
 */
import { Buffer } from 'node:buffer';
import type { DataType } from '../../src/kserve/data-types.js';
import { ProtocolError } from '../../src/kserve/protocol-error.js';
import type { Tensor } from '../../src/kserve/tensor.js';

type ReadValue = (bytes: DataView, place: number) => number | bigint;

const readers: Partial<Readonly<Record<DataType, ReadValue>>> = {
  UINT8: (bytes, place) => bytes.getUint8(place),
  UINT16: (bytes, place) => bytes.getUint16(place * 2, true),
  UINT32: (bytes, place) => bytes.getUint32(place * 4, true),
  UINT64: (bytes, place) => bytes.getBigUint64(place * 8, true),
  INT8: (bytes, place) => bytes.getInt8(place),
  INT16: (bytes, place) => bytes.getInt16(place * 2, true),
  INT32: (bytes, place) => bytes.getInt32(place * 4, true),
  INT64: (bytes, place) => bytes.getBigInt64(place * 8, true),
  FP32: (bytes, place) => bytes.getFloat32(place * 4, true),
  FP64: (bytes, place) => bytes.getFloat64(place * 8, true),
};

/**
 * The BYTES tensor of the `count` largest elements of each row, or of the whole tensor where the model does not batch.
 * `labels` are by index. Throws ProtocolError for a data type that has no order.
 */
export function classifyTensor(
  tensor: Tensor,
  count: number,
  hasBatchDimension: boolean,
  labels: readonly string[],
): Tensor {
  const { name, dataType, bytes } = tensor;
  const read = readers[dataType];
  if (read === undefined) {
    throw new ProtocolError(`class result not available for output '${name}' due to unsupported type '${dataType}'`);
  }
  const rows = hasBatchDimension ? (tensor.shape[0] ?? 1) : 1;
  const columns = tensor.shape.slice(hasBatchDimension ? 1 : 0).reduce((product, size) => product * size, 1);
  const wanted = Math.min(count, columns);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isFloat = dataType === 'FP32' || dataType === 'FP64';
  const texts: string[] = [];
  for (let row = 0; row < rows; row++) {
    const values = Array.from({ length: columns }, (_, column) => read(view, row * columns + column));
    for (const index of largestIndices(values, wanted)) {
      const value = values[index]!;
      const text = isFloat ? formatFloat(Number(value)) : String(value);
      const label = labels[index] ?? '';
      texts.push(label === '' ? `${text}:${index}` : `${text}:${index}:${label}`);
    }
  }
  return { name, dataType: 'BYTES', shape: hasBatchDimension ? [rows, wanted] : [wanted], bytes: joinTexts(texts) };
}

function largestIndices(values: readonly (number | bigint)[], count: number): readonly number[] {
  const isNone = (value: number | bigint): boolean => Number.isNaN(value);
  const indices = Array.from(values, (_, index) => index);
  indices.sort((a, b) => {
    const left = values[a]!;
    const right = values[b]!;
    if (isNone(left) || isNone(right)) return Number(isNone(left)) - Number(isNone(right)) || a - b;
    return left === right ? a - b : left > right ? -1 : 1;
  });
  return indices.slice(0, count);
}

/** As C's `%f` writes it: six decimals, exact digits however large, ties to the even digit. */
export function formatFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const size = Math.abs(value);
  if (size === Number.POSITIVE_INFINITY) return `${sign}inf`;
  if (size >= 2 ** 53) return `${sign}${BigInt(size)}.000000`;
  // Half of the sixth decimal is exact for odd multiples of 1/128 only; toFixed rounds those up.
  const isTie = (size * 128) % 2 === 1;
  const rounded = size.toFixed(6);
  if (!isTie || Number(rounded.at(-1)) % 2 === 0) return sign + rounded;
  return `${sign}${rounded.slice(0, -1)}${Number(rounded.at(-1)) - 1}`;
}

function joinTexts(texts: readonly string[]): Uint8Array {
  const parts = texts.flatMap((text) => {
    const content = Buffer.from(text, 'utf8');
    const length = Buffer.alloc(4);
    length.writeUInt32LE(content.length);
    return [length, content];
  });
  return Buffer.concat(parts);
}
