/**
 * A small image classifier for tests and quick sweeps. Its BatchNormalizations stay nodes of their own, so that ONNX
 * Runtime's graph optimisation levels have something to do.
 */
import type { GraphBuilder } from './graph-builder.js';
import { convNormRelu, globalPool, linear, maxPool } from './layers.js';

export function buildSimpleCnn(graph: GraphBuilder): void {
  let x = graph.input('input', 'FP32', [3, 32, 32]);
  x = convNormRelu(graph, x, { channels: 32, kernel: 3, padding: 1 });
  x = convNormRelu(graph, x, { channels: 32, kernel: 3, padding: 1 });
  x = maxPool(graph, x, { kernel: 2, stride: 2 });
  x = convNormRelu(graph, x, { channels: 64, kernel: 3, padding: 1 });
  x = convNormRelu(graph, x, { channels: 64, kernel: 3, padding: 1 });
  x = maxPool(graph, x, { kernel: 2, stride: 2 });
  x = convNormRelu(graph, x, { channels: 128, kernel: 3, padding: 1 });
  graph.output(linear(graph, globalPool(graph, x), 10, undefined, 'output'), 'FP32');
}
