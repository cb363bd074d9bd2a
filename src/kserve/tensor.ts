/** Tensors as they travel: raw little-endian bytes with a name, a data type and a shape. */
import type { DataType } from './data-types.js';

/** What a model expects or returns; a dimension of -1 may have any size. */
export interface TensorSpec {
  readonly name: string;
  readonly dataType: DataType;
  /** Includes the batch dimension where the model batches. */
  readonly shape: readonly number[];
}

/** A concrete tensor. `bytes` is row-major; BYTES elements each carry a 4-byte little-endian length before them. */
export interface Tensor {
  readonly name: string;
  readonly dataType: DataType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** A stretch of a registered shared-memory region in which a tensor's bytes lie instead of in the message. */
export interface SharedMemoryReference {
  readonly region: string;
  readonly offsetBytes: number;
  readonly byteSize: number;
}

/** An input of a request; with a reference `bytes` is empty until the server has looked it up. */
export interface InferInput extends Tensor {
  readonly sharedMemory?: SharedMemoryReference;
}

/** A tensor of an answer; with a reference its bytes are there, and `bytes` is empty. */
export type InferOutput = InferInput;

/** An output that a request asks for by name. */
export interface RequestedOutput {
  readonly name: string;
  /** 0 returns the tensor itself; otherwise the top N elements as strings VALUE:INDEX[:LABEL]. */
  readonly classificationCount: number;
  /** The server writes the tensor there and leaves it out of the answer. */
  readonly sharedMemory?: SharedMemoryReference;
}

/** Parameters of a request (`priority`, `timeout`, or the user's own). */
export type RequestParameters = Readonly<Record<string, string | number | boolean>>;
