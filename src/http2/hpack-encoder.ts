/**
 * Encodes header blocks without any state: fields of the static table by index, all others as literals that the peer
 * does not index. So a block made once is right on every connection and at any time.
 */
import { Buffer } from 'node:buffer';
import { type HeaderField, staticTable } from './hpack-tables.js';

const INDEXED = 0x80;
const LITERAL_NOT_INDEXED = 0x00;

/** Text is written as latin1; names are to be in lower case. */
export function encodeHeaderBlock(fields: readonly HeaderField[]): Buffer {
  const bytes: number[] = [];
  for (const field of fields) encodeField(bytes, field);
  return Buffer.from(bytes);
}

function encodeField(bytes: number[], { name, value }: HeaderField): void {
  const exact = staticTable.findIndex((entry) => entry.name === name && entry.value === value);
  if (exact >= 0) {
    encodeInteger(bytes, INDEXED, 7, exact + 1);
    return;
  }
  encodeInteger(bytes, LITERAL_NOT_INDEXED, 4, staticTable.findIndex((entry) => entry.name === name) + 1);
  if (!staticTable.some((entry) => entry.name === name)) encodeString(bytes, name);
  encodeString(bytes, value);
}

function encodeString(bytes: number[], text: string): void {
  encodeInteger(bytes, 0, 7, text.length);
  bytes.push(...Buffer.from(text, 'latin1'));
}

/** HPACK's integer: `prefixBits` bits beside `pattern`, then seven bits a byte, low ones first. */
export function encodeInteger(bytes: number[], pattern: number, prefixBits: number, value: number): void {
  const mask = (1 << prefixBits) - 1;
  if (value < mask) {
    bytes.push(pattern | value);
    return;
  }
  bytes.push(pattern | mask);
  let rest = value - mask;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
}
