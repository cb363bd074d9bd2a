/**
 * The tensor messages of ModelInferRequest and ModelInferResponse, which share their field numbers, and how their
 * descriptions and raw contents come together.
 */
import { checkedDataType, checkShape, MAX_RANK, tooManyDimensions } from './checked-tensor.js';
import { ProtocolError } from './protocol-error.js';
import type { Tensor } from './tensor.js';
import { contentsToBytes } from './tensor-contents.js';
import { tagOf, type WireReader, wireTypes } from './wire-reader.js';

export interface WireTensor {
  name: string;
  dataType: string;
  shape: number[];
  /** [start, stop) pairs of typed contents in the reader's bytes; undefined where there are none. */
  contents: number[] | undefined;
  /** Keys of the parameters. */
  parameterNames: string[] | undefined;
}

const NAME = tagOf(1, wireTypes.delimited);
const DATA_TYPE = tagOf(2, wireTypes.delimited);
const PACKED_SHAPE = tagOf(3, wireTypes.delimited);
const SINGLE_SHAPE = tagOf(3, wireTypes.varint);
const PARAMETERS = tagOf(4, wireTypes.delimited);
const CONTENTS = tagOf(5, wireTypes.delimited);

/** Reads one nested tensor message, the reader standing before its length. */
export function readWireTensor(reader: WireReader): WireTensor {
  const outer = reader.enter();
  const tensor: WireTensor = { name: '', dataType: '', shape: [], contents: undefined, parameterNames: undefined };
  while (reader.hasMore()) {
    const tag = reader.readTag();
    if (tag === NAME) tensor.name = reader.readString();
    else if (tag === DATA_TYPE) tensor.dataType = reader.readString();
    else if (tag === PACKED_SHAPE) readPackedShape(reader, tensor.shape);
    else if (tag === SINGLE_SHAPE) addDimension(tensor.shape, reader.readInteger());
    else if (tag === PARAMETERS) {
      tensor.parameterNames ??= [];
      tensor.parameterNames.push(readMapKey(reader));
    } else if (tag === CONTENTS) {
      const stop = reader.readLength();
      tensor.contents ??= [];
      tensor.contents.push(reader.position, stop);
      reader.position = stop;
    } else reader.skip(tag);
  }
  reader.leave(outer);
  return tensor;
}

function readPackedShape(reader: WireReader, shape: number[]): void {
  const outer = reader.enter();
  while (reader.hasMore()) addDimension(shape, reader.readInteger());
  reader.leave(outer);
}

function addDimension(shape: number[], size: number): void {
  if (shape.length === MAX_RANK) throw tooManyDimensions();
  shape.push(size);
}

/** The key of one entry of a map with string keys; its value is passed over. */
export function readMapKey(reader: WireReader): string {
  const outer = reader.enter();
  let key = '';
  while (reader.hasMore()) {
    const tag = reader.readTag();
    if (tag === NAME) key = reader.readString();
    else reader.skip(tag);
  }
  reader.leave(outer);
  return key;
}

/** Joins descriptions with their contents. Throws ProtocolError where they do not fit together. */
export function joinTensors(
  reader: WireReader,
  tensors: readonly WireTensor[],
  raw: readonly Uint8Array[],
): readonly Tensor[] {
  if (raw.length > 0 && raw.length !== tensors.length) {
    throw new ProtocolError(
      `${tensors.length} tensors come with ${raw.length} raw contents; their numbers must be equal`,
    );
  }
  return tensors.map((tensor, index) => joinTensor(reader, tensor, raw[index]));
}

function joinTensor(reader: WireReader, tensor: WireTensor, raw: Uint8Array | undefined): Tensor {
  const { name, shape, contents } = tensor;
  const dataType = checkedDataType(name, tensor.dataType);
  checkShape(name, shape);
  if (raw !== undefined) {
    if (contents !== undefined) throw new ProtocolError(`tensor '${name}' has both contents and raw contents`);
    return { name, dataType, shape, bytes: raw };
  }
  if (contents === undefined && !shape.includes(0)) throw new ProtocolError(`tensor '${name}' has no contents`);
  return { name, dataType, shape, bytes: contentsToBytes(reader, contents ?? [], name, dataType) };
}
