import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHuffman } from '../../src/http2/huffman.js';
import { encodeHuffman } from '../support/encode-huffman.js';

const decode = (bytes: Buffer): string | undefined => decodeHuffman(bytes, 0, bytes.length);

describe('decodeHuffman', () => {
  it('reads back every text of octets', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (octets) => {
        const text = Buffer.from(octets).toString('latin1');
        expect(decode(encodeHuffman(text))).toBe(text);
      }),
    );
  });

  it('reads back each octet alone and a text longer than a call takes arguments', () => {
    const all = Array.from({ length: 256 }, (_, octet) => String.fromCharCode(octet));
    expect(all.map((text) => decode(encodeHuffman(text)))).toEqual(all);
    const long = 'x'.repeat(200_000);
    expect(decode(encodeHuffman(long))).toBe(long);
  });

  it.each([
    ['the end-of-string symbol', 'ffffffff'],
    ['a whole byte of padding', '1fff'],
    ['padding that is not all ones', '1a'],
    ['a code that is cut off', 'fffe'],
  ])('refuses %s', (_, hex) => {
    expect(decode(Buffer.from(hex, 'hex'))).toBeUndefined();
  });
});
