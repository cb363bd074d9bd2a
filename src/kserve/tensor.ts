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
