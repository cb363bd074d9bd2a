/**
 * One model as its clients see it and as its ONNX graph does. A config may write a shape otherwise than the graph has
 * it (reshape, and dims [1] for a scalar), and answers are compared as clients get them, whatever serves the variant.
 */
import type { Tensor, TensorSpec } from '../kserve/tensor.js';
import { completeModelConfig } from '../model-config/complete-config.js';
import type { InputConfig, ModelConfig, OutputConfig } from '../model-config/model-config.js';

interface GraphSignature {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

export interface ServedShapes {
  /** Completed. */
  readonly config: ModelConfig;
  toModel(input: Tensor): Tensor;
  /** Undefined for an output of the graph that the config does not offer. */
  toClient(output: Tensor): Tensor | undefined;
}

/** `config` as the folder has it, or completed already; left out for a lone file. */
export function servedShapes(name: string, config: ModelConfig | undefined, graph: GraphSignature): ServedShapes {
  const completed = completeModelConfig(config, {
    modelName: name,
    signature: { inputs: graph.inputs, outputs: graph.outputs },
    hasGpu: false,
  });
  const isBatching = (completed.max_batch_size ?? 0) > 0;
  const translate = (
    tensor: Tensor,
    { dims, reshape }: InputConfig | OutputConfig,
    specs: readonly TensorSpec[],
    isInput: boolean,
  ): Tensor => {
    const isScalar = !isBatching && specs.find((spec) => spec.name === tensor.name)?.shape.length === 0;
    const modelDims = isScalar ? [] : (reshape?.shape ?? dims);
    if (modelDims === dims) return tensor;
    const [from, to] = isInput ? [dims, modelDims] : [modelDims, dims];
    const own = isBatching ? tensor.shape.slice(1) : tensor.shape;
    const shape = reshapeDims(own, from.map(Number), to.map(Number));
    return { ...tensor, shape: isBatching ? [tensor.shape[0] ?? 1, ...shape] : shape };
  };
  return {
    config: completed,
    toModel(input) {
      const found = completed.input?.find((one) => one.name === input.name);
      return found === undefined ? input : translate(input, found, graph.inputs, true);
    },
    toClient(output) {
      const found = completed.output?.find((one) => one.name === output.name);
      return found === undefined ? undefined : translate(output, found, graph.outputs, false);
    },
  };
}

/** Dimensions that are open in `to` take the sizes of those open in `from`, in order, as Triton's reshape does. */
function reshapeDims(actual: readonly number[], from: readonly number[], to: readonly number[]): number[] {
  const open = actual.filter((_, axis) => from[axis] === -1);
  return to.map((size) => (size === -1 ? (open.shift() ?? 1) : size));
}
