/** ResNet-18 (He et al. 2015) for 224 x 224 images and 1000 classes, BatchNormalization folded into the convolutions. */
import type { GraphBuilder } from './graph-builder.js';
import { convRelu, globalPool, linear, maxPool } from './layers.js';
import { residualLayer } from './residual-network.js';

export function buildResnet18(graph: GraphBuilder): void {
  let x = graph.input('input', 'FP32', [3, 224, 224]);
  x = convRelu(graph, x, { channels: 64, kernel: 7, stride: 2, padding: 3 });
  x = maxPool(graph, x, { kernel: 3, stride: 2, padding: 1 });
  x = residualLayer(graph, x, 64, 2);
  x = residualLayer(graph, x, 128, 2, 2);
  x = residualLayer(graph, x, 256, 2, 2);
  x = residualLayer(graph, x, 512, 2, 2);
  graph.output(linear(graph, globalPool(graph, x), 1000, undefined, 'output'), 'FP32');
}
