import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DataType, dataTypes, elementSize } from '../../src/kserve/data-types.js';
import { makeInputTensor } from '../../src/load/input-values.js';
import type { InputPlan } from '../../src/plan/load-plan.js';

const input = (dataType: DataType, changes: Partial<InputPlan> = {}): InputPlan => ({
  name: 'IN',
  dataType,
  shape: [4, 500],
  source: { kind: 'random', seed: 1 },
  stringLengthBytes: 12,
  ...changes,
});

/** Reads element `index` as a number. */
function readElement(dataType: DataType, view: DataView, index: number): number {
  switch (dataType) {
    case 'FP16':
      return halfToNumber(view.getUint16(index * 2, true));
    case 'BF16':
      return new DataView(
        Uint8Array.from([view.getUint8(index * 2 + 1), view.getUint8(index * 2), 0, 0]).buffer,
      ).getFloat32(0);
    case 'FP32':
      return view.getFloat32(index * 4, true);
    case 'FP64':
      return view.getFloat64(index * 8, true);
    case 'INT8':
      return view.getInt8(index);
    case 'INT16':
      return view.getInt16(index * 2, true);
    case 'INT32':
      return view.getInt32(index * 4, true);
    case 'INT64':
      return Number(view.getBigInt64(index * 8, true));
    case 'UINT64':
      return Number(view.getBigUint64(index * 8, true));
    case 'UINT32':
      return view.getUint32(index * 4, true);
    case 'UINT16':
      return view.getUint16(index * 2, true);
    default:
      return view.getUint8(index);
  }
}

function halfToNumber(bits: number): number {
  const exponent = (bits >> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  const size = exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15);
  return bits & 0x8000 ? -size : size;
}

const numberTypes = dataTypes.filter((type) => type !== 'BYTES');
const isFloat = (type: DataType): boolean => type.startsWith('FP') || type === 'BF16';

describe('input values', () => {
  it.each(numberTypes)('are random %s values that the type can hold and a model can take', (type) => {
    const { bytes } = makeInputTensor(input(type), 7);
    expect(bytes.byteLength).toBe(2000 * elementSize(type)!);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const values = Array.from({ length: 2000 }, (_, index) => readElement(type, view, index));
    const limit = isFloat(type) ? 1 : type === 'BOOL' ? 2 : 100;
    expect(values.every((value) => value >= 0 && value < limit)).toBe(true);
    if (!isFloat(type)) expect(values.every(Number.isInteger)).toBe(true);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const expected = isFloat(type) ? 0.5 : (limit - 1) / 2;
    expect(Math.abs(mean - expected)).toBeLessThan(0.08 * limit);
  });

  it('repeat for the same seed and differ for another', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.constantFrom(...dataTypes), (seed, type) => {
        const first = makeInputTensor(input(type), seed).bytes;
        expect(Buffer.from(first).equals(makeInputTensor(input(type), seed).bytes)).toBe(true);
        expect(Buffer.from(first).equals(makeInputTensor(input(type), seed + 1).bytes)).toBe(false);
      }),
      { numRuns: 40 },
    );
  });

  it('give each string its length and only letters and digits', () => {
    const { bytes } = makeInputTensor(input('BYTES', { shape: [3] }), 1);
    expect(bytes.byteLength).toBe(3 * 16);
    const view = new DataView(bytes.buffer);
    for (let index = 0; index < 3; index++) {
      expect(view.getUint32(index * 16, true)).toBe(12);
      expect(Buffer.from(bytes.subarray(index * 16 + 4, index * 16 + 16)).toString('latin1')).toMatch(
        /^[a-zA-Z0-9]{12}$/,
      );
    }
  });

  it('are zeros when asked for, and strings of the digit 0', () => {
    const zero = { kind: 'zero' } as const;
    expect(makeInputTensor(input('FP32', { source: zero }), 1).bytes.every((byte) => byte === 0)).toBe(true);
    const strings = makeInputTensor(input('BYTES', { source: zero, shape: [1], stringLengthBytes: 3 }), 1).bytes;
    expect([...strings]).toEqual([3, 0, 0, 0, 48, 48, 48]);
  });

  it('take empty tensors and empty strings', () => {
    expect(makeInputTensor(input('FP32', { shape: [0, 4] }), 1).bytes.byteLength).toBe(0);
    expect([...makeInputTensor(input('BYTES', { shape: [1], stringLengthBytes: 0 }), 1).bytes]).toEqual([0, 0, 0, 0]);
  });
});
