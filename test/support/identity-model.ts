/** Smallest ONNX models: one Identity node, for any data type, with a dynamic batch and a dynamic length. */
import type { DataType } from '../../src/kserve/data-types.js';
import { MessageWriter } from '../../src/onnx/message-writer.js';
import {
  dimField,
  graphField,
  modelField,
  nodeField,
  onnxElementType,
  opsetField,
  shapeField,
  tensorTypeField,
  typeField,
  valueField,
} from '../../src/onnx/onnx-fields.js';

const IR_VERSION = 8;
const OPSET = 17;

function describeValue(name: string, dataType: DataType, dims: readonly (string | number)[]): MessageWriter {
  const shape = new MessageWriter();
  for (const dim of dims) {
    const field = new MessageWriter();
    if (typeof dim === 'number') field.number(dimField.value, dim);
    else field.text(dimField.symbol, dim);
    shape.message(shapeField.dim, field);
  }
  const tensor = new MessageWriter()
    .number(tensorTypeField.elementType, onnxElementType[dataType])
    .message(tensorTypeField.shape, shape);
  return new MessageWriter()
    .text(valueField.name, name)
    .message(valueField.type, new MessageWriter().message(typeField.tensor, tensor));
}

/** A model with the input INPUT0 and the output OUTPUT0, both of shape `dims`; names stand for open dimensions. */
export function buildIdentityModel(
  dataType: DataType,
  dims: readonly (string | number)[] = ['batch', 'length'],
): Uint8Array {
  const node = new MessageWriter()
    .text(nodeField.input, 'INPUT0')
    .text(nodeField.output, 'OUTPUT0')
    .text(nodeField.opType, 'Identity');
  const graph = new MessageWriter()
    .message(graphField.node, node)
    .text(graphField.name, 'identity')
    .message(graphField.input, describeValue('INPUT0', dataType, dims))
    .message(graphField.output, describeValue('OUTPUT0', dataType, dims));
  const opset = new MessageWriter().text(opsetField.domain, '').number(opsetField.version, OPSET);
  return new MessageWriter()
    .number(modelField.irVersion, IR_VERSION)
    .text(modelField.producerName, 'perf-ts test')
    .message(modelField.graph, graph)
    .message(modelField.opsetImport, opset)
    .toBytes();
}
