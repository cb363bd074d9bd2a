/** Two models without weights, for protocol tests: what goes in is known to come out. */
import type { GraphBuilder } from './graph-builder.js';

/** OUTPUT0 is INPUT0. */
export function buildIdentity(graph: GraphBuilder): void {
  const x = graph.input('INPUT0', 'FP32', [16]);
  graph.output(graph.node('Identity', [x.name], x.shape, {}, 'OUTPUT0'), 'FP32');
}

/** OUTPUT0 is the sum and OUTPUT1 the difference of INPUT0 and INPUT1, as in Triton's `simple`. */
export function buildAddSub(graph: GraphBuilder): void {
  const a = graph.input('INPUT0', 'INT32', [16]);
  const b = graph.input('INPUT1', 'INT32', [16]);
  graph.output(graph.node('Add', [a.name, b.name], a.shape, {}, 'OUTPUT0'), 'INT32');
  graph.output(graph.node('Sub', [a.name, b.name], a.shape, {}, 'OUTPUT1'), 'INT32');
}
