/**
 * OrtValues: tensors that lie over memory of ours, tensors of strings, and reading back what ONNX Runtime allocated.
 * A tensor over our memory holds no reference to it: whoever makes one keeps the bytes alive until it is released.
 */
import { type DataType, elementCount, elementSize } from '../kserve/data-types.js';
import type { Memory, Pointer } from './api-functions.js';
import { dataTypeOfElement, elementTypeOf } from './element-types.js';
import type { OrtLibrary } from './library.js';
import { copyFromNative, copyToNative } from './native-memory.js';
import { checkStatus, OrtError } from './ort-error.js';

const INVALID_ARGUMENT = 2;
const LENGTH_BYTES = 4;

const place = new BigUint64Array(1);
const smallNumber = new Int32Array(1);
const sizeNumber = new BigUint64Array(1);

/** A tensor over `bytes`, for any type but BYTES. ONNX Runtime reads an input from there and writes an output to it. */
export function createTensorOver(
  library: OrtLibrary,
  type: DataType,
  shape: readonly number[],
  bytes: Uint8Array,
): Pointer {
  return createTensorAt(library, type, shape, bytes, bytes.byteLength);
}

/** The same over `byteLength` bytes at an address, aligned to the elements of the type. */
export function createTensorAt(
  library: OrtLibrary,
  type: DataType,
  shape: readonly number[],
  memory: Memory,
  byteLength: number,
): Pointer {
  const { api, cpuMemory } = library;
  const dims = BigInt64Array.from(shape, BigInt);
  const status = api.CreateTensorWithDataAsOrtValue(
    cpuMemory,
    memory,
    byteLength,
    dims,
    shape.length,
    elementTypeOf(type),
    place,
  );
  checkStatus(api, status);
  return place[0]!;
}

/**
 * A tensor of strings from elements that each follow their 4-byte little-endian length, as KServe sends them.
 * @throws OrtError when `bytes` does not hold exactly the elements of `shape`.
 */
export function createStringTensor(library: OrtLibrary, shape: readonly number[], bytes: Uint8Array): Pointer {
  const { api, allocator } = library;
  const dims = BigInt64Array.from(shape, BigInt);
  checkStatus(api, api.CreateTensorAsOrtValue(allocator, dims, shape.length, elementTypeOf('BYTES'), place));
  const value = place[0]!;
  try {
    fillStrings(library, value, elementCount(shape), bytes);
  } catch (error) {
    api.ReleaseValue(value);
    throw error;
  }
  return value;
}

function fillStrings(library: OrtLibrary, value: Pointer, count: number, bytes: Uint8Array): void {
  const { api } = library;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  for (let index = 0; index < count; index++) {
    const start = at + LENGTH_BYTES;
    const end = start <= bytes.byteLength ? start + view.getUint32(at, true) : Number.POSITIVE_INFINITY;
    if (end > bytes.byteLength) throw new OrtError(`string ${index} reaches past the tensor's bytes`, INVALID_ARGUMENT);
    checkStatus(api, api.GetResizedStringTensorElementBuffer(value, index, end - start, place));
    copyToNative(place[0]!, bytes.subarray(start, end));
    at = end;
  }
  if (at !== bytes.byteLength) throw new OrtError('bytes are left after the last string', INVALID_ARGUMENT);
}

/** What a value that ONNX Runtime made holds. */
export interface ValueDescription {
  readonly dataType: DataType;
  readonly shape: readonly number[];
  /** Size as KServe sends it, so with the lengths before strings. */
  readonly byteLength: number;
}

/**
 * Type, shape and size of a tensor.
 * @throws OrtError when it is no tensor or of a type that KServe cannot carry.
 */
export function describeValue(library: OrtLibrary, value: Pointer): ValueDescription {
  const { api } = library;
  checkStatus(api, api.GetTensorTypeAndShape(value, place));
  const info = place[0]!;
  let described: { elementType: number; shape: number[] };
  try {
    described = readTensorInfo(library, info);
  } finally {
    api.ReleaseTensorTypeAndShapeInfo(info);
  }
  const { elementType, shape } = described;
  const dataType = dataTypeOfElement(elementType);
  if (dataType === undefined)
    throw new OrtError(`element type ${elementType} has no KServe data type`, INVALID_ARGUMENT);
  const count = elementCount(shape);
  const size = elementSize(dataType);
  if (size !== undefined) return { dataType, shape, byteLength: count * size };
  checkStatus(api, api.GetStringTensorDataLength(value, sizeNumber));
  return { dataType, shape, byteLength: Number(sizeNumber[0]) + count * LENGTH_BYTES };
}

/** Element type number and shape of an OrtTensorTypeAndShapeInfo; -1 for a dimension that is not fixed. */
export function readTensorInfo(library: OrtLibrary, info: Pointer): { elementType: number; shape: number[] } {
  const { api } = library;
  checkStatus(api, api.GetTensorElementType(info, smallNumber));
  const elementType = smallNumber[0]!;
  checkStatus(api, api.GetDimensionsCount(info, sizeNumber));
  const dims = new BigInt64Array(Number(sizeNumber[0]));
  checkStatus(api, api.GetDimensions(info, dims, dims.length));
  return { elementType, shape: Array.from(dims, Number) };
}

/** Copies a described value to `target`, which has exactly its byte length, in the form KServe sends. */
export function readValue(
  library: OrtLibrary,
  value: Pointer,
  description: ValueDescription,
  target: Uint8Array,
): void {
  const { api } = library;
  if (description.dataType === 'BYTES') {
    readStrings(library, value, elementCount(description.shape), target);
    return;
  }
  checkStatus(api, api.GetTensorMutableData(value, place));
  copyFromNative(target, place[0]!);
}

function readStrings(library: OrtLibrary, value: Pointer, count: number, target: Uint8Array): void {
  const { api } = library;
  const content = new Uint8Array(target.byteLength - count * LENGTH_BYTES);
  const offsets = new BigUint64Array(count);
  checkStatus(api, api.GetStringTensorContent(value, content, content.byteLength, offsets, count));
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  let at = 0;
  for (let index = 0; index < count; index++) {
    const start = Number(offsets[index]);
    const end = index + 1 < count ? Number(offsets[index + 1]) : content.byteLength;
    view.setUint32(at, end - start, true);
    target.set(content.subarray(start, end), at + LENGTH_BYTES);
    at += LENGTH_BYTES + end - start;
  }
}
