import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../../src/kserve/tensor.js';
import { findDifference } from '../../../src/load/input-data/compare-outputs.js';

const tensor = (dataType: Tensor['dataType'], values: { readonly buffer: ArrayBufferLike }, shape = [2]): Tensor => ({
  name: 'O',
  dataType,
  shape,
  bytes: new Uint8Array(values.buffer),
});
const floats = (...values: number[]) => tensor('FP32', Float32Array.from(values), [values.length]);
const whole = (...values: number[]) => tensor('INT32', Int32Array.from(values), [values.length]);

describe('comparing outputs', () => {
  it('lets floats differ by the tolerance, absolute and relative', () => {
    expect(findDifference([floats(1, 1e6)], [floats(1.000005, 1e6 + 5)])).toBeUndefined();
    expect(findDifference([floats(1, 2)], [floats(1, 2.1)])).toMatch(/^output O has 2\.09\d+ at element 1 where 2 was/);
    expect(findDifference([floats(1)], [floats(1.4)], 0.25)).toBeUndefined();
    expect(findDifference([floats(1)], [floats(1.000001)], 0)).toBeDefined();
  });

  it('takes NaN for NaN and infinity for infinity only', () => {
    expect(findDifference([floats(Number.NaN, Infinity)], [floats(Number.NaN, Infinity)])).toBeUndefined();
    expect(findDifference([floats(Infinity)], [floats(1)])).toBeDefined();
    expect(findDifference([floats(1)], [floats(Number.NaN)])).toBeDefined();
  });

  it('wants whole numbers and strings the same, and says where they are not', () => {
    expect(findDifference([whole(1, -2)], [whole(1, -3)], 10)).toBe(
      'output O has -3 at element 1 where -2 was expected',
    );
    const text = (value: string) => tensor('BYTES', Uint8Array.from(Buffer.from(`\u0001\0\0\0${value}`)), [1]);
    expect(findDifference([text('a')], [text('a')])).toBeUndefined();
    expect(findDifference([text('a')], [text('b')])).toContain('other strings');
  });

  it('tells of a missing output, another type and another shape, and passes over what nobody expects', () => {
    expect(findDifference([whole(1)], [])).toBe('output O is not in the answer');
    expect(findDifference([whole(1)], [floats(1)])).toContain('is FP32 where INT32');
    expect(findDifference([whole(1)], [whole(1, 2)])).toContain('[2] where [1]');
    expect(findDifference([], [whole(1)])).toBeUndefined();
  });
});
