import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDataFiles } from '../../../src/plan/input-data/data-files.js';
import { encodeGivenTensor, tensorOfFile } from '../../../src/plan/input-data/encode-tensor.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perf-ts-bytes-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The elements in a BYTES tensor. */
function elementsOf(bytes: Uint8Array): Buffer[] {
  const content = Buffer.from(bytes);
  const elements: Buffer[] = [];
  for (let at = 0; at < content.length; ) {
    const length = content.readUInt32LE(at);
    elements.push(content.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return elements;
}

const encode = (file: Uint8Array): Uint8Array =>
  encodeGivenTensor(tensorOfFile(file, 'BYTES'), { name: 'T', dataType: 'BYTES', declared: [-1], given: undefined })
    .bytes;

describe('a file of BYTES', () => {
  it('is sent byte for byte, a line an element, whatever bytes it holds', () => {
    const line = fc.uint8Array().map((bytes) => bytes.filter((byte) => byte !== 0x0a));
    fc.assert(
      fc.property(fc.array(line, { minLength: 1 }), (lines) => {
        const file = Buffer.concat(lines.flatMap((one) => [Buffer.from(one), Buffer.from('\n')]));
        expect(elementsOf(encode(file))).toEqual(lines.map((one) => Buffer.from(one)));
      }),
    );
  });

  it('needs no line end after its last element, and keeps carriage returns', () => {
    expect(elementsOf(encode(Buffer.from('a\r\n\nb'))).map(String)).toEqual(['a\r', '', 'b']);
  });
});

describe('a JSON file', () => {
  it('that is not UTF-8 is refused, since its texts would change', async () => {
    const path = join(folder, 'latin.json');
    await writeFile(path, Buffer.from('{"data": [{"T": ["caf\u00e9"]}]}', 'latin1'));
    await expect(readDataFiles([path])).rejects.toThrow(/not UTF-8.*b64/);
  });

  it.each([
    ['FP32', 1e39],
    ['FP16', 70_000],
    ['BF16', 3.4e38],
  ] as const)('is refused where a number would be sent as infinity: %s', (dataType, value) => {
    const expected = { name: 'T', dataType, declared: [2, 1], given: undefined };
    expect(() => encodeGivenTensor({ content: [[0], [value]] }, expected)).toThrow(/cannot hold/);
    expect(encodeGivenTensor({ content: [[0], [Infinity]] }, expected).shape).toEqual([2, 1]);
  });

  it('is refused where a number is beyond every float', async () => {
    const path = join(folder, 'huge.json');
    await writeFile(path, '{"data": [{"T": [1, 1e400]}]}');
    await expect(readDataFiles([path])).rejects.toThrow(/huge\.json:1:21: the number 1e400 is too large/);
  });

  it('is refused where a text holds half of a surrogate pair', () => {
    const given = { content: ['\ud800'] };
    expect(() => encodeGivenTensor(given, { name: 'T', dataType: 'BYTES', declared: [1], given: undefined })).toThrow(
      /surrogate/,
    );
  });
});
