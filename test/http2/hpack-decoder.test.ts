import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DecodedHeaders, HpackDecoder } from '../../src/http2/hpack-decoder.js';
import { encodeHeaderBlock, encodeInteger } from '../../src/http2/hpack-encoder.js';
import { type HeaderField, staticTable } from '../../src/http2/hpack-tables.js';
import { ConnectionError } from '../../src/http2/http2-error.js';
import { encodeHuffman } from '../support/encode-huffman.js';

const limits = { tableBytes: 4096, listBytes: 16_384 };

const decodeHex = (decoder: HpackDecoder, hex: string): DecodedHeaders => {
  const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
  return decoder.decode(bytes, 0, bytes.length);
};

const linesOf = ({ fields }: DecodedHeaders): string[] => fields.map(({ name, value }) => `${name}: ${value}`);

const requests = [
  [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'],
  [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com', 'cache-control: no-cache'],
  [':method: GET', ':scheme: https', ':path: /index.html', ':authority: www.example.com', 'custom-key: custom-value'],
];
const answers = [
  [
    ':status: 302',
    'cache-control: private',
    'date: Mon, 21 Oct 2013 20:13:21 GMT',
    'location: https://www.example.com',
  ],
  [
    ':status: 307',
    'cache-control: private',
    'date: Mon, 21 Oct 2013 20:13:21 GMT',
    'location: https://www.example.com',
  ],
  [
    ':status: 200',
    'cache-control: private',
    'date: Mon, 21 Oct 2013 20:13:22 GMT',
    'location: https://www.example.com',
    'content-encoding: gzip',
    'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
  ],
];

describe('the examples of RFC 7541, appendix C', () => {
  it.each([
    ['C.2.1', '400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572', 'custom-key: custom-header'],
    ['C.2.2', '040c 2f73 616d 706c 652f 7061 7468', ':path: /sample/path'],
    ['C.2.3', '1008 7061 7373 776f 7264 0673 6563 7265 74', 'password: secret'],
    ['C.2.4', '82', ':method: GET'],
  ])('%s is decoded', (_, hex, line) => {
    expect(linesOf(decodeHex(new HpackDecoder(limits), hex))).toEqual([line]);
  });

  it.each([
    [
      'C.3',
      4096,
      [
        '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
        '8286 84be 5808 6e6f 2d63 6163 6865',
        '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
      ],
      requests,
    ],
    [
      'C.4, Huffman-coded',
      4096,
      [
        '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
        '8286 84be 5886 a8eb 1064 9cbf',
        '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
      ],
      requests,
    ],
    [
      'C.5, with eviction',
      256,
      [
        '4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
        '4803 3330 37c1 c0bf',
        '88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31',
      ],
      answers,
    ],
    [
      'C.6, with eviction and Huffman-coded',
      256,
      [
        '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
        '4883 640e ffc1 c0bf',
        '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
      ],
      answers,
    ],
  ])('%s is decoded with one table over its blocks', (_, tableBytes, blocks, expected) => {
    const decoder = new HpackDecoder({ ...limits, tableBytes });
    expect(blocks.map((hex) => linesOf(decodeHex(decoder, hex)))).toEqual(expected);
  });
});

/** How a field may be written; `reference` uses an index when the text stands in a table. */
type Form = 'indexed' | 'not indexed' | 'never indexed';

/** An encoder that uses all that HPACK offers, with its own copy of the dynamic table. */
class FullEncoder {
  private table: HeaderField[] = [];
  private readonly tableBytes: number;

  constructor(tableBytes: number) {
    this.tableBytes = tableBytes;
  }

  encode(bytes: number[], field: HeaderField, form: Form, isHuffman: boolean): void {
    const known = [...staticTable, ...this.table];
    const exact = known.findIndex(({ name, value }) => name === field.name && value === field.value);
    if (exact >= 0 && form === 'indexed') {
      encodeInteger(bytes, 0x80, 7, exact + 1);
      return;
    }
    const [pattern, bits] = form === 'indexed' ? [0x40, 6] : form === 'never indexed' ? [0x10, 4] : [0, 4];
    const nameIndex = known.findIndex(({ name }) => name === field.name) + 1;
    encodeInteger(bytes, pattern, bits, nameIndex);
    if (nameIndex === 0) writeString(bytes, field.name, isHuffman);
    writeString(bytes, field.value, isHuffman);
    if (form !== 'indexed') return;
    this.table.unshift(field);
    const size = (): number => this.table.reduce((sum, { name, value }) => sum + name.length + value.length + 32, 0);
    while (size() > this.tableBytes) this.table.pop();
  }
}

function writeString(bytes: number[], text: string, isHuffman: boolean): void {
  const coded = isHuffman ? encodeHuffman(text) : Buffer.from(text, 'latin1');
  encodeInteger(bytes, isHuffman ? 0x80 : 0, 7, coded.length);
  bytes.push(...coded);
}

const text = (maxLength: number): fc.Arbitrary<string> =>
  fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes).toString('latin1'));

const writtenField = fc.record({
  field: fc.oneof(
    fc.constantFrom(...staticTable),
    fc.record({ name: text(12), value: text(40) }),
    fc.record({ name: fc.constantFrom('a', 'te', 'content-type'), value: fc.constantFrom('', 'x', 'y') }),
  ),
  form: fc.constantFrom<Form>('indexed', 'not indexed', 'never indexed'),
  isHuffman: fc.boolean(),
});

describe('HpackDecoder', () => {
  it('reads back whatever an encoder writes, over many blocks of one connection', () => {
    const blocks = fc.array(fc.array(writtenField, { maxLength: 12 }), { maxLength: 10 });
    fc.assert(
      fc.property(blocks, fc.constantFrom(0, 64, 200, 4096), (list, tableBytes) => {
        const encoder = new FullEncoder(tableBytes);
        const decoder = new HpackDecoder({ ...limits, tableBytes });
        for (const block of list) {
          const bytes: number[] = [];
          for (const { field, form, isHuffman } of block) encoder.encode(bytes, field, form, isHuffman);
          const { fields } = decoder.decode(Buffer.from(bytes), 0, bytes.length);
          expect(fields).toEqual(block.map(({ field }) => field));
        }
      }),
    );
  });

  it('reads back what the stateless encoder writes, without touching its table', () => {
    const fields = fc.array(writtenField.map(({ field }) => field));
    fc.assert(
      fc.property(fields, (list) => {
        const decoder = new HpackDecoder(limits);
        const block = encodeHeaderBlock(list);
        expect(decoder.decode(block, 0, block.length).fields).toEqual(list);
        expect(decoder.generation).toBe(0);
      }),
    );
  });

  it('answers arbitrary bytes with fields or a connection error, nothing else', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 5 }), (blocks) => {
        const decoder = new HpackDecoder({ tableBytes: 128, listBytes: 500 });
        try {
          for (const block of blocks) decoder.decode(Buffer.from(block), 0, block.length);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(ConnectionError);
          expect(thrown).toMatchObject({ code: 'COMPRESSION_ERROR' });
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('says when a list is too large, and keeps its table right for the next block', () => {
    const decoder = new HpackDecoder({ tableBytes: 4096, listBytes: 100 });
    // Two fields that enter the table; together they exceed the list.
    const first = decodeHex(decoder, `4001 6120 ${'62'.repeat(32)} 4001 6320 ${'64'.repeat(32)}`);
    expect(first).toMatchObject({ isTooLarge: true, fields: [{ name: 'a' }] });
    expect(linesOf(decodeHex(decoder, 'be'))).toEqual([`c: ${'d'.repeat(32)}`]);
  });

  it.each([
    ['a table larger than offered', '3fe2 1f'],
    ['a size update after a field', '82 20'],
    ['index 0', '80'],
    ['an index beyond the table', 'be'],
    ['a string that is cut off', '0085'],
    ['a number that is too large', 'ffff ffff ffff 7f'],
    ['a number that never ends', 'ff80 8080 8080 8080 80'],
    ['wrong Huffman padding', '0081 0001 61'],
  ])('refuses %s', (_, hex) => {
    expect(() => decodeHex(new HpackDecoder(limits), hex)).toThrow(ConnectionError);
  });

  it('takes a smaller table and then the full one at the beginning of a block', () => {
    const decoder = new HpackDecoder(limits);
    decodeHex(decoder, '4001 6101 62');
    expect(linesOf(decodeHex(decoder, '20 3fe1 1f 82'))).toEqual([':method: GET']);
    expect(() => decodeHex(decoder, 'be')).toThrow('not in the table');
  });
});
