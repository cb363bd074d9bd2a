/**
 * Parameters of requests, tensors and responses as protobuf's map<string, InferParameter>. Most messages have none, so
 * nothing is made until the first one is met.
 */
import { Buffer } from 'node:buffer';
import { ProtocolError } from './protocol-error.js';
import type { RequestParameters } from './tensor.js';
import { tagOf, type WireReader, wireTypes } from './wire-reader.js';
import { delimitedSize, stringSize, varintSize, type WireWriter } from './wire-writer.js';

export type ParameterValue = RequestParameters[string];

const KEY = tagOf(1, wireTypes.delimited);
const VALUE = tagOf(2, wireTypes.delimited);
const BOOL = tagOf(1, wireTypes.varint);
const INT64 = tagOf(2, wireTypes.varint);
const STRING = tagOf(3, wireTypes.delimited);
const DOUBLE = tagOf(4, wireTypes.fixed64);
const UINT64 = tagOf(5, wireTypes.varint);

/**
 * Reads one entry of the map into `parameters`, or into a new record. Numbers beyond 2^53 come rounded, which those who
 * use them must refuse. Throws ProtocolError for an entry without a value.
 */
export function readParameter(
  reader: WireReader,
  parameters: Record<string, ParameterValue> | undefined,
): Record<string, ParameterValue> {
  // Without a prototype, because keys are the caller's: `__proto__` is one like any other.
  const record = parameters ?? (Object.create(null) as Record<string, ParameterValue>);
  const outer = reader.enter();
  let key = '';
  let value: ParameterValue | undefined;
  while (reader.hasMore()) {
    const tag = reader.readTag();
    if (tag === KEY) key = reader.readString();
    else if (tag === VALUE) value = readValue(reader);
    else reader.skip(tag);
  }
  reader.leave(outer);
  if (value === undefined) {
    throw new ProtocolError(
      `invalid value type for '${key}' parameter, expected int64_param, bool_param, or string_param.`,
    );
  }
  record[key] = value;
  return record;
}

function readValue(reader: WireReader): ParameterValue | undefined {
  const outer = reader.enter();
  let value: ParameterValue | undefined;
  while (reader.hasMore()) {
    const tag = reader.readTag();
    if (tag === STRING) value = reader.readString();
    else if (tag === DOUBLE) value = reader.readDouble();
    else if (tag === BOOL) {
      reader.readVarint();
      value = reader.low !== 0 || reader.high !== 0;
    } else if (tag === INT64) {
      reader.readVarint();
      value = (reader.high | 0) * 2 ** 32 + reader.low;
    } else if (tag === UINT64) {
      reader.readVarint();
      value = reader.high * 2 ** 32 + reader.low;
    } else reader.skip(tag);
  }
  reader.leave(outer);
  return value;
}

/** -0 would lose its sign as an integer. */
const isInteger = (value: number): boolean => Number.isSafeInteger(value) && !Object.is(value, -0);

function valueSize(value: ParameterValue): number {
  if (typeof value === 'string') return delimitedSize(Buffer.byteLength(value));
  if (typeof value === 'boolean') return 2;
  return isInteger(value) ? 1 + varintSize(value) : 9;
}

const entrySize = (key: string, value: ParameterValue): number => stringSize(key) + delimitedSize(valueSize(value));

/** Bytes of all entries with their tags and lengths. */
export function parametersSize(parameters: RequestParameters): number {
  let size = 0;
  for (const key of Object.keys(parameters)) size += delimitedSize(entrySize(key, parameters[key]!));
  return size;
}

/** Writes every entry; whole numbers become int64_param, others double_param. */
export function writeParameters(writer: WireWriter, field: number, parameters: RequestParameters): void {
  for (const key of Object.keys(parameters)) {
    const value = parameters[key]!;
    writer.delimited(field, entrySize(key, value));
    writer.string(1, key);
    writer.delimited(2, valueSize(value));
    writeValue(writer, value);
  }
}

function writeValue(writer: WireWriter, value: ParameterValue): void {
  if (typeof value === 'string') {
    // The empty text is a value too, which `string` would leave out.
    if (value === '') writer.delimited(3, 0);
    else writer.string(3, value);
  } else if (typeof value === 'boolean') writer.integer(1, value ? 1 : 0);
  else if (isInteger(value)) writer.integer(2, value);
  else writer.double(4, value);
}
