/** HPACK's Huffman coding in the direction that perf-ts itself never takes; bit by bit, to be plainly right. */
import { Buffer } from 'node:buffer';
import { huffmanCodeLengths } from '../../src/http2/hpack-tables.js';
import { deriveHuffmanCodes } from '../../src/http2/huffman.js';

const codes = deriveHuffmanCodes();

/** Latin1 text as a padded code. */
export function encodeHuffman(text: string): Buffer {
  let bits = '';
  for (const octet of Buffer.from(text, 'latin1')) {
    bits += codes[octet]!.toString(2).padStart(huffmanCodeLengths[octet]!, '0');
  }
  bits = bits.padEnd(Math.ceil(bits.length / 8) * 8, '1');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}
