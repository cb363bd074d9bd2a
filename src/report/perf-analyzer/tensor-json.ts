/** Tensors in the words of perf_analyzer's profile export: one element stands alone, several are a flat list, none is empty text. */
import { Buffer } from 'node:buffer';

/** `bytes` is little-endian and row-major, as it travelled. */
export interface ExportedTensor {
  readonly name: string;
  readonly dataType: string;
  readonly bytes: Uint8Array;
}

interface ElementType {
  readonly byteSize: number;
  readonly read: (view: DataView, at: number) => string;
}

/** JSON has no word for what is not finite. */
const floatText = (value: number): string => (Number.isFinite(value) ? String(value) : 'null');

const elementTypes: Readonly<Record<string, ElementType>> = {
  BOOL: { byteSize: 1, read: (view, at) => String(view.getUint8(at) !== 0) },
  INT8: { byteSize: 1, read: (view, at) => String(view.getInt8(at)) },
  INT16: { byteSize: 2, read: (view, at) => String(view.getInt16(at, true)) },
  INT32: { byteSize: 4, read: (view, at) => String(view.getInt32(at, true)) },
  INT64: { byteSize: 8, read: (view, at) => String(view.getBigInt64(at, true)) },
  UINT8: { byteSize: 1, read: (view, at) => String(view.getUint8(at)) },
  UINT16: { byteSize: 2, read: (view, at) => String(view.getUint16(at, true)) },
  UINT32: { byteSize: 4, read: (view, at) => String(view.getUint32(at, true)) },
  UINT64: { byteSize: 8, read: (view, at) => String(view.getBigUint64(at, true)) },
  FP32: { byteSize: 4, read: (view, at) => floatText(view.getFloat32(at, true)) },
  FP64: { byteSize: 8, read: (view, at) => floatText(view.getFloat64(at, true)) },
};

/** Length prefix of the first element of BYTES; the others stay, as they do there. */
const PREFIX_BYTES = 4;

/** An object of names and values. Types that perf_analyzer does not write either, FP16 and BF16, are null. */
export const tensorsJson = (tensors: readonly ExportedTensor[]): string =>
  `{${tensors.map((tensor) => `${JSON.stringify(tensor.name)}:${valueJson(tensor)}`).join(',')}}`;

function valueJson({ dataType, bytes }: ExportedTensor): string {
  if (bytes.byteLength === 0) return '""';
  if (dataType === 'BYTES') return JSON.stringify(Buffer.from(bytes.subarray(PREFIX_BYTES)).toString('utf8'));
  const type = elementTypes[dataType];
  if (type === undefined) return 'null';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values: string[] = [];
  for (let at = 0; at + type.byteSize <= bytes.byteLength; at += type.byteSize) values.push(type.read(view, at));
  return values.length === 1 ? values[0]! : `[${values.join(',')}]`;
}
