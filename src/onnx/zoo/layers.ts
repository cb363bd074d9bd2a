/** The layers that the demo networks are made of, each a node or a few with fresh weights. */
import type { GraphBuilder, Tensor } from './graph-builder.js';
import { drawFilters, drawUniform, LINEAR_GAIN, RELU_GAIN, transpose } from './weights.js';

/** Height and width, or one number for both. */
type Pair = number | readonly [number, number];

const pair = (value: Pair): readonly [number, number] => (typeof value === 'number' ? [value, value] : value);

export interface WindowShape {
  readonly kernel: Pair;
  readonly stride?: Pair;
  readonly padding?: Pair;
}

interface ConvShape extends WindowShape {
  readonly channels: number;
  /** Factor on the weights, by default the one that keeps the size across a following ReLU. */
  readonly gain?: number;
  /** False where a BatchNormalization follows, which has its own offset. */
  readonly hasBias?: boolean;
}

function slide(shape: readonly number[], window: WindowShape) {
  const kernel = pair(window.kernel);
  const stride = pair(window.stride ?? 1);
  const padding = pair(window.padding ?? 0);
  const size = (axis: 0 | 1): number =>
    Math.floor((shape[axis + 1]! + 2 * padding[axis] - kernel[axis]) / stride[axis]) + 1;
  return {
    height: size(0),
    width: size(1),
    attributes: { kernel_shape: kernel, strides: stride, pads: [...padding, ...padding] },
  };
}

/** Convolution of C x H x W. */
export function conv(graph: GraphBuilder, x: Tensor, options: ConvShape): Tensor {
  const { height, width, attributes } = slide(x.shape, options);
  const [kernelHeight, kernelWidth] = pair(options.kernel);
  const inputChannels = x.shape[0]!;
  const fanIn = inputChannels * kernelHeight * kernelWidth;
  const filters = drawFilters(graph.rng(), options.channels, fanIn, options.gain ?? RELU_GAIN);
  const inputs = [x.name, graph.weights([options.channels, inputChannels, kernelHeight, kernelWidth], filters)];
  if (options.hasBias !== false)
    inputs.push(graph.weights([options.channels], drawUniform(graph.rng(), options.channels, 0, 0.1)));
  graph.flops += 2 * options.channels * height * width * fanIn;
  return graph.node('Conv', inputs, [options.channels, height, width], attributes);
}

export const relu = (graph: GraphBuilder, x: Tensor): Tensor => graph.node('Relu', [x.name], x.shape);

/** Convolution and ReLU; a BatchNormalization between them is folded into the weights, as exporters do. */
export const convRelu = (graph: GraphBuilder, x: Tensor, options: ConvShape): Tensor =>
  relu(graph, conv(graph, x, options));

/** Convolution, BatchNormalization as a node of its own, ReLU. */
export function convNormRelu(graph: GraphBuilder, x: Tensor, options: ConvShape): Tensor {
  const y = conv(graph, x, { ...options, hasBias: false });
  const channels = options.channels;
  const scale = graph.weights([channels], drawUniform(graph.rng(), channels, 1, 0.1));
  const offset = graph.weights([channels], drawUniform(graph.rng(), channels, 0, 0.1));
  const mean = graph.weights([channels], drawUniform(graph.rng(), channels, 0, 0.1));
  const variance = graph.weights([channels], drawUniform(graph.rng(), channels, 1, 0.1));
  const normalized = graph.node('BatchNormalization', [y.name, scale, offset, mean, variance], y.shape, {
    epsilon: { float: 1e-5 },
  });
  return relu(graph, normalized);
}

export function maxPool(graph: GraphBuilder, x: Tensor, window: WindowShape): Tensor {
  const { height, width, attributes } = slide(x.shape, window);
  return graph.node('MaxPool', [x.name], [x.shape[0]!, height, width], attributes);
}

export function averagePool(graph: GraphBuilder, x: Tensor, window: WindowShape): Tensor {
  const { height, width, attributes } = slide(x.shape, window);
  return graph.node('AveragePool', [x.name], [x.shape[0]!, height, width], { ...attributes, count_include_pad: 1 });
}

/** C x H x W -> C. */
export function globalPool(graph: GraphBuilder, x: Tensor): Tensor {
  const channels = x.shape[0]!;
  const pooled = graph.node('GlobalAveragePool', [x.name], [channels, 1, 1]);
  return graph.node('Flatten', [pooled.name], [channels], { axis: 1 });
}

export const add = (graph: GraphBuilder, a: Tensor, b: Tensor): Tensor => graph.node('Add', [a.name, b.name], a.shape);

/** Joins C x H x W values along their channels. */
export function joinChannels(graph: GraphBuilder, parts: readonly Tensor[]): Tensor {
  const channels = parts.reduce((sum, part) => sum + part.shape[0]!, 0);
  const names = parts.map((part) => part.name);
  return graph.node('Concat', names, [channels, ...parts[0]!.shape.slice(1)], { axis: 1 });
}

/** Fully connected layer over the last axis, as MatMul and Add. */
export function linear(
  graph: GraphBuilder,
  x: Tensor,
  width: number,
  gain: number = LINEAR_GAIN,
  outputName?: string,
): Tensor {
  const inputWidth = x.shape.at(-1)!;
  const rows = x.shape.slice(0, -1).reduce((product, size) => product * size, 1);
  const filters = transpose(drawFilters(graph.rng(), width, inputWidth, gain), width, inputWidth);
  const shape = [...x.shape.slice(0, -1), width];
  graph.flops += 2 * rows * inputWidth * width;
  const product = graph.node('MatMul', [x.name, graph.weights([inputWidth, width], filters)], shape);
  const bias = graph.weights([width], drawUniform(graph.rng(), width, 0, 0.1));
  return graph.node('Add', [product.name, bias], shape, {}, outputName);
}
