/** A two-layer transformer encoder (Vaswani et al. 2017) over embedded tokens: four heads, LayerNormalization after each part. */
import type { GraphBuilder, Tensor } from './graph-builder.js';
import { add, linear, relu } from './layers.js';
import { drawUniform, LINEAR_GAIN, RELU_GAIN } from './weights.js';

const LAYER_COUNT = 2;
const TOKEN_COUNT = 64;
const WIDTH = 128;
const HEAD_COUNT = 4;
const HEAD_WIDTH = WIDTH / HEAD_COUNT;
const INNER_WIDTH = 4 * WIDTH;

export function buildSimpleTransformer(graph: GraphBuilder): void {
  let x = graph.input('input', 'FP32', [TOKEN_COUNT, WIDTH]);
  for (let layer = 1; layer <= LAYER_COUNT; layer++) {
    x = normalize(graph, add(graph, x, attend(graph, x)));
    const inner = relu(graph, linear(graph, x, INNER_WIDTH, LINEAR_GAIN));
    const outputName = layer === LAYER_COUNT ? 'output' : undefined;
    x = normalize(graph, add(graph, x, linear(graph, inner, WIDTH, RELU_GAIN)), outputName);
  }
  graph.output(x, 'FP32');
}

function attend(graph: GraphBuilder, x: Tensor): Tensor {
  const query = toHeads(graph, linear(graph, x, WIDTH), [0, 2, 1, 3]);
  const key = toHeads(graph, linear(graph, x, WIDTH), [0, 2, 3, 1]);
  const value = toHeads(graph, linear(graph, x, WIDTH), [0, 2, 1, 3]);
  const scores = multiply(graph, query, key);
  const scale = graph.weights([1], Float32Array.of(1 / Math.sqrt(HEAD_WIDTH)));
  const scaled = graph.node('Mul', [scores.name, scale], scores.shape);
  const shares = graph.node('Softmax', [scaled.name], scores.shape, { axis: -1 });
  const mixed = multiply(graph, shares, value);
  const turned = graph.node('Transpose', [mixed.name], [TOKEN_COUNT, HEAD_COUNT, HEAD_WIDTH], { perm: [0, 2, 1, 3] });
  // A 0 in Reshape's target keeps the batch dimension.
  const joined = graph.node('Reshape', [turned.name, graph.integers([0, TOKEN_COUNT, WIDTH])], [TOKEN_COUNT, WIDTH]);
  return linear(graph, joined, WIDTH);
}

/** tokens x width -> heads x tokens x head width, or its transpose for keys. */
function toHeads(graph: GraphBuilder, x: Tensor, perm: readonly [number, number, number, number]): Tensor {
  const split = [TOKEN_COUNT, HEAD_COUNT, HEAD_WIDTH];
  const parts = graph.node('Reshape', [x.name, graph.integers([0, ...split])], split);
  const shape = perm.slice(1).map((axis) => split[axis - 1]!);
  return graph.node('Transpose', [parts.name], shape, { perm });
}

function multiply(graph: GraphBuilder, a: Tensor, b: Tensor): Tensor {
  const [heads, rows, inner] = a.shape as [number, number, number];
  const columns = b.shape[2]!;
  graph.flops += 2 * heads * rows * inner * columns;
  return graph.node('MatMul', [a.name, b.name], [heads, rows, columns]);
}

function normalize(graph: GraphBuilder, x: Tensor, outputName?: string): Tensor {
  const scale = graph.weights([WIDTH], drawUniform(graph.rng(), WIDTH, 1, 0.1));
  const offset = graph.weights([WIDTH], drawUniform(graph.rng(), WIDTH, 0, 0.1));
  const attributes = { axis: -1, epsilon: { float: 1e-5 } };
  return graph.node('LayerNormalization', [x.name, scale, offset], x.shape, attributes, outputName);
}
