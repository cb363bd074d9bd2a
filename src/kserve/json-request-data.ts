/** The data of a request's input in JSON: however it is nested, its values are taken one after the other, as by Triton. */
import { Buffer } from 'node:buffer';
import { ByteSink } from './byte-sink.js';
import { type DataType, elementSize } from './data-types.js';
import { asBoolean, asDouble, asSigned, asText, asUnsigned } from './json-access.js';
import { ProtocolError } from './protocol-error.js';

const WHAT = "Unable to parse 'data'";
/** Nothing real is nested deeper; it bounds the stack that a hostile document can take. */
const MAX_DEPTH = 256;

const mismatch = (): ProtocolError =>
  new ProtocolError(`${WHAT}: Shape does not match true shape of 'data' field`, 'INTERNAL');

function visit(value: unknown, depth: number, take: (value: unknown) => void): void {
  if (!Array.isArray(value)) take(value);
  else if (depth === MAX_DEPTH) throw mismatch();
  else for (const element of value) visit(element, depth + 1, take);
}

/** Triton cuts numbers that are out of range off; an answer to another number would be worse than none. */
function inRange(value: bigint | number, name: string, dataType: DataType): bigint | number {
  const bits = BigInt((elementSize(dataType) ?? 0) * 8);
  const [low, high] = dataType.startsWith('U') ? [0n, 2n ** bits] : [-(2n ** (bits - 1n)), 2n ** (bits - 1n)];
  if (value >= low && value < high) return value;
  throw new ProtocolError(`${WHAT}: ${value} is out of range for input '${name}' of type ${dataType}`);
}

type Write = (view: DataView, place: number, value: unknown, name: string) => void;

const whole =
  (dataType: DataType, set: (view: DataView, place: number, value: number) => void): Write =>
  (view, place, value, name) => {
    const read = dataType.startsWith('U') ? asUnsigned : asSigned;
    set(view, place, Number(inRange(read(value, WHAT), name, dataType)));
  };

const writers: Partial<Readonly<Record<DataType, Write>>> = {
  BOOL: (view, place, value) => view.setUint8(place, asBoolean(value, WHAT) ? 1 : 0),
  UINT8: whole('UINT8', (view, place, value) => view.setUint8(place, value)),
  UINT16: whole('UINT16', (view, place, value) => view.setUint16(place * 2, value, true)),
  UINT32: whole('UINT32', (view, place, value) => view.setUint32(place * 4, value, true)),
  UINT64: (view, place, value) => view.setBigUint64(place * 8, BigInt(asUnsigned(value, WHAT)), true),
  INT8: whole('INT8', (view, place, value) => view.setInt8(place, value)),
  INT16: whole('INT16', (view, place, value) => view.setInt16(place * 2, value, true)),
  INT32: whole('INT32', (view, place, value) => view.setInt32(place * 4, value, true)),
  INT64: (view, place, value) => view.setBigInt64(place * 8, BigInt(asSigned(value, WHAT)), true),
  FP32: (view, place, value) => view.setFloat32(place * 4, asDouble(value, WHAT), true),
  FP64: (view, place, value) => view.setFloat64(place * 8, asDouble(value, WHAT), true),
};

/**
 * The bytes of `data`, which must have `count` values, of BYTES any number: the model's check counts those.
 * `textLength` is the size of the document it came in: no tensor has more elements than that has characters, which
 * keeps a false shape from reserving memory. Throws ProtocolError.
 */
export function readJsonData(
  data: unknown,
  name: string,
  dataType: DataType,
  count: number,
  textLength: number,
): Uint8Array {
  if (dataType === 'BYTES') {
    const sink = new ByteSink(Buffer.allocUnsafe(256));
    visit(data, 0, (value) =>
      sink.writeLengthPrefixed(Buffer.from(asText(value, 'Unable to parse JSON bytes array'), 'utf8')),
    );
    return sink.take();
  }
  const write = writers[dataType];
  if (write === undefined) {
    throw new ProtocolError(
      `receiving ${dataType} data via JSON is not supported. Please use the binary data format for input ${name}`,
    );
  }
  if (count > textLength) throw mismatch();
  const bytes = new Uint8Array(count * (elementSize(dataType) ?? 1));
  const view = new DataView(bytes.buffer);
  let found = 0;
  visit(data, 0, (value) => {
    if (found >= count) throw mismatch();
    write(view, found++, value, name);
  });
  if (found !== count) throw mismatch();
  return bytes;
}
