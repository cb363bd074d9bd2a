import { describe, expect, it } from 'vitest';
import { tensorsJson } from '../../../src/report/perf-analyzer/tensor-json.js';

const bytesOf = (values: ArrayBufferView): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
const text = (dataType: string, bytes: Uint8Array): string => tensorsJson([{ name: 'T', dataType, bytes }]);

describe('a tensor of the profile export', () => {
  it('is one value where it has one element, a flat list of several, and empty text without any', () => {
    expect(text('FP32', bytesOf(new Float32Array([1.5])))).toBe('{"T":1.5}');
    expect(text('INT32', bytesOf(new Int32Array([-1, 2])))).toBe('{"T":[-1,2]}');
    expect(text('UINT8', new Uint8Array())).toBe('{"T":""}');
  });

  it('keeps all digits of 64-bit numbers', () => {
    expect(text('INT64', bytesOf(new BigInt64Array([-(2n ** 63n)])))).toBe('{"T":-9223372036854775808}');
    expect(text('UINT64', bytesOf(new BigUint64Array([2n ** 64n - 1n])))).toBe('{"T":18446744073709551615}');
  });

  it('is true or false for BOOL, and null for what is not finite or not written there', () => {
    expect(text('BOOL', Uint8Array.of(0, 1, 7))).toBe('{"T":[false,true,true]}');
    expect(text('FP64', bytesOf(new Float64Array([Number.NaN, Infinity, 0.1])))).toBe('{"T":[null,null,0.1]}');
    expect(text('FP16', Uint8Array.of(0, 60))).toBe('{"T":null}');
  });

  it('is one string for BYTES, from behind the first length on', () => {
    expect(text('BYTES', Uint8Array.of(2, 0, 0, 0, 104, 105))).toBe('{"T":"hi"}');
    expect(JSON.parse(text('BYTES', Uint8Array.of(1, 0, 0, 0, 97, 1, 0, 0, 0, 98))).T).toBe('a\u0001\0\0\0b');
  });

  it('reads where it lies in a larger buffer, and escapes names', () => {
    const message = Uint8Array.of(9, 9, 9, 5, 0);
    expect(tensorsJson([{ name: 'a"b', dataType: 'INT16', bytes: message.subarray(3) }])).toBe('{"a\\"b":5}');
  });
});
