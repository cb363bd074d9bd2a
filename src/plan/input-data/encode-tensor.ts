/** A tensor that a data file gives, as the bytes that travel. */
import { Buffer } from 'node:buffer';
import { type DataType, elementCount, elementSize } from '../../kserve/data-types.js';
import { jsonToBytes } from '../../kserve/json-tensor.js';
import { exactNumberOf } from '../../kserve/json-text.js';
import { toBfloatBits, toHalfBits } from './half-floats.js';
import type { GivenTensor } from './json-data.js';

/** The shape that holds for a tensor; -1 where nobody says. */
export interface ExpectedTensor {
  readonly name: string;
  readonly dataType: DataType;
  /** As the model declares it, without the batch dimension. */
  readonly declared: readonly number[];
  /** From --shape. */
  readonly given: readonly number[] | undefined;
}

export interface EncodedTensor {
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** Throws an Error that says what does not fit. */
export function encodeGivenTensor(given: GivenTensor, expected: ExpectedTensor): EncodedTensor {
  const { dataType, name } = expected;
  const isRaw = given.content instanceof Uint8Array;
  const found = isRaw ? countRaw(given.content as Uint8Array, dataType) : countValues(given.content as unknown[]);
  const shape = fittingShape(given.shape, expected, found);
  const count = elementCount(shape);
  if (found !== count) {
    throw new Error(`has ${found} values where the shape [${shape.join(', ')}] holds ${count}`);
  }
  if (given.content instanceof Uint8Array) return { shape, bytes: given.content };
  const overflow = findOverflow(given.content, dataType);
  if (overflow !== undefined) throw new Error(`has ${overflow}, which ${dataType} cannot hold`);
  if (dataType === 'FP16' || dataType === 'BF16') return { shape, bytes: halves(given.content, dataType) };
  // One more level of nesting than dimensions allow lets a scalar be written as [5].
  const nested = shape.length === 0 ? [1] : shape;
  return { shape, bytes: jsonToBytes(given.content, name, dataType, nested, Math.max(found, 1)) };
}

const becomesInfinite: Readonly<Partial<Record<DataType, (value: number) => boolean>>> = {
  FP32: (value) => !Number.isFinite(Math.fround(value)),
  FP16: (value) => (toHalfBits(value) & 0x7fff) === 0x7c00,
  BF16: (value) => (toBfloatBits(value) & 0x7fff) === 0x7f80,
};

/** The first finite number that would be sent as infinity; Infinity itself may be asked for by its name. */
function findOverflow(values: readonly unknown[], dataType: DataType): number | undefined {
  const overflows = becomesInfinite[dataType];
  if (overflows === undefined) return undefined;
  for (const value of values) {
    const found = Array.isArray(value) ? findOverflow(value, dataType) : value;
    if (typeof found === 'number' && Number.isFinite(found) && overflows(found)) return found;
  }
  return undefined;
}

function fittingShape(
  own: readonly number[] | undefined,
  { declared, given }: ExpectedTensor,
  found: number,
): readonly number[] {
  const listed = `[${declared.join(', ')}]`;
  if (own !== undefined) {
    if (own.length !== declared.length || own.some((size, axis) => declared[axis] !== -1 && declared[axis] !== size)) {
      throw new Error(`has the shape [${own.join(', ')}], which does not fit the model's ${listed}`);
    }
    return own;
  }
  const shape = given ?? declared;
  const open = shape.filter((size) => size === -1).length;
  if (open === 0) return shape;
  const rest = shape.reduce((product, size) => (size === -1 ? product : product * size), 1);
  if (open > 1 || rest === 0 || found % rest !== 0) {
    throw new Error(`needs a "shape", because the model's is ${listed}; --shape would do as well`);
  }
  return shape.map((size) => (size === -1 ? found / rest : size));
}

function countRaw(bytes: Uint8Array, dataType: DataType): number {
  const size = elementSize(dataType);
  if (size !== undefined) {
    if (bytes.byteLength % size === 0) return bytes.byteLength / size;
    throw new Error(`has ${bytes.byteLength} bytes, which is no whole number of ${dataType} elements`);
  }
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let count = 0;
  for (let at = 0; at < view.length; count++) {
    const end = at + 4 <= view.length ? at + 4 + view.readUInt32LE(at) : Number.POSITIVE_INFINITY;
    if (end > view.length) throw new Error('has BYTES that do not each carry their length in four bytes before them');
    at = end;
  }
  return count;
}

/** Values in lists within lists count too: some write a tensor by its dimensions. */
function countValues(values: readonly unknown[]): number {
  let count = 0;
  for (const value of values) count += Array.isArray(value) ? countValues(value) : 1;
  return count;
}

function halves(values: readonly unknown[], dataType: 'FP16' | 'BF16'): Uint8Array {
  const toBits = dataType === 'FP16' ? toHalfBits : toBfloatBits;
  const flat = (values as unknown[]).flat(Infinity);
  const bits = Uint16Array.from(flat, (value) => {
    const exact = exactNumberOf(value);
    const number = exact === undefined ? value : Number(exact);
    if (typeof number !== 'number') throw new Error(`has a value that is no ${dataType}`);
    return toBits(number);
  });
  return new Uint8Array(bits.buffer);
}

const LINE_FEED = 0x0a;

/**
 * The bytes of a file in a folder: as they are, or for BYTES each line an element, byte for byte as perf_analyzer sends
 * it, whatever its encoding. A carriage return belongs to its line; an empty last line is none.
 */
export function tensorOfFile(bytes: Uint8Array, dataType: DataType): GivenTensor {
  if (dataType !== 'BYTES') return { content: bytes };
  const lines: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(LINE_FEED, start);
    const end = found === -1 ? bytes.length : found;
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return { content: withLengths(lines) };
}

/** Elements as they travel: each after its length in four bytes, little endian. */
function withLengths(elements: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.alloc(elements.reduce((sum, { length }) => sum + 4 + length, 0));
  let at = 0;
  for (const element of elements) {
    content.writeUInt32LE(element.length, at);
    content.set(element, at + 4);
    at += 4 + element.length;
  }
  return content;
}
