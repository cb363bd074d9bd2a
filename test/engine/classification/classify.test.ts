import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classifyTensor, formatFloat } from '../../../engine/classification/classify.js';
import type { DataType } from '../../../src/kserve/data-types.js';
import type { Tensor } from '../../../src/kserve/tensor.js';

const fp32 = (shape: readonly number[], values: readonly number[]): Tensor => ({
  name: 'y',
  dataType: 'FP32',
  shape,
  bytes: new Uint8Array(Float32Array.from(values).buffer),
});

function textsOf({ bytes }: Tensor): string[] {
  const content = Buffer.from(bytes);
  const texts: string[] = [];
  for (let at = 0; at < content.length; ) {
    const length = content.readUInt32LE(at);
    texts.push(content.toString('utf8', at + 4, at + 4 + length));
    at += 4 + length;
  }
  return texts;
}

describe('classification', () => {
  it('gives the largest elements of each row with index and label, the largest first', () => {
    const result = classifyTensor(fp32([2, 3], [1, 3, 2, 0.5, -1, 7]), 2, true, ['cat', 'dog']);
    expect(result).toMatchObject({ name: 'y', dataType: 'BYTES', shape: [2, 2] });
    expect(textsOf(result)).toEqual(['3.000000:1:dog', '2.000000:2', '7.000000:2', '0.500000:0:cat']);
  });

  it('of a model that does not batch is over the whole tensor', () => {
    const result = classifyTensor(fp32([2, 2], [1, 4, 3, 2]), 3, false, []);
    expect([result.shape, textsOf(result)]).toEqual([[3], ['4.000000:1', '3.000000:2', '2.000000:3']]);
  });

  it('gives no more classes than there are elements, and keeps ties in the order of their indices', () => {
    const result = classifyTensor(fp32([1, 3], [1, 1, 1]), 9, true, []);
    expect(textsOf(result)).toEqual(['1.000000:0', '1.000000:1', '1.000000:2']);
  });

  it('puts NaN behind every number', () => {
    const values = [Number.NaN, -Infinity, 5, Infinity];
    expect(textsOf(classifyTensor(fp32([1, 4], values), 4, true, []))).toEqual([
      'inf:3',
      '5.000000:2',
      '-inf:1',
      'nan:0',
    ]);
  });

  it.each<[DataType, ArrayBufferLike, string[]]>([
    ['INT8', Int8Array.of(-1, 5).buffer, ['5:1', '-1:0']],
    ['UINT16', Uint16Array.of(65535, 5).buffer, ['65535:0', '5:1']],
    ['INT32', Int32Array.of(-7, -9).buffer, ['-7:0', '-9:1']],
    ['UINT64', BigUint64Array.of(1n, 2n ** 64n - 1n).buffer, ['18446744073709551615:1', '1:0']],
    ['INT64', BigInt64Array.of(-(2n ** 63n), 3n).buffer, ['3:1', '-9223372036854775808:0']],
    ['FP64', Float64Array.of(0.1, -0).buffer, ['0.100000:0', '-0.000000:1']],
  ])('of %s writes values in full', (dataType, buffer, expected) => {
    const tensor = { name: 'y', dataType, shape: [1, 2], bytes: new Uint8Array(buffer) };
    expect(textsOf(classifyTensor(tensor, 2, true, []))).toEqual(expected);
  });

  it('refuses types that have no order', () => {
    const tensor: Tensor = { name: 'y', dataType: 'BOOL', shape: [1, 1], bytes: Uint8Array.of(1) };
    expect(() => classifyTensor(tensor, 1, true, [])).toThrow("unsupported type 'BOOL'");
  });

  it('is what sorting by value would give, for any row', () => {
    const rows = fc.array(fc.float({ noNaN: true }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(rows, fc.integer({ min: 1, max: 50 }), (values, count) => {
        const exact = Float32Array.from(values);
        const sorted = [...exact.keys()].sort((a, b) =>
          exact[a]! > exact[b]! ? -1 : exact[a]! < exact[b]! ? 1 : a - b,
        );
        const texts = textsOf(classifyTensor(fp32([1, values.length], values), count, true, []));
        expect(texts.map((text) => Number(text.split(':')[1]))).toEqual(sorted.slice(0, count));
      }),
    );
  });
});

describe('a floating-point value', () => {
  // What printf("%f") of the C library writes.
  it.each([
    [1 / 3, '0.333333'],
    [0.0078125, '0.007812'],
    [0.0234375, '0.023438'],
    [-0.0078125, '-0.007812'],
    [1e21, '1000000000000000000000.000000'],
    [3.4028234663852886e38, '340282346638528859811704183484516925440.000000'],
    [-1e-9, '-0.000000'],
    [123456.7890625, '123456.789062'],
  ])('%d is written %s', (value, text) => {
    expect(formatFloat(value)).toBe(text);
  });
});
