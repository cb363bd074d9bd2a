/**
 * Encodes header blocks made once and sent many times. Without state: fields of the static table by index, all others
 * as literals that the peer does not index, right on every connection and at any time. Or as a pair: a block that teaches
 * the peer its fields, and the short one that repeats them.
 */
import { Buffer } from 'node:buffer';
import { FIELD_OVERHEAD_BYTES, type HeaderField, staticTable } from './hpack-tables.js';

const INDEXED = 0x80;
const LITERAL_INDEXED = 0x40;
const LITERAL_NOT_INDEXED = 0x00;
const TABLE_SIZE_UPDATE = 0x20;

/** Text is written as latin1; names are to be in lower case. */
export function encodeHeaderBlock(fields: readonly HeaderField[]): Buffer {
  const bytes: number[] = [];
  for (const field of fields) encodeField(bytes, field);
  return Buffer.from(bytes);
}

function encodeField(bytes: number[], field: HeaderField): void {
  const exact = exactIndexOf(field);
  if (exact > 0) encodeInteger(bytes, INDEXED, 7, exact);
  else encodeLiteral(bytes, field, LITERAL_NOT_INDEXED, 4);
}

export interface RepeatedBlock {
  /** Goes first on a connection, once, before any other block that adds to the table. */
  readonly first: Buffer;
  /** The same fields on every later stream. */
  readonly later: Buffer;
  /** What the fields take in the peer's table, which must be at least that large. */
  readonly tableBytes: number;
}

/** Encodes fields that are the same on every stream of a connection, with the help of the peer's table. */
export function encodeRepeatedBlock(fields: readonly HeaderField[]): RepeatedBlock {
  const taught = fields.filter((field) => exactIndexOf(field) === 0);
  const first: number[] = [];
  const later: number[] = [];
  let tableBytes = 0;
  for (const field of fields) {
    const exact = exactIndexOf(field);
    if (exact > 0) {
      encodeInteger(first, INDEXED, 7, exact);
      encodeInteger(later, INDEXED, 7, exact);
      continue;
    }
    encodeLiteral(first, field, LITERAL_INDEXED, 6);
    // The newest entry has the first index behind the static table.
    encodeInteger(later, INDEXED, 7, staticTable.length + taught.length - taught.indexOf(field));
    tableBytes += field.name.length + field.value.length + FIELD_OVERHEAD_BYTES;
  }
  return { first: Buffer.from(first), later: Buffer.from(later), tableBytes };
}

/** Tells the peer, at the beginning of a block, that this end keeps to a table of no entries. */
export const encodeEmptyTable = (): Buffer => Buffer.from([TABLE_SIZE_UPDATE]);

/** Index in the static table of a field that is there with its value, or 0. */
const exactIndexOf = ({ name, value }: HeaderField): number =>
  staticTable.findIndex((entry) => entry.name === name && entry.value === value) + 1;

/** `pattern` tells what the peer shall do with the field; its name's index has `prefixBits` bits. */
function encodeLiteral(bytes: number[], { name, value }: HeaderField, pattern: number, prefixBits: number): void {
  const nameIndex = staticTable.findIndex((entry) => entry.name === name) + 1;
  encodeInteger(bytes, pattern, prefixBits, nameIndex);
  if (nameIndex === 0) encodeString(bytes, name);
  encodeString(bytes, value);
}

function encodeString(bytes: number[], text: string): void {
  encodeInteger(bytes, 0, 7, text.length);
  // One by one, because a call takes a limited number of arguments and a value may be long.
  for (const byte of Buffer.from(text, 'latin1')) bytes.push(byte);
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
