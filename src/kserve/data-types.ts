/**
 * The data types of KServe v2: names, sizes, and how they are spelt in Triton's model configuration.
 */

export const dataTypes = [
  'BOOL',
  'UINT8',
  'UINT16',
  'UINT32',
  'UINT64',
  'INT8',
  'INT16',
  'INT32',
  'INT64',
  'FP16',
  'FP32',
  'FP64',
  'BYTES',
  'BF16',
] as const;

export type DataType = (typeof dataTypes)[number];

const elementBytes: Readonly<Record<DataType, number | undefined>> = {
  BOOL: 1,
  UINT8: 1,
  UINT16: 2,
  UINT32: 4,
  UINT64: 8,
  INT8: 1,
  INT16: 2,
  INT32: 4,
  INT64: 8,
  FP16: 2,
  FP32: 4,
  FP64: 8,
  BYTES: undefined,
  BF16: 2,
};

/** Bytes of one element, or undefined for BYTES, whose elements differ in length. */
export const elementSize = (type: DataType): number | undefined => elementBytes[type];

/** True for the names above; everything else is refused at the protocol's edge. */
export const isDataType = (name: string): name is DataType => Object.hasOwn(elementBytes, name);

/** `FP32` -> `TYPE_FP32`; BYTES is called TYPE_STRING in a model configuration. */
export const toConfigType = (type: DataType): string => (type === 'BYTES' ? 'TYPE_STRING' : `TYPE_${type}`);

/** `TYPE_FP32` -> `FP32`, or undefined for an unknown name. */
export function fromConfigType(name: string): DataType | undefined {
  if (name === 'TYPE_STRING') return 'BYTES';
  const type = name.startsWith('TYPE_') ? name.slice(5) : '';
  return isDataType(type) && type !== 'BYTES' ? type : undefined;
}

/** Number of elements of a shape without dynamic (-1) dimensions; 1 for a scalar's empty shape. */
export const elementCount = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);
