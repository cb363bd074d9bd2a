/** A node of an ONNX graph as the conversion reads it: names and attributes taken out of its message once. */
import { attributeField, graphField, nodeField } from '../onnx-fields.js';
import type { ProtoMessage } from './proto-message.js';

export interface NodeView {
  readonly message: ProtoMessage;
  readonly opType: string;
  /** Empty for ONNX's own operators. */
  readonly domain: string;
  /** May be empty. */
  readonly name: string;
  /** An empty name is an optional input that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, ProtoMessage>;
  /** Graphs inside of it: branches and loop bodies. */
  readonly bodies: readonly ProtoMessage[];
}

export function viewNode(message: ProtoMessage): NodeView {
  const attributes = new Map(
    message.messages(nodeField.attribute).map((attribute) => [attribute.text(attributeField.name), attribute]),
  );
  const domain = message.text(nodeField.domain);
  return {
    message,
    opType: message.text(nodeField.opType),
    domain: domain === 'ai.onnx' ? '' : domain,
    name: message.text(nodeField.name),
    inputs: message.texts(nodeField.input),
    outputs: message.texts(nodeField.output),
    attributes,
    bodies: [...attributes.values()].flatMap((attribute) => [
      ...attribute.messages(attributeField.g),
      ...attribute.messages(attributeField.graphs),
    ]),
  };
}

/** An integer attribute, or `absent`. */
export const integerOf = (node: NodeView, name: string, absent: number): number =>
  node.attributes.get(name)?.number(attributeField.i, absent) ?? absent;

/** The nodes of each graph, taken apart once. */
const viewed = new WeakMap<ProtoMessage, readonly NodeView[]>();

/** The nodes of `graph` in order, as they were when first asked for. */
export function nodesOf(graph: ProtoMessage): readonly NodeView[] {
  let nodes = viewed.get(graph);
  if (nodes === undefined) {
    nodes = graph.messages(graphField.node).map(viewNode);
    viewed.set(graph, nodes);
  }
  return nodes;
}

/** How messages name a node: by its name, or by its operator and first output where it has none. */
export const describeNode = (node: NodeView): string =>
  node.name === '' ? `${node.opType} of '${node.outputs[0] ?? ''}'` : `${node.opType} '${node.name}'`;
