/** Builds one ONNX model (opset 17, IR version 8) node by node, following shapes and counting floating-point work. */
import { createRng, deriveSeed, type Rng } from '../../common/random.js';
import type { DataType } from '../../kserve/data-types.js';
import type { ModelSignature, ValueSignature } from '../../model-config/model-signature.js';
import { MessageWriter } from '../message-writer.js';
import {
  attributeField,
  attributeType,
  dimField,
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
} from '../onnx-fields.js';
import { toLittleEndian } from './weights.js';

const OPSET = 17;
const IR_VERSION = 8;
const PRODUCER = 'perf-ts';

/** A value in the graph; `shape` is that of one row, without the batch dimension. */
export interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
}

/** An integer is written as INT, `{ float }` as FLOAT, a list as INTS. */
export type Attribute = number | readonly number[] | { readonly float: number };

export class GraphBuilder {
  /** Floating-point operations for one row: two per multiply-add of convolutions and matrix products. */
  flops = 0;
  private readonly name: string;
  private readonly seed: number;
  private readonly nodes: MessageWriter[] = [];
  private readonly initializers: MessageWriter[] = [];
  private readonly inputs: ValueSignature[] = [];
  private readonly outputs: ValueSignature[] = [];

  constructor(name: string, seed: number) {
    this.name = name;
    this.seed = seed;
  }

  /** A graph input of any batch size. */
  input(name: string, dataType: DataType, shape: readonly number[]): Tensor {
    this.inputs.push({ name, dataType, shape: [-1, ...shape] });
    return { name, shape };
  }

  /** Declares a value as graph output of any batch size. */
  output(tensor: Tensor, dataType: DataType): void {
    this.outputs.push({ name: tensor.name, dataType, shape: [-1, ...tensor.shape] });
  }

  /** What the graph takes and returns so far. */
  signature(): ModelSignature {
    return { inputs: [...this.inputs], outputs: [...this.outputs] };
  }

  /** A generator of its own for the next weights, so that one layer's size does not move another's draws. */
  rng(): Rng {
    return createRng(deriveSeed(this.seed, this.initializers.length));
  }

  /** Stores float weights and returns their name. */
  weights(dims: readonly number[], values: Float32Array): string {
    return this.initializer(dims, onnxElementType.FP32, toLittleEndian(values));
  }

  /** Stores a list of integers, such as a shape or axes, and returns its name. */
  integers(values: readonly number[]): string {
    return this.initializer([values.length], onnxElementType.INT64, toLittleEndian(BigInt64Array.from(values, BigInt)));
  }

  /** Adds a node with one output, whose row shape the caller knows. */
  node(
    opType: string,
    inputs: readonly string[],
    shape: readonly number[],
    attributes: Readonly<Record<string, Attribute>> = {},
    outputName = `${opType.toLowerCase()}_${this.nodes.length}`,
  ): Tensor {
    const node = new MessageWriter();
    for (const input of inputs) node.text(nodeField.input, input);
    node
      .text(nodeField.output, outputName)
      .text(nodeField.name, `${opType}_${this.nodes.length}`)
      .text(nodeField.opType, opType);
    for (const [name, value] of Object.entries(attributes))
      node.message(nodeField.attribute, writeAttribute(name, value));
    this.nodes.push(node);
    return { name: outputName, shape };
  }

  toModel(): Uint8Array {
    const graph = new MessageWriter();
    for (const node of this.nodes) graph.message(graphField.node, node);
    graph.text(graphField.name, this.name);
    for (const initializer of this.initializers) graph.message(graphField.initializer, initializer);
    for (const input of this.inputs) graph.message(graphField.input, writeValue(input));
    for (const output of this.outputs) graph.message(graphField.output, writeValue(output));
    return new MessageWriter()
      .number(modelField.irVersion, IR_VERSION)
      .text(modelField.producerName, PRODUCER)
      .message(modelField.graph, graph)
      .message(
        modelField.opsetImport,
        new MessageWriter().text(opsetField.domain, '').number(opsetField.version, OPSET),
      )
      .toBytes();
  }

  private initializer(dims: readonly number[], elementType: number, content: Uint8Array): string {
    const name = `constant_${this.initializers.length}`;
    const tensor = new MessageWriter();
    for (const size of dims) tensor.number(tensorField.dims, size);
    tensor.number(tensorField.dataType, elementType).text(tensorField.name, name).bytes(tensorField.rawData, content);
    this.initializers.push(tensor);
    return name;
  }
}

function writeValue({ name, dataType, shape }: ValueSignature): MessageWriter {
  const dims = new MessageWriter().message(shapeField.dim, new MessageWriter().text(dimField.symbol, 'batch'));
  for (const size of shape.slice(1)) dims.message(shapeField.dim, new MessageWriter().number(dimField.value, size));
  const tensor = new MessageWriter()
    .number(tensorTypeField.elementType, onnxElementType[dataType])
    .message(tensorTypeField.shape, dims);
  return new MessageWriter()
    .text(valueField.name, name)
    .message(valueField.type, new MessageWriter().message(typeField.tensor, tensor));
}

function writeAttribute(name: string, value: Attribute): MessageWriter {
  const attribute = new MessageWriter().text(attributeField.name, name);
  if (typeof value === 'number')
    return attribute.number(attributeField.i, value).number(attributeField.type, attributeType.int);
  if ('float' in value)
    return attribute.float(attributeField.f, value.float).number(attributeField.type, attributeType.float);
  for (const element of value) attribute.number(attributeField.ints, element);
  return attribute.number(attributeField.type, attributeType.ints);
}
