import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeInputTensor } from '../../src/load/input-values.js';
import { fromBfloatBits, fromHalfBits } from '../../src/plan/input-data/half-floats.js';
import { sampleInput } from '../support/sample-plan.js';

const readers = {
  INT8: (view: DataView, at: number) => view.getInt8(at),
  UINT16: (view: DataView, at: number) => view.getUint16(at * 2, true),
  INT32: (view: DataView, at: number) => view.getInt32(at * 4, true),
  INT64: (view: DataView, at: number) => Number(view.getBigInt64(at * 8, true)),
  FP16: (view: DataView, at: number) => fromHalfBits(view.getUint16(at * 2, true)),
  BF16: (view: DataView, at: number) => fromBfloatBits(view.getUint16(at * 2, true)),
  FP32: (view: DataView, at: number) => view.getFloat32(at * 4, true),
  FP64: (view: DataView, at: number) => view.getFloat64(at * 8, true),
} as const;

describe('random values in a range', () => {
  it.each(Object.keys(readers) as (keyof typeof readers)[])(
    'lie in it, both ends of whole numbers included (%s)',
    (dataType) => {
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 20 }), fc.nat(), (low, width, seed) => {
          const source = { kind: 'random', seed, low, high: low + width } as const;
          const { bytes } = makeInputTensor(sampleInput({ dataType, shape: [50], source }), seed);
          const view = new DataView(bytes.buffer);
          for (let at = 0; at < 50; at++) {
            const value = readers[dataType](view, at);
            expect(value).toBeGreaterThanOrEqual(low);
            expect(value).toBeLessThanOrEqual(low + width);
          }
        }),
        { numRuns: 30 },
      );
      const source = { kind: 'random', seed: 1, low: 5, high: 6 } as const;
      const { bytes } = makeInputTensor(sampleInput({ dataType, shape: [200], source }), 1);
      const view = new DataView(bytes.buffer);
      const values = new Set(Array.from({ length: 200 }, (_, at) => readers[dataType](view, at)));
      if (dataType.includes('INT')) expect([...values].toSorted()).toEqual([5, 6]);
      else expect(values.size).toBeGreaterThan(2);
    },
  );

  it('are the given text for every string, whatever the source', () => {
    for (const source of [{ kind: 'zero' }, { kind: 'random', seed: 1 }] as const) {
      const { bytes } = makeInputTensor(sampleInput({ dataType: 'BYTES', shape: [2], source, stringData: 'hé' }), 1);
      expect(Buffer.from(bytes).toString('latin1')).toBe('\u0003\0\0\0h\u00c3\u00a9\u0003\0\0\0h\u00c3\u00a9');
    }
  });
});
