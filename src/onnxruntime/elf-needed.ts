/** Which shared libraries an ELF file asks for, read from its dynamic section without loading it. */
import { closeSync, openSync, readSync } from 'node:fs';

const ELF_MAGIC = 0x464c457f;
const CLASS_64 = 2;
const LITTLE_ENDIAN = 1;
const SEGMENT_LOAD = 1;
const SEGMENT_DYNAMIC = 2;
const TAG_NEEDED = 1n;
const TAG_STRING_TABLE = 5n;
const TAG_STRING_BYTES = 10n;
/** Tables of a real library are far smaller; a broken file must not make us read it all. */
const MOST_TABLE_BYTES = 16 << 20;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: bigint;
  readonly byteLength: number;
}

/** Names as in DT_NEEDED, in order (ELF gABI, "Dynamic Section"); undefined when it is not a 64-bit ELF file. */
export function readNeededLibraries(file: string): readonly string[] | undefined {
  const descriptor = openSync(file, 'r');
  try {
    const read = (offset: number, byteLength: number): Buffer => {
      if (byteLength > MOST_TABLE_BYTES) throw new RangeError('a table is too large');
      const bytes = Buffer.alloc(byteLength);
      return bytes.subarray(0, readSync(descriptor, bytes, 0, byteLength, offset));
    };
    return readNeeded(read);
  } catch (thrown) {
    // Offsets of a damaged file lead out of it.
    if (thrown instanceof RangeError) return undefined;
    throw thrown;
  } finally {
    closeSync(descriptor);
  }
}

function readNeeded(read: (offset: number, byteLength: number) => Buffer): readonly string[] | undefined {
  const header = read(0, 64);
  if (header.readUInt32LE(0) !== ELF_MAGIC || header[4] !== CLASS_64 || header[5] !== LITTLE_ENDIAN) return undefined;
  const segments = readSegments(read, header);
  const dynamic = segments.find(({ type }) => type === SEGMENT_DYNAMIC);
  if (dynamic === undefined) return [];
  const bytes = read(dynamic.offset, dynamic.byteLength);
  const entries = Array.from({ length: Math.floor(bytes.length / 16) }, (_, index) => ({
    tag: bytes.readBigInt64LE(index * 16),
    value: bytes.readBigUInt64LE(index * 16 + 8),
  }));
  const numberAt = (tag: bigint): bigint => entries.find((entry) => entry.tag === tag)?.value ?? 0n;
  const tableAddress = numberAt(TAG_STRING_TABLE);
  const holder = segments.find(
    ({ type, address, byteLength }) =>
      type === SEGMENT_LOAD && tableAddress >= address && tableAddress < address + BigInt(byteLength),
  );
  if (holder === undefined) return undefined;
  const table = read(holder.offset + Number(tableAddress - holder.address), Number(numberAt(TAG_STRING_BYTES)));
  return entries
    .filter(({ tag }) => tag === TAG_NEEDED)
    .map(({ value }) => table.toString('utf8', Number(value), table.indexOf(0, Number(value))));
}

function readSegments(read: (offset: number, byteLength: number) => Buffer, header: Buffer): readonly Segment[] {
  const entryBytes = header.readUInt16LE(54);
  const count = header.readUInt16LE(56);
  const table = read(Number(header.readBigUInt64LE(32)), entryBytes * count);
  return Array.from({ length: count }, (_, index) => {
    const at = index * entryBytes;
    return {
      type: table.readUInt32LE(at),
      offset: Number(table.readBigUInt64LE(at + 8)),
      address: table.readBigUInt64LE(at + 16),
      byteLength: Number(table.readBigUInt64LE(at + 32)),
    };
  });
}
