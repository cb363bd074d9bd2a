/** Writes zip archives for tests, good and bad ones, by the layout in PKWARE's APPNOTE. */
import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipEntry {
  readonly name: string;
  readonly content: Uint8Array;
  readonly isStored?: boolean;
  /** Written instead of the right one. */
  readonly crc32?: number;
}

export interface ZipForm {
  readonly comment?: string;
  /** Every size and offset in the zip64 fields. */
  readonly isZip64?: boolean;
}

const MARK = 0xffff_ffff;

export function writeZip(entries: readonly ZipEntry[], { comment = '', isZip64 = false }: ZipForm = {}): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  const push = (part: Buffer): void => {
    parts.push(part);
    at += part.length;
  };
  for (const { name, content, isStored = false, crc32: given } of entries) {
    const packed = isStored ? Buffer.from(content) : deflateRawSync(content, { level: 1 });
    const nameBytes = Buffer.from(name);
    const sum = given ?? crc32(content);
    const offset = at;
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(isStored ? 0 : 8, 8);
    local.writeUInt16LE(nameBytes.length, 26);
    // Some writers put another extra field here than in the directory.
    local.writeUInt16LE(4, 28);
    push(Buffer.concat([local, nameBytes, Buffer.from([1, 2, 0, 0]), packed]));
    const extra = isZip64 ? zip64Field([content.length, packed.length, offset]) : Buffer.alloc(0);
    const head = Buffer.alloc(46);
    head.writeUInt32LE(0x02014b50, 0);
    head.writeUInt16LE(isStored ? 0 : 8, 10);
    head.writeUInt32LE(sum, 16);
    head.writeUInt32LE(isZip64 ? MARK : packed.length, 20);
    head.writeUInt32LE(isZip64 ? MARK : content.length, 24);
    head.writeUInt16LE(nameBytes.length, 28);
    head.writeUInt16LE(extra.length, 30);
    head.writeUInt32LE(isZip64 ? MARK : offset, 42);
    directory.push(Buffer.concat([head, nameBytes, extra]));
  }
  const listing = Buffer.concat(directory);
  const listingOffset = at;
  push(listing);
  if (isZip64) push(zip64End(listing.length, listingOffset, at));
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt32LE(isZip64 ? MARK : listing.length, 12);
  end.writeUInt32LE(isZip64 ? MARK : listingOffset, 16);
  end.writeUInt16LE(comment.length, 20);
  push(Buffer.concat([end, Buffer.from(comment)]));
  return Buffer.concat(parts);
}

function zip64Field(values: readonly number[]): Buffer {
  const field = Buffer.alloc(4 + 8 * values.length);
  field.writeUInt16LE(1, 0);
  field.writeUInt16LE(8 * values.length, 2);
  values.forEach((value, index) => {
    field.writeBigUInt64LE(BigInt(value), 4 + 8 * index);
  });
  return field;
}

function zip64End(length: number, offset: number, at: number): Buffer {
  const record = Buffer.alloc(56 + 20);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(BigInt(length), 40);
  record.writeBigUInt64LE(BigInt(offset), 48);
  record.writeUInt32LE(0x07064b50, 56);
  record.writeBigUInt64LE(BigInt(at), 56 + 8);
  return record;
}
