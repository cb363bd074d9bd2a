/** From a completed model config to the shapes that requests have and the shapes that the ONNX model is given. */
import { fromConfigType } from '../src/kserve/data-types.js';
import type { TensorSpec } from '../src/kserve/tensor.js';
import type { InputConfig, ModelConfig, OutputConfig } from '../src/model-config/model-config.js';
import type { TensorShape } from './instance/slot-layout.js';

/** What a session takes and returns. */
export interface SessionSignature {
  readonly inputs: readonly TensorSpec[];
  /** Inputs that may be left out, because the model has values for them. */
  readonly overridableInputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

/** Inputs and outputs without the batch dimension; `dims` as the model has them, `clientDims` as requests do. */
export function tensorShapesOf(
  config: ModelConfig,
  signature: SessionSignature,
): { inputs: readonly TensorShape[]; outputs: readonly TensorShape[] } {
  const isBatched = (config.max_batch_size ?? 0) > 0;
  const toShape = (tensor: InputConfig | OutputConfig, specs: readonly TensorSpec[]): TensorShape => {
    const { name, data_type, dims, reshape } = tensor;
    const dataType = fromConfigType(data_type);
    if (dataType === undefined) throw new Error(`'${name}' has the data type ${data_type}, unknown to KServe`);
    // A scalar of a model that does not batch is written as dims [1], because a config has no other way to say it.
    const hasNoDims = specs.find((spec) => spec.name === name)?.shape.length === 0;
    const isOptional = 'optional' in tensor && tensor.optional === true;
    const isScalar = hasNoDims && isBatched;
    return { name, dataType, dims: hasNoDims ? [] : (reshape?.shape ?? dims), clientDims: dims, isOptional, isScalar };
  };
  const inputs = [...signature.inputs, ...signature.overridableInputs];
  return {
    inputs: (config.input ?? []).map((tensor) => toShape(tensor, inputs)),
    outputs: (config.output ?? []).map((tensor) => toShape(tensor, signature.outputs)),
  };
}

/**
 * The model's shape for a tensor that a client gave as `actual` (without batch dimension), or the other way round:
 * dimensions that are open in `to` take the sizes of those open in `from`, in order, as Triton's reshape does.
 */
export function reshapeDims(actual: readonly number[], from: readonly number[], to: readonly number[]): number[] {
  if (from === to) return [...actual];
  const open = actual.filter((_, axis) => from[axis] === -1);
  return to.map((size) => (size === -1 ? (open.shift() ?? 1) : size));
}
