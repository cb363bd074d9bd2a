/**
 * Writes protobuf's wire format into one buffer whose size was added up beforehand with the `...Size` functions, so a
 * message costs a single allocation.
 */
import { Buffer } from 'node:buffer';
import { wireTypes } from './wire-reader.js';

const TWO_32 = 4_294_967_296;

/** Bytes of a varint; a negative number takes ten, as protobuf's int64 does. */
export function varintSize(value: number): number {
  if (value < 0) return 10;
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

/** Bytes of a delimited field: tag, length and `length` bytes. Field numbers here are all below 16: one byte of tag. */
export const delimitedSize = (length: number): number => 1 + varintSize(length) + length;

/** Bytes of a string field, 0 for the empty string, which is left out. */
export const stringSize = (text: string): number => (text === '' ? 0 : delimitedSize(Buffer.byteLength(text)));

/** Bytes of the values of a packed field, without its tag and length. */
export function packedLength(values: readonly number[]): number {
  let length = 0;
  for (const value of values) length += varintSize(value);
  return length;
}

/** Bytes of a packed field, 0 for an empty one. */
export const packedSize = (values: readonly number[]): number =>
  values.length === 0 ? 0 : delimitedSize(packedLength(values));

export class WireWriter {
  readonly bytes: Buffer;
  position = 0;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafe(size);
  }

  varint(value: number): void {
    if (value < 0) {
      this.negativeVarint(value);
      return;
    }
    let rest = value;
    while (rest >= 0x80) {
      this.bytes[this.position++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.bytes[this.position++] = rest;
  }

  /** Tag and length of a delimited field whose `length` bytes the caller writes next. */
  delimited(field: number, length: number): void {
    this.bytes[this.position++] = field * 8 + wireTypes.delimited;
    this.varint(length);
  }

  string(field: number, text: string): void {
    if (text === '') return;
    const length = Buffer.byteLength(text);
    this.delimited(field, length);
    this.position += this.bytes.write(text, this.position, length, 'utf8');
  }

  raw(field: number, content: Uint8Array): void {
    this.delimited(field, content.byteLength);
    this.bytes.set(content, this.position);
    this.position += content.byteLength;
  }

  /** A varint field: bool, int64, uint64. */
  integer(field: number, value: number): void {
    this.bytes[this.position++] = field * 8 + wireTypes.varint;
    this.varint(value);
  }

  double(field: number, value: number): void {
    this.bytes[this.position++] = field * 8 + wireTypes.fixed64;
    this.position = this.bytes.writeDoubleLE(value, this.position);
  }

  packed(field: number, values: readonly number[]): void {
    if (values.length === 0) return;
    this.delimited(field, packedLength(values));
    for (const value of values) this.varint(value);
  }

  private negativeVarint(value: number): void {
    let low = ((value % TWO_32) + TWO_32) % TWO_32;
    let high = Math.floor(value / TWO_32) >>> 0;
    for (let i = 0; i < 9; i++) {
      this.bytes[this.position++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | ((high & 0x7f) << 25)) >>> 0;
      high >>>= 7;
    }
    this.bytes[this.position++] = low;
  }
}
