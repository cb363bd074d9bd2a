/** Decodes HPACK header blocks (RFC 7541) of one direction of one connection; owns its dynamic table. */
import type { Buffer } from 'node:buffer';
import { FIELD_OVERHEAD_BYTES, type HeaderField, staticTable } from './hpack-tables.js';
import { ConnectionError } from './http2-error.js';
import { decodeHuffman } from './huffman.js';

const MAX_INTEGER = 0xfff_ffff;

export interface DecodedHeaders {
  /** In the order of the wire; text is latin1. */
  readonly fields: readonly HeaderField[];
  /** The list grew beyond its limit, and `fields` holds only its beginning. The connection remains usable. */
  readonly isTooLarge: boolean;
}

export interface HpackLimits {
  /** What this end announced as SETTINGS_HEADER_TABLE_SIZE. */
  readonly tableBytes: number;
  /** Names, values and 32 bytes a field. */
  readonly listBytes: number;
}

export class HpackDecoder {
  /** Changes with the dynamic table: a block decoded without a change means the same again while this stays equal. */
  generation = 0;
  private readonly limits: HpackLimits;
  /** Newest last. */
  private readonly entries: HeaderField[] = [];
  private entriesBytes = 0;
  private tableBytes: number;
  private bytes!: Buffer;
  private at = 0;
  private end = 0;

  constructor(limits: HpackLimits) {
    this.limits = limits;
    this.tableBytes = limits.tableBytes;
  }

  /** Decodes the whole block from `start` to `end`. Throws ConnectionError COMPRESSION_ERROR for a malformed one. */
  decode(bytes: Buffer, start: number, end: number): DecodedHeaders {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
    const fields: HeaderField[] = [];
    let listBytes = 0;
    let isAtStart = true;
    while (this.at < this.end) {
      const first = bytes[this.at]!;
      if ((first & 0xe0) === 0x20) {
        if (!isAtStart) throw malformed('a table size update after a field');
        this.resize(this.readInteger(5));
        continue;
      }
      isAtStart = false;
      const field = this.readField(first);
      listBytes += sizeOf(field);
      if (listBytes <= this.limits.listBytes) fields.push(field);
    }
    return { fields, isTooLarge: listBytes > this.limits.listBytes };
  }

  private readField(first: number): HeaderField {
    if (first >= 0x80) return this.fieldAt(this.readInteger(7));
    const isIndexed = first >= 0x40;
    const nameIndex = this.readInteger(isIndexed ? 6 : 4);
    const name = nameIndex === 0 ? this.readString() : this.fieldAt(nameIndex).name;
    const field = { name, value: this.readString() };
    if (isIndexed) this.insert(field);
    return field;
  }

  private fieldAt(index: number): HeaderField {
    const fromNewest = index - staticTable.length - 1;
    const field = fromNewest < 0 ? staticTable[index - 1] : this.entries[this.entries.length - 1 - fromNewest];
    if (field === undefined) throw malformed(`index ${index} is not in the table`);
    return field;
  }

  private insert(field: HeaderField): void {
    this.generation++;
    const size = sizeOf(field);
    this.evictTo(this.tableBytes - size);
    if (size > this.tableBytes) return;
    this.entries.push(field);
    this.entriesBytes += size;
  }

  private resize(tableBytes: number): void {
    if (tableBytes > this.limits.tableBytes) throw malformed(`a table of ${tableBytes} bytes was not offered`);
    this.generation++;
    this.tableBytes = tableBytes;
    this.evictTo(tableBytes);
  }

  private evictTo(bytes: number): void {
    while (this.entriesBytes > bytes && this.entries.length > 0) this.entriesBytes -= sizeOf(this.entries.shift()!);
  }

  /** An integer whose first byte has `prefixBits` bits for it. */
  private readInteger(prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    let value = this.nextByte() & mask;
    if (value < mask) return value;
    for (let shift = 0; shift <= 28; shift += 7) {
      const byte = this.nextByte();
      value += (byte & 0x7f) * 2 ** shift;
      if (value > MAX_INTEGER) break;
      if (byte < 0x80) return value;
    }
    throw malformed('a number is too large');
  }

  private nextByte(): number {
    if (this.at >= this.end) throw malformed('the block is cut off');
    return this.bytes[this.at++]!;
  }

  private readString(): string {
    const isHuffman = this.at < this.end && this.bytes[this.at]! >= 0x80;
    const length = this.readInteger(7);
    const start = this.at;
    if (length > this.end - start) throw malformed('a string is cut off');
    this.at = start + length;
    if (!isHuffman) return this.bytes.toString('latin1', start, this.at);
    const text = decodeHuffman(this.bytes, start, this.at);
    if (text === undefined) throw malformed('a Huffman-coded string is not valid');
    return text;
  }
}

const sizeOf = (field: HeaderField): number => field.name.length + field.value.length + FIELD_OVERHEAD_BYTES;

const malformed = (what: string): ConnectionError => new ConnectionError('COMPRESSION_ERROR', `header block: ${what}`);
