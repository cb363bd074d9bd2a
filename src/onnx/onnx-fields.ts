/**
 * The numbers of the ONNX file format (onnx.proto, IR version 8) that the reader and the zoo's writer share: field
 * numbers of each message, element types, and protobuf wire types.
 */
import type { DataType } from '../kserve/data-types.js';

export const wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

export const modelField = {
  irVersion: 1,
  producerName: 2,
  producerVersion: 3,
  graph: 7,
  opsetImport: 8,
  trainingInfo: 20,
  functions: 25,
} as const;
export const opsetField = { domain: 1, version: 2 } as const;
export const graphField = {
  node: 1,
  name: 2,
  initializer: 5,
  input: 11,
  output: 12,
  valueInfo: 13,
  sparseInitializer: 15,
} as const;
export const nodeField = { input: 1, output: 2, name: 3, opType: 4, attribute: 5, domain: 7 } as const;
export const attributeField = {
  name: 1,
  f: 2,
  i: 3,
  s: 4,
  t: 5,
  g: 6,
  floats: 7,
  ints: 8,
  tensors: 10,
  graphs: 11,
  type: 20,
  sparseTensor: 22,
  sparseTensors: 23,
} as const;
export const tensorField = {
  dims: 1,
  dataType: 2,
  segment: 3,
  floatData: 4,
  name: 8,
  rawData: 9,
  externalData: 13,
  dataLocation: 14,
} as const;
export const entryField = { key: 1, value: 2 } as const;
export const sparseTensorField = { values: 1, indices: 2 } as const;
export const valueField = { name: 1, type: 2 } as const;
export const typeField = { tensor: 1, sequence: 4, map: 5, sparseTensor: 8, optional: 9 } as const;
export const tensorTypeField = { elementType: 1, shape: 2 } as const;
export const shapeField = { dim: 1 } as const;
export const dimField = { value: 1, symbol: 2 } as const;

/** AttributeProto.AttributeType. */
export const attributeType = { float: 1, int: 2, string: 3, tensor: 4, floats: 6, ints: 7 } as const;

/** TensorProto.DataLocation: the bytes lie in a file beside the model. */
export const EXTERNAL_LOCATION = 1;

/** TensorProto.DataType of the types that KServe v2 can carry. */
export const onnxElementType = {
  FP32: 1,
  UINT8: 2,
  INT8: 3,
  UINT16: 4,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  BYTES: 8,
  BOOL: 9,
  FP16: 10,
  FP64: 11,
  UINT32: 12,
  UINT64: 13,
  BF16: 16,
} as const satisfies Record<DataType, number>;

const typeByNumber = new Map<number, DataType>(
  (Object.entries(onnxElementType) as [DataType, number][]).map(([type, number]) => [number, type]),
);

/** The KServe name of an ONNX element type, or undefined for one the protocol cannot carry (complex, float8, ...). */
export const dataTypeOfOnnx = (number: number): DataType | undefined => typeByNumber.get(number);
