import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { copyBytes } from '../../src/onnxruntime/native-memory.js';

describe('copyBytes', () => {
  it('copies exactly the source, whatever its size and alignment', () => {
    fc.assert(
      fc.property(fc.nat(3000), fc.nat(16), fc.nat(16), (length, sourceOffset, targetOffset) => {
        const memory = new Uint8Array(length + 16).map((_, index) => (index * 7 + 1) & 255);
        const source = memory.subarray(sourceOffset, sourceOffset + length);
        const target = new Uint8Array(new SharedArrayBuffer(length + 32));
        copyBytes(target, targetOffset, source);
        expect(Buffer.compare(target.slice(targetOffset, targetOffset + length), source)).toBe(0);
        expect(target.slice(0, targetOffset).every((byte) => byte === 0)).toBe(true);
        expect(target.slice(targetOffset + length).every((byte) => byte === 0)).toBe(true);
      }),
    );
  });

  it('refuses to write past the target', () => {
    for (const length of [200, 5000]) {
      expect(() => copyBytes(new Uint8Array(length), 1, new Uint8Array(length))).toThrow(RangeError);
    }
  });
});
