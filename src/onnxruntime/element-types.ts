/** ONNX Runtime's numbers for element types (ONNXTensorElementDataType) and the names KServe gives them. */
import type { DataType } from '../kserve/data-types.js';

const numberByType: Readonly<Record<DataType, number>> = {
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
};

const typeByNumber = new Map(Object.entries(numberByType).map(([type, number]) => [number, type as DataType]));

export const elementTypeOf = (type: DataType): number => numberByType[type];

/** The KServe type, or undefined for those that KServe cannot carry (complex, float8, 4-bit integers). */
export const dataTypeOfElement = (number: number): DataType | undefined => typeByNumber.get(number);
