/**
 * Typed tensor contents (InferTensorContents) turned into the raw bytes that the rest of perf-ts works on. Only
 * requests of simple clients carry them; everything else sends raw bytes.
 */
import { Buffer } from 'node:buffer';
import { ByteSink } from './byte-sink.js';
import { type DataType, elementSize } from './data-types.js';
import { ProtocolError } from './protocol-error.js';
import { type WireReader, wireTypes } from './wire-reader.js';

/** The field of InferTensorContents that carries a data type; FP16 and BF16 have none and must come as raw bytes. */
const contentFields: Readonly<Record<DataType, number | undefined>> = {
  BOOL: 1,
  INT8: 2,
  INT16: 2,
  INT32: 2,
  INT64: 3,
  UINT8: 4,
  UINT16: 4,
  UINT32: 4,
  UINT64: 5,
  FP32: 6,
  FP64: 7,
  BYTES: 8,
  FP16: undefined,
  BF16: undefined,
};

/** What Triton calls the contents of each field. */
const fieldTypes: readonly string[] = ['', 'BOOL', 'INT32', 'INT64', 'UINT32', 'UINT64', 'FP32', 'FP64', 'BYTES'];

const mistaken = (field: number, tensorName: string, dataType: DataType, modelName: string): ProtocolError =>
  new ProtocolError(
    `unexpected explicit tensor data for input tensor '${tensorName}' for model '${modelName}' of type ` +
      `'${fieldTypes[field]}', expected datatype '${dataType}'`,
  );

/** Reads the contents message that lies between `start` and `stop`, and appends its elements to `sink`. */
function readContents(
  reader: WireReader,
  stop: number,
  tensorName: string,
  dataType: DataType,
  sink: ByteSink,
  modelName: string,
): void {
  const field = contentFields[dataType];
  if (field === undefined)
    throw new ProtocolError(`tensor '${tensorName}' of type ${dataType} must be sent as raw bytes`);
  const outer = reader.end;
  reader.end = stop;
  while (reader.hasMore()) {
    const tag = reader.readTag();
    if (tag >>> 3 !== field) {
      if (tag >>> 3 > 8) reader.skip(tag);
      else throw mistaken(tag >>> 3, tensorName, dataType, modelName);
    } else if (dataType === 'BYTES') {
      if ((tag & 7) !== wireTypes.delimited) throw new ProtocolError('malformed message: bytes_contents');
      sink.writeLengthPrefixed(reader.readBytes());
    } else if ((tag & 7) === wireTypes.delimited) {
      readPacked(reader, tensorName, dataType, sink);
    } else {
      readElement(reader, tag & 7, tensorName, dataType, sink);
    }
  }
  reader.end = outer;
}

function readPacked(reader: WireReader, tensorName: string, dataType: DataType, sink: ByteSink): void {
  const size = elementSize(dataType) ?? 1;
  if (dataType === 'FP32' || dataType === 'FP64') {
    const content = reader.readBytes();
    if (content.length % size !== 0) throw new ProtocolError(`tensor '${tensorName}' has contents that are cut off`);
    sink.write(content);
    return;
  }
  const outer = reader.enter();
  while (reader.hasMore()) readElement(reader, wireTypes.varint, tensorName, dataType, sink);
  reader.leave(outer);
}

function readElement(
  reader: WireReader,
  wireType: number,
  tensorName: string,
  dataType: DataType,
  sink: ByteSink,
): void {
  const size = elementSize(dataType) ?? 1;
  const expected = dataType === 'FP32' ? wireTypes.fixed32 : dataType === 'FP64' ? wireTypes.fixed64 : wireTypes.varint;
  if (wireType !== expected) throw new ProtocolError(`malformed message: contents of tensor '${tensorName}'`);
  if (expected !== wireTypes.varint) {
    const start = reader.position;
    reader.advance(size);
    sink.write(reader.bytes.subarray(start, reader.position));
    return;
  }
  reader.readVarint();
  if (size === 8) {
    sink.writeUint32(reader.low);
    sink.writeUint32(reader.high);
    return;
  }
  if (!isInRange(dataType, reader.low, reader.high)) {
    throw new ProtocolError(`tensor '${tensorName}' has a value that ${dataType} cannot hold`);
  }
  sink.writeLow(reader.low, size);
}

/** Whether a varint's value fits an integer type of at most 32 bits. */
function isInRange(dataType: DataType, low: number, high: number): boolean {
  const bits = (elementSize(dataType) ?? 1) * 8;
  if (dataType === 'BOOL') return high === 0 && low <= 1;
  if (dataType.startsWith('U')) return high === 0 && low < 2 ** bits;
  // int32 travels sign-extended to 64 bits.
  const value = low | 0;
  const isExtended = high === 0 ? value >= 0 : high === 0xffff_ffff && value < 0;
  return isExtended && value >= -(2 ** (bits - 1)) && value < 2 ** (bits - 1);
}

/**
 * The raw bytes of typed contents given as [start, stop) ranges of the reader's message; several ranges follow each
 * other, as protobuf merges them. Throws ProtocolError for contents that do not match the data type.
 */
export function contentsToBytes(
  reader: WireReader,
  ranges: readonly number[],
  tensorName: string,
  dataType: DataType,
  modelName: string,
): Uint8Array {
  const resume = reader.position;
  const sink = new ByteSink(Buffer.alloc(64));
  for (let i = 0; i + 1 < ranges.length; i += 2) {
    reader.position = ranges[i]!;
    readContents(reader, ranges[i + 1]!, tensorName, dataType, sink, modelName);
  }
  reader.position = resume;
  return sink.take();
}
