/** Tensor data in JSON, flat or nested by dimension, to and from the raw little-endian bytes of a tensor. */
import { Buffer, isUtf8 } from 'node:buffer';
import { endianness } from 'node:os';
import { ByteSink } from './byte-sink.js';
import { type DataType, elementCount, elementSize } from './data-types.js';
import { exactNumberOf } from './json-text.js';
import { ProtocolError } from './protocol-error.js';
import type { Tensor } from './tensor.js';

// Typed arrays are read and written in the host's byte order, which the protocol fixes as little-endian.
if (endianness() !== 'LE') throw new Error('perf-ts needs a little-endian host');

const arrays = {
  BOOL: Uint8Array,
  UINT8: Uint8Array,
  UINT16: Uint16Array,
  UINT32: Uint32Array,
  INT8: Int8Array,
  INT16: Int16Array,
  INT32: Int32Array,
  INT64: BigInt64Array,
  UINT64: BigUint64Array,
  FP32: Float32Array,
  FP64: Float64Array,
} as const;

type NumericType = keyof typeof arrays;
type Convert = (value: unknown) => number | bigint | undefined;

const isNumeric = (type: DataType): type is NumericType => Object.hasOwn(arrays, type);

const toFloat: Convert = (value) => (typeof value === 'number' ? value : exactFloat(exactNumberOf(value)));
const exactFloat = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));
const toBool: Convert = (value) =>
  typeof value === 'boolean' ? Number(value) : value === 0 || value === 1 ? value : undefined;

const toInteger =
  (low: number, high: number): Convert =>
  (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high ? value : undefined;

const toBigInteger =
  (low: bigint, high: bigint): Convert =>
  (value) => {
    const exact = exactNumberOf(value);
    const isWhole = exact === undefined ? Number.isSafeInteger(value) : /^-?\d+$/.test(exact);
    if (!isWhole) return undefined;
    const whole = BigInt(exact ?? (value as number));
    return whole >= low && whole <= high ? whole : undefined;
  };

const converters: Readonly<Record<NumericType, Convert>> = {
  BOOL: toBool,
  UINT8: toInteger(0, 2 ** 8 - 1),
  UINT16: toInteger(0, 2 ** 16 - 1),
  UINT32: toInteger(0, 2 ** 32 - 1),
  UINT64: toBigInteger(0n, 2n ** 64n - 1n),
  INT8: toInteger(-(2 ** 7), 2 ** 7 - 1),
  INT16: toInteger(-(2 ** 15), 2 ** 15 - 1),
  INT32: toInteger(-(2 ** 31), 2 ** 31 - 1),
  INT64: toBigInteger(-(2n ** 63n), 2n ** 63n - 1n),
  FP32: toFloat,
  FP64: toFloat,
};

/** Calls `visit` for each value in row-major order; `depth` bounds the nesting. */
function visitValues(
  data: readonly unknown[],
  depth: number,
  tensorName: string,
  visit: (value: unknown) => void,
): void {
  for (const value of data) {
    if (!Array.isArray(value)) visit(value);
    else if (depth > 1) visitValues(value, depth - 1, tensorName, visit);
    else throw new ProtocolError(`tensor '${tensorName}' has data nested deeper than its shape`);
  }
}

/**
 * The bytes of a tensor given as JSON. `textLength` is the size of the document it came in: no tensor has more
 * elements than that has characters, which keeps a false shape from reserving memory.
 */
export function jsonToBytes(
  data: unknown,
  name: string,
  dataType: DataType,
  shape: readonly number[],
  textLength: number,
): Uint8Array {
  if (!Array.isArray(data)) throw new ProtocolError(`tensor '${name}' has no list of data`);
  const count = elementCount(shape);
  const tooFew = (found: number): ProtocolError =>
    new ProtocolError(`tensor '${name}' of shape [${shape.join(',')}] needs ${count} values, not ${found}`);
  let found = 0;
  if (dataType === 'BYTES') {
    const sink = new ByteSink(Buffer.allocUnsafe(256));
    visitValues(data, shape.length, name, (value) => {
      if (typeof value !== 'string')
        throw new ProtocolError(`tensor '${name}' of type BYTES has a value that is no text`);
      // Half of a surrogate pair has no bytes; encoding it would send other ones.
      if (!value.isWellFormed())
        throw new ProtocolError(`tensor '${name}' of type BYTES has a text with half of a surrogate pair`);
      sink.writeLengthPrefixed(Buffer.from(value, 'utf8'));
      found++;
    });
    if (found !== count) throw tooFew(found);
    return sink.take();
  }
  if (!isNumeric(dataType))
    throw new ProtocolError(`tensor '${name}': ${dataType} cannot be sent as JSON, only as binary data`);
  if (count > textLength) throw new ProtocolError(`tensor '${name}' of shape [${shape.join(',')}] has too few values`);
  const values = new arrays[dataType](count);
  const convert = converters[dataType];
  visitValues(data, shape.length, name, (value) => {
    const element = convert(value);
    if (element === undefined) throw new ProtocolError(`tensor '${name}' has a value that is no ${dataType}`);
    if (found < count) values[found] = element;
    found++;
  });
  if (found !== count) throw tooFew(found);
  return new Uint8Array(values.buffer);
}

/** The JSON text of a tensor's flat list of data. Throws ProtocolError for what JSON cannot carry. */
export function bytesToJson(tensor: Tensor): string {
  const { name, dataType, bytes } = tensor;
  if (dataType === 'BYTES') return textsToJson(name, bytes);
  if (!isNumeric(dataType)) {
    throw new ProtocolError(
      `sending ${dataType} data via JSON is not supported. Please use the binary data format for output`,
    );
  }
  // A copy, because a typed array's view must be aligned to its element size.
  const aligned = new Uint8Array(bytes).buffer;
  const values = new arrays[dataType](aligned, 0, Math.floor(bytes.byteLength / (elementSize(dataType) ?? 1)));
  const texts = new Array<string>(values.length);
  for (let i = 0; i < values.length; i++) texts[i] = numberText(dataType, values[i]!);
  return `[${texts.join(',')}]`;
}

function numberText(dataType: NumericType, value: number | bigint): string {
  if (dataType === 'BOOL') return value ? 'true' : 'false';
  return dataType === 'FP32' || dataType === 'FP64' ? floatText(Number(value)) : String(value);
}

/** As Triton writes it: a float is never mistaken for an integer, and an exponent has no plus. */
function floatText(value: number): string {
  if (Object.is(value, -0)) return '-0.0';
  const text = String(value);
  if (text.includes('e')) return text.replace('e+', 'e');
  return Number.isInteger(value) ? `${text}.0` : text;
}

function textsToJson(name: string, bytes: Uint8Array): string {
  const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const texts: string[] = [];
  for (let position = 0; position < content.length; ) {
    const start = position + 4;
    const stop = start <= content.length ? start + content.readUInt32LE(position) : Number.POSITIVE_INFINITY;
    if (stop > content.length) throw new ProtocolError(`output '${name}' has malformed BYTES elements`, 'INTERNAL');
    const element = content.subarray(start, stop);
    if (!isUtf8(element))
      throw new ProtocolError(`output '${name}' holds bytes that are not UTF-8, ask for binary data`);
    texts.push(JSON.stringify(element.toString('utf8')));
    position = stop;
  }
  return `[${texts.join(',')}]`;
}
