/**
 * The tensor messages of ModelInferRequest and ModelInferResponse, which share their field numbers, and how their
 * descriptions and raw contents come together.
 */
import { checkedDataType, checkShape, MAX_RANK, tooManyDimensions } from './checked-tensor.js';
import { ProtocolError } from './protocol-error.js';
import type { InferInput, SharedMemoryReference, Tensor } from './tensor.js';
import { contentsToBytes } from './tensor-contents.js';
import { type ParameterValue, readParameter } from './wire-parameters.js';
import { tagOf, type WireReader, wireTypes } from './wire-reader.js';

export interface WireTensor {
  name: string;
  dataType: string;
  shape: number[];
  /** [start, stop) pairs of typed contents in the reader's bytes; undefined where there are none. */
  contents: number[] | undefined;
  parameters: Record<string, ParameterValue> | undefined;
  /** Where the bytes are instead of in the message; set by those who read inputs. */
  sharedMemory: SharedMemoryReference | undefined;
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
  const tensor: WireTensor = {
    name: '',
    dataType: '',
    shape: [],
    contents: undefined,
    parameters: undefined,
    sharedMemory: undefined,
  };
  while (reader.hasMore()) {
    const tag = reader.readTag();
    if (tag === NAME) tensor.name = reader.readString();
    else if (tag === DATA_TYPE) tensor.dataType = reader.readString();
    else if (tag === PACKED_SHAPE) readPackedShape(reader, tensor.shape);
    else if (tag === SINGLE_SHAPE) addDimension(tensor.shape, reader.readInteger());
    else if (tag === PARAMETERS) tensor.parameters = readParameter(reader, tensor.parameters);
    else if (tag === CONTENTS) {
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

/**
 * Joins descriptions with their contents, which tensors in shared memory do not have. `modelName` is for messages, which
 * are Triton's. Raw contents that no tensor claims are passed over. Throws ProtocolError where they do not fit together.
 */
export function joinTensors(
  reader: WireReader,
  tensors: readonly WireTensor[],
  raw: readonly Uint8Array[],
  modelName: string,
): readonly InferInput[] {
  let shared = 0;
  for (let place = 0; place < tensors.length; place++) if (tensors[place]!.sharedMemory !== undefined) shared++;
  const join = (tensor: WireTensor, place: number): Tensor => {
    if (raw.length > 0 && place >= raw.length) throw withoutData(tensor.name, modelName);
    return joinTensor(reader, tensor, raw[place], modelName);
  };
  if (shared === 0) return tensors.map(join);
  let next = 0;
  return tensors.map((tensor) =>
    tensor.sharedMemory === undefined ? join(tensor, next++) : referTensor(tensor, tensor.sharedMemory),
  );
}

const noBytes = new Uint8Array(0);

const withoutData = (name: string, modelName: string): ProtocolError =>
  new ProtocolError(`unable to find data for input tensor '${name}' for model '${modelName}' in request.`);

function referTensor({ name, dataType, shape, contents }: WireTensor, sharedMemory: SharedMemoryReference): InferInput {
  if (contents !== undefined) {
    throw new ProtocolError(`tensor '${name}' has both contents and a shared memory region`);
  }
  checkShape(name, shape);
  return { name, dataType: checkedDataType(name, dataType), shape, bytes: noBytes, sharedMemory };
}

function joinTensor(reader: WireReader, tensor: WireTensor, raw: Uint8Array | undefined, modelName: string): Tensor {
  const { name, shape, contents } = tensor;
  const dataType = checkedDataType(name, tensor.dataType);
  checkShape(name, shape);
  if (raw !== undefined) {
    if (contents !== undefined) {
      throw new ProtocolError(
        `contents field must not be specified when using raw_input_contents for '${name}' for model '${modelName}'`,
      );
    }
    return { name, dataType, shape, bytes: raw };
  }
  if (contents === undefined && !shape.includes(0)) throw withoutData(name, modelName);
  return { name, dataType, shape, bytes: contentsToBytes(reader, contents ?? [], name, dataType, modelName) };
}
