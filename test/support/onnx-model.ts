/** Small ONNX models, written by hand where a test needs one that exporters make and the zoo does not. */
import { MessageWriter } from '../../src/onnx/message-writer.js';
import {
  attributeField,
  attributeType,
  dimField,
  EXTERNAL_LOCATION,
  entryField,
  graphField,
  modelField,
  nodeField,
  onnxElementType,
  opsetField,
  shapeField,
  tensorField,
  tensorTypeField,
  typeField,
  valueField,
} from '../../src/onnx/onnx-fields.js';

type ElementType = keyof typeof onnxElementType;

export interface OnnxValue {
  readonly name: string;
  /** FP32 unless given. */
  readonly type?: ElementType;
  /** A text is a symbol, null a size that is not known; left out, the value is declared without a shape. */
  readonly shape?: readonly (number | string | null)[];
}

export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly ints?: Readonly<Record<string, number>>;
}

export interface OnnxInitializer {
  readonly name: string;
  readonly type?: ElementType;
  readonly dims: readonly number[];
  readonly bytes: Uint8Array;
  /** Lies in this file instead, relative to the model's folder. */
  readonly location?: string;
}

export interface OnnxModel {
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly initializers?: readonly OnnxInitializer[];
  readonly opset?: number;
  readonly irVersion?: number;
}

const message = (): MessageWriter => new MessageWriter();

function writeValue({ name, type = 'FP32', shape }: OnnxValue): MessageWriter {
  const tensor = message().number(tensorTypeField.elementType, onnxElementType[type]);
  if (shape !== undefined) {
    const dims = message();
    for (const size of shape) {
      const dim = message();
      if (typeof size === 'number') dim.number(dimField.value, size);
      else if (size !== null) dim.text(dimField.symbol, size);
      dims.message(shapeField.dim, dim);
    }
    tensor.message(tensorTypeField.shape, dims);
  }
  return message().text(valueField.name, name).message(valueField.type, message().message(typeField.tensor, tensor));
}

function writeNode({ op, inputs, outputs, ints = {} }: OnnxNode): MessageWriter {
  const node = message();
  for (const name of inputs) node.text(nodeField.input, name);
  for (const name of outputs) node.text(nodeField.output, name);
  node.text(nodeField.opType, op);
  for (const [name, value] of Object.entries(ints)) {
    const attribute = message().text(attributeField.name, name).number(attributeField.i, value);
    node.message(nodeField.attribute, attribute.number(attributeField.type, attributeType.int));
  }
  return node;
}

function writeInitializer({ name, type = 'FP32', dims, bytes, location }: OnnxInitializer): MessageWriter {
  const tensor = message();
  for (const size of dims) tensor.number(tensorField.dims, size);
  tensor.number(tensorField.dataType, onnxElementType[type]).text(tensorField.name, name);
  if (location === undefined) return tensor.bytes(tensorField.rawData, bytes);
  const entry = message().text(entryField.key, 'location').text(entryField.value, location);
  return tensor.message(tensorField.externalData, entry).number(tensorField.dataLocation, EXTERNAL_LOCATION);
}

export function writeOnnx({ nodes, inputs, outputs, initializers = [], opset = 17, irVersion = 8 }: OnnxModel) {
  const graph = message();
  for (const node of nodes) graph.message(graphField.node, writeNode(node));
  graph.text(graphField.name, 'g');
  for (const tensor of initializers) graph.message(graphField.initializer, writeInitializer(tensor));
  for (const value of inputs) graph.message(graphField.input, writeValue(value));
  for (const value of outputs) graph.message(graphField.output, writeValue(value));
  const imported = message().text(opsetField.domain, '').number(opsetField.version, opset);
  return message()
    .number(modelField.irVersion, irVersion)
    .message(modelField.graph, graph)
    .message(modelField.opsetImport, imported)
    .toBytes();
}

export const floatBytes = (values: readonly number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
export const int64Bytes = (values: readonly number[]): Uint8Array =>
  new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
