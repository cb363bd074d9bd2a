/** The two-convolution residual block of ResNet-18 and of the text recogniser. */
import type { GraphBuilder, Tensor } from './graph-builder.js';
import { add, conv, convRelu, relu } from './layers.js';
import { LINEAR_GAIN } from './weights.js';

/** Below 1, so that a chain of blocks adds to its input without growing it much. */
const BRANCH_GAIN = 0.5;

export function residualBlock(graph: GraphBuilder, x: Tensor, channels: number, stride: number): Tensor {
  const inner = convRelu(graph, x, { channels, kernel: 3, stride, padding: 1 });
  const branch = conv(graph, inner, { channels, kernel: 3, padding: 1, gain: BRANCH_GAIN });
  const isSameShape = stride === 1 && x.shape[0] === channels;
  const shortcut = isSameShape ? x : conv(graph, x, { channels, kernel: 1, stride, gain: LINEAR_GAIN });
  return relu(graph, add(graph, branch, shortcut));
}

/** `count` blocks, the first of which changes channels and size. */
export function residualLayer(graph: GraphBuilder, x: Tensor, channels: number, count: number, stride = 1): Tensor {
  let y = x;
  for (let index = 0; index < count; index++) y = residualBlock(graph, y, channels, index === 0 ? stride : 1);
  return y;
}
