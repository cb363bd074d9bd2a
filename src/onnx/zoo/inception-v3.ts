/**
 * Inception v3 (Szegedy et al. 2015) for 299 x 299 images and 1000 classes, without the training-only auxiliary head;
 * BatchNormalization folded into the convolutions.
 */
import type { GraphBuilder, Tensor } from './graph-builder.js';
import { averagePool, convRelu, globalPool, joinChannels, linear, maxPool, type WindowShape } from './layers.js';

/** One convolution of a branch: channels, then its window. */
type Step = readonly [channels: number, window: WindowShape];

const one: WindowShape = { kernel: 1 };
const three: WindowShape = { kernel: 3, padding: 1 };
const five: WindowShape = { kernel: 5, padding: 2 };
const threeHalving: WindowShape = { kernel: 3, stride: 2 };
const wide = (kernel: number): WindowShape => ({ kernel: [1, kernel], padding: [0, (kernel - 1) / 2] });
const tall = (kernel: number): WindowShape => ({ kernel: [kernel, 1], padding: [(kernel - 1) / 2, 0] });

const branch = (graph: GraphBuilder, x: Tensor, ...steps: readonly Step[]): Tensor =>
  steps.reduce((y, [channels, window]) => convRelu(graph, y, { channels, ...window }), x);

const pooled = (graph: GraphBuilder, x: Tensor): Tensor => averagePool(graph, x, { kernel: 3, stride: 1, padding: 1 });

export function buildInceptionV3(graph: GraphBuilder): void {
  let x = graph.input('input', 'FP32', [3, 299, 299]);
  x = branch(graph, x, [32, threeHalving], [32, { kernel: 3 }], [64, three]);
  x = maxPool(graph, x, { kernel: 3, stride: 2 });
  x = branch(graph, x, [80, one], [192, { kernel: 3 }]);
  x = maxPool(graph, x, { kernel: 3, stride: 2 });
  for (const poolChannels of [32, 64, 64]) x = mixSmall(graph, x, poolChannels);
  x = shrinkSmall(graph, x);
  for (const innerChannels of [128, 160, 160, 192]) x = mixFactored(graph, x, innerChannels);
  x = shrinkFactored(graph, x);
  for (let index = 0; index < 2; index++) x = mixExpanded(graph, x);
  graph.output(linear(graph, globalPool(graph, x), 1000, undefined, 'output'), 'FP32');
}

/** 35 x 35: 1x1, 5x5, two 3x3, and pooling. */
const mixSmall = (graph: GraphBuilder, x: Tensor, poolChannels: number): Tensor =>
  joinChannels(graph, [
    branch(graph, x, [64, one]),
    branch(graph, x, [48, one], [64, five]),
    branch(graph, x, [64, one], [96, three], [96, three]),
    branch(graph, pooled(graph, x), [poolChannels, one]),
  ]);

/** 35 x 35 -> 17 x 17. */
const shrinkSmall = (graph: GraphBuilder, x: Tensor): Tensor =>
  joinChannels(graph, [
    branch(graph, x, [384, threeHalving]),
    branch(graph, x, [64, one], [96, three], [96, threeHalving]),
    maxPool(graph, x, { kernel: 3, stride: 2 }),
  ]);

/** 17 x 17: 7x7 convolutions factored into 1x7 and 7x1. */
const mixFactored = (graph: GraphBuilder, x: Tensor, inner: number): Tensor =>
  joinChannels(graph, [
    branch(graph, x, [192, one]),
    branch(graph, x, [inner, one], [inner, wide(7)], [192, tall(7)]),
    branch(graph, x, [inner, one], [inner, tall(7)], [inner, wide(7)], [inner, tall(7)], [192, wide(7)]),
    branch(graph, pooled(graph, x), [192, one]),
  ]);

/** 17 x 17 -> 8 x 8. */
const shrinkFactored = (graph: GraphBuilder, x: Tensor): Tensor =>
  joinChannels(graph, [
    branch(graph, x, [192, one], [320, threeHalving]),
    branch(graph, x, [192, one], [192, wide(7)], [192, tall(7)], [192, threeHalving]),
    maxPool(graph, x, { kernel: 3, stride: 2 }),
  ]);

/** 8 x 8: branches that end in a 1x3 and a 3x1 side by side. */
function mixExpanded(graph: GraphBuilder, x: Tensor): Tensor {
  const forked = (y: Tensor): Tensor =>
    joinChannels(graph, [branch(graph, y, [384, wide(3)]), branch(graph, y, [384, tall(3)])]);
  return joinChannels(graph, [
    branch(graph, x, [320, one]),
    forked(branch(graph, x, [384, one])),
    forked(branch(graph, x, [448, one], [384, three])),
    branch(graph, pooled(graph, x), [192, one]),
  ]);
}
