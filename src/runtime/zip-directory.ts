/**
 * Lists the members of a zip archive from its end, with as few reads as can be: the central directory and, before it,
 * the record that says where it lies. Field offsets are those of PKWARE's APPNOTE 6.3, zip64 included.
 */
import { PerfTsError } from '../common/errors.js';
import { type ByteSource, readPiece } from './byte-source.js';

export interface ZipMember {
  readonly name: string;
  readonly method: 'stored' | 'deflated';
  readonly crc32: number;
  readonly compressedBytes: number;
  readonly sizeBytes: number;
  /** Where its local header begins. */
  readonly headerOffset: number;
}

const END_SIGNATURE = 0x06054b50;
const END_BYTES = 22;
const MAX_COMMENT_BYTES = 0xffff;
const LOCATOR64_SIGNATURE = 0x07064b50;
const LOCATOR64_BYTES = 20;
const END64_SIGNATURE = 0x06064b50;
const END64_BYTES = 56;
const ENTRY_SIGNATURE = 0x02014b50;
const ENTRY_BYTES = 46;
const LOCAL_SIGNATURE = 0x04034b50;
const LOCAL_BYTES = 30;
const ZIP64_FIELD = 0x0001;
/** A directory beyond this is no wheel of ours and would be read into memory whole. */
const MAX_DIRECTORY_BYTES = 64 * 1024 * 1024;
const IS_ENCRYPTED = 1;
const methods: Readonly<Record<number, ZipMember['method']>> = { 0: 'stored', 8: 'deflated' };

/**
 * All members that can be read; encrypted ones and other compressions are left out.
 * @throws PerfTsError BAD_FILE when this is not a zip archive or is cut short.
 */
export async function readZipDirectory(source: ByteSource): Promise<readonly ZipMember[]> {
  if (source.sizeBytes < END_BYTES) throw broken(source, 'it is too short to be a wheel');
  const tailBytes = Math.min(source.sizeBytes, END_BYTES + MAX_COMMENT_BYTES + LOCATOR64_BYTES);
  const tailOffset = source.sizeBytes - tailBytes;
  const tail = await readPiece(source, tailOffset, tailBytes);
  const end = tail.lastIndexOf(signatureBytes(END_SIGNATURE), tail.length - END_BYTES);
  if (end < 0) throw broken(source, 'it is not a zip archive, or its end is missing');
  const { offset, length } = await locateDirectory(source, tail, end);
  if (length > MAX_DIRECTORY_BYTES || offset + length > tailOffset + end) {
    throw broken(source, 'its list of members lies outside the file');
  }
  // A short directory is mostly in the tail that was read already.
  const directory =
    offset >= tailOffset
      ? tail.subarray(offset - tailOffset, offset - tailOffset + length)
      : await readPiece(source, offset, length);
  return readEntries(source, directory);
}

interface Extent {
  readonly offset: number;
  readonly length: number;
}

async function locateDirectory(source: ByteSource, tail: Buffer, end: number): Promise<Extent> {
  const length = tail.readUInt32LE(end + 12);
  const offset = tail.readUInt32LE(end + 16);
  if (offset !== 0xffff_ffff && length !== 0xffff_ffff) return { offset, length };
  const locator = end - LOCATOR64_BYTES;
  if (locator < 0 || tail.readUInt32LE(locator) !== LOCATOR64_SIGNATURE) return { offset, length };
  const end64Offset = Number(tail.readBigUInt64LE(locator + 8));
  if (end64Offset + END64_BYTES > source.sizeBytes) throw broken(source, 'its zip64 record lies outside the file');
  const end64 = await readPiece(source, end64Offset, END64_BYTES);
  if (end64.readUInt32LE(0) !== END64_SIGNATURE) throw broken(source, 'its zip64 record is damaged');
  return { length: Number(end64.readBigUInt64LE(40)), offset: Number(end64.readBigUInt64LE(48)) };
}

function readEntries(source: ByteSource, directory: Buffer): ZipMember[] {
  const members: ZipMember[] = [];
  let at = 0;
  while (at + ENTRY_BYTES <= directory.length) {
    if (directory.readUInt32LE(at) !== ENTRY_SIGNATURE) throw broken(source, 'its list of members is damaged');
    const nameEnd = at + ENTRY_BYTES + directory.readUInt16LE(at + 28);
    const extraEnd = nameEnd + directory.readUInt16LE(at + 30);
    const next = extraEnd + directory.readUInt16LE(at + 32);
    if (next > directory.length) throw broken(source, 'its list of members is cut short');
    const method = methods[directory.readUInt16LE(at + 10)];
    const isEncrypted = (directory.readUInt16LE(at + 8) & IS_ENCRYPTED) !== 0;
    if (method !== undefined && !isEncrypted) {
      members.push({
        name: directory.toString('utf8', at + ENTRY_BYTES, nameEnd),
        method,
        crc32: directory.readUInt32LE(at + 16),
        ...widenSizes(directory, at, directory.subarray(nameEnd, extraEnd)),
      });
    }
    at = next;
  }
  return members;
}

/** Sizes that do not fit 32 bits stand in the zip64 field, in this order and only those that do not fit. */
function widenSizes(
  directory: Buffer,
  at: number,
  extra: Buffer,
): Pick<ZipMember, 'sizeBytes' | 'compressedBytes' | 'headerOffset'> {
  const wide = findExtraField(extra, ZIP64_FIELD);
  let place = 0;
  const take = (narrow: number): number => {
    if (narrow !== 0xffff_ffff || wide === undefined || place + 8 > wide.length) return narrow;
    place += 8;
    return Number(wide.readBigUInt64LE(place - 8));
  };
  const sizeBytes = take(directory.readUInt32LE(at + 24));
  const compressedBytes = take(directory.readUInt32LE(at + 20));
  return { sizeBytes, compressedBytes, headerOffset: take(directory.readUInt32LE(at + 42)) };
}

function findExtraField(extra: Buffer, id: number): Buffer | undefined {
  let at = 0;
  while (at + 4 <= extra.length) {
    const length = extra.readUInt16LE(at + 2);
    if (extra.readUInt16LE(at) === id) return extra.subarray(at + 4, at + 4 + length);
    at += 4 + length;
  }
  return undefined;
}

/**
 * Where a member's bytes begin: behind its local header, whose length only that header tells.
 * @throws PerfTsError BAD_FILE when there is no header at that place.
 */
export async function findMemberBytes(source: ByteSource, member: ZipMember): Promise<number> {
  if (member.headerOffset + LOCAL_BYTES + member.compressedBytes > source.sizeBytes) {
    throw broken(source, `its member ${member.name} lies outside the file`);
  }
  const header = await readPiece(source, member.headerOffset, LOCAL_BYTES);
  if (header.readUInt32LE(0) !== LOCAL_SIGNATURE) throw broken(source, `its member ${member.name} is damaged`);
  return member.headerOffset + LOCAL_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
}

function signatureBytes(signature: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(signature);
  return bytes;
}

/** The error for a wheel that cannot be read. */
export function broken(source: Pick<ByteSource, 'name'>, what: string): PerfTsError {
  return new PerfTsError('BAD_FILE', {
    where: source.name,
    what: `cannot read this wheel: ${what}`,
    hint: 'fetch it again; nothing was installed',
  });
}
