/** From a completed model config to the shapes that requests have and the shapes that the ONNX model is given. */
import { fromConfigType } from '../src/kserve/data-types.js';
import type { InputConfig, ModelConfig, OutputConfig } from '../src/model-config/model-config.js';
import type { TensorShape } from './instance/slot-layout.js';

const toShape = ({ name, data_type, dims, reshape }: InputConfig | OutputConfig): TensorShape => {
  const dataType = fromConfigType(data_type);
  if (dataType === undefined) throw new Error(`'${name}' has the data type ${data_type}, which KServe has no name for`);
  return { name, dataType, dims: reshape?.shape ?? dims, clientDims: dims };
};

/** Inputs and outputs without the batch dimension; `dims` as the model has them, `clientDims` as requests do. */
export function tensorShapesOf(config: ModelConfig): { inputs: TensorShape[]; outputs: TensorShape[] } {
  return { inputs: (config.input ?? []).map(toShape), outputs: (config.output ?? []).map(toShape) };
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
