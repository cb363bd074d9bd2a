import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HpackDecoder } from '../../src/http2/hpack-decoder.js';
import { encodeEmptyTable, encodeHeaderBlock, encodeRepeatedBlock } from '../../src/http2/hpack-encoder.js';
import { staticTable } from '../../src/http2/hpack-tables.js';

const name = fc.stringMatching(/^[a-z][a-z-]{0,12}$/);
const value = fc.stringMatching(/^[ -~]{0,40}$/);
const field = fc.oneof(fc.record({ name, value }), fc.constantFrom(...staticTable));
const fields = fc.array(field, { minLength: 1, maxLength: 12 });

const decode = (decoder: HpackDecoder, block: Buffer) => decoder.decode(block, 0, block.length).fields;

describe('a block made once', () => {
  it('means the same fields without state, any number of times', () => {
    fc.assert(
      fc.property(fields, (list) => {
        const decoder = new HpackDecoder({ tableBytes: 0, listBytes: 2 ** 16 });
        const block = encodeHeaderBlock(list);
        for (let count = 0; count < 3; count++) expect(decode(decoder, block)).toEqual(list);
      }),
    );
  });

  it('means the same fields taught and repeated, even when one comes twice', () => {
    fc.assert(
      fc.property(fields, (list) => {
        const { first, later, tableBytes } = encodeRepeatedBlock(list);
        const decoder = new HpackDecoder({ tableBytes, listBytes: 2 ** 16 });
        expect(decode(decoder, first)).toEqual(list);
        expect(decode(decoder, later)).toEqual(list);
        expect(decode(decoder, later)).toEqual(list);
        expect(later.length).toBeLessThanOrEqual(2 * list.length);
      }),
    );
  });

  it('may begin with giving up the table', () => {
    const list = [{ name: 'x-a', value: 'b' }];
    const decoder = new HpackDecoder({ tableBytes: 4096, listBytes: 2 ** 16 });
    decode(decoder, encodeRepeatedBlock(list).first);
    const block = Buffer.concat([encodeEmptyTable(), encodeHeaderBlock(list)]);
    expect(decode(decoder, block)).toEqual(list);
    expect(() => decode(decoder, Buffer.from([0x80 | 62]))).toThrow('not in the table');
  });
});
