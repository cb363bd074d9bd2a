/**
 * A text recogniser with the layers of None-ResNet-None-CTC (Baek et al. 2019), the model of Triton's tutorial: a
 * ResNet of 29 convolutions, then a class score per column for CTC decoding. Names of input and output are the tutorial's.
 */
import type { GraphBuilder, Tensor } from './graph-builder.js';
import { convRelu, linear, maxPool } from './layers.js';
import { residualLayer } from './residual-network.js';

/**
 * Channels of the last layers. A quarter of the original's is a sixteenth of its work, and still a multiple of 8 at
 * every stage, as ONNX Runtime's blocked convolutions like it: 112 has fewer operations and takes longer.
 */
const FULL_WIDTH = 512;
const DEMO_WIDTH = 128;
const CLASS_COUNT = 37;

export function buildTextRecognition(graph: GraphBuilder, isFullSize: boolean): void {
  const width = isFullSize ? FULL_WIDTH : DEMO_WIDTH;
  let x = graph.input('input.1', 'FP32', [1, 32, 100]);
  x = convRelu(graph, x, { channels: width / 16, kernel: 3, padding: 1 });
  x = convRelu(graph, x, { channels: width / 8, kernel: 3, padding: 1 });
  x = maxPool(graph, x, { kernel: 2, stride: 2 });
  x = residualLayer(graph, x, width / 4, 1);
  x = convRelu(graph, x, { channels: width / 4, kernel: 3, padding: 1 });
  x = maxPool(graph, x, { kernel: 2, stride: 2 });
  x = residualLayer(graph, x, width / 2, 2);
  x = convRelu(graph, x, { channels: width / 2, kernel: 3, padding: 1 });
  // Height shrinks faster than width from here: columns are what CTC reads.
  x = maxPool(graph, x, { kernel: 2, stride: [2, 1], padding: [0, 1] });
  x = residualLayer(graph, x, width, 5);
  x = convRelu(graph, x, { channels: width, kernel: 3, padding: 1 });
  x = residualLayer(graph, x, width, 3);
  x = convRelu(graph, x, { channels: width, kernel: 2, stride: [2, 1], padding: [0, 1] });
  x = convRelu(graph, x, { channels: width, kernel: 2 });
  graph.output(linear(graph, toColumns(graph, x), CLASS_COUNT, undefined, '308'), 'FP32');
}

/** C x 1 x W -> W x C. */
function toColumns(graph: GraphBuilder, x: Tensor): Tensor {
  const [channels, height, columns] = x.shape as [number, number, number];
  const turned = graph.node('Transpose', [x.name], [columns, channels, height], { perm: [0, 3, 1, 2] });
  const averaged = graph.node('ReduceMean', [turned.name], [columns, channels, 1], { axes: [3], keepdims: 1 });
  return graph.node('Squeeze', [averaged.name, graph.integers([3])], [columns, channels]);
}
