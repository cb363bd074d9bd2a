/**
 * Where tensors lie in a batch slot of a model whose shapes are fixed but for the batch: every input and output has a
 * region with room for the most rows, so rows can be added in place and native tensors are bound once.
 */
import { type DataType, elementCount, elementSize } from '../../src/kserve/data-types.js';

export interface TensorLayout {
  readonly name: string;
  readonly dataType: DataType;
  /** Of one row as the ONNX model has it, or of the whole tensor where the model does not batch. */
  readonly dims: readonly number[];
  /** The same as clients see it: differs from `dims` where the config reshapes. */
  readonly clientDims: readonly number[];
  readonly rowBytes: number;
  readonly offset: number;
}

export interface SlotLayout {
  readonly hasBatchDimension: boolean;
  /** Most rows in a batch; 1 where the model does not batch. */
  readonly maxRows: number;
  readonly inputs: readonly TensorLayout[];
  readonly outputs: readonly TensorLayout[];
  readonly totalBytes: number;
}

export interface TensorShape {
  readonly name: string;
  /** A request may leave it out. */
  readonly isOptional?: boolean | undefined;
  readonly dataType: DataType;
  readonly dims: readonly number[];
  readonly clientDims: readonly number[];
  /** One value for a whole batch: the model's tensor has no dimension for the rows that requests bring. */
  readonly isScalar?: boolean | undefined;
}

/** Above this a slot is not laid out for the most rows; each batch then brings its own size. */
const LARGEST_SLOT_BYTES = 256 << 20;
/** Regions start on cache lines, which also satisfies every element type. */
const ALIGNMENT = 64;

/** The layout, or undefined where shapes, element sizes or the inputs themselves vary or the slot would be too large. */
export function planSlotLayout(
  inputs: readonly TensorShape[],
  outputs: readonly TensorShape[],
  maxBatchSize: number,
): SlotLayout | undefined {
  const maxRows = Math.max(1, maxBatchSize);
  let end = 0;
  const place = (tensor: TensorShape): TensorLayout => {
    const rowBytes = elementCount(tensor.dims) * (elementSize(tensor.dataType) ?? 0);
    const offset = end;
    end = Math.ceil((offset + rowBytes * maxRows) / ALIGNMENT) * ALIGNMENT;
    return { ...tensor, rowBytes, offset };
  };
  const isFixed = [...inputs, ...outputs].every(
    ({ dataType, dims, isOptional, isScalar }) =>
      elementSize(dataType) !== undefined && !isOptional && !isScalar && dims.every((size) => size >= 0),
  );
  if (!isFixed) return undefined;
  const layout = { inputs: inputs.map(place), outputs: outputs.map(place) };
  if (end > LARGEST_SLOT_BYTES) return undefined;
  return { ...layout, hasBatchDimension: maxBatchSize > 0, maxRows, totalBytes: Math.max(ALIGNMENT, end) };
}
