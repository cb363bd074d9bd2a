/**
 * Takes one member out of a wheel. What comes over the network is kept as it came, compressed, so that a transfer
 * that was cut short goes on where it stopped; a CRC-32 over the unpacked bytes decides whether it is right.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32, createInflateRaw } from 'node:zlib';
import { messageOf } from '../common/errors.js';
import type { ByteSource } from './byte-source.js';
import { unwritableData } from './data-fault.js';
import { through } from './through.js';
import { broken, findMemberBytes, type ZipMember } from './zip-directory.js';

export interface ExtractOptions {
  /** Folder of parts fetched earlier. */
  readonly partsFolder: string;
  /** Told how many of the member's compressed bytes are here now. */
  readonly onProgress?: (doneBytes: number) => void;
}

/** Where the part of a member is kept; the same wheel content gives the same place. */
export function partPath(partsFolder: string, source: Pick<ByteSource, 'identity'>, member: ZipMember): string {
  const text = [source.identity, member.name, member.crc32, member.compressedBytes].join('\n');
  return join(partsFolder, `${createHash('sha256').update(text).digest('hex').slice(0, 32)}.part`);
}

/** Bytes of a member that an earlier attempt left behind. */
export async function keptBytes(partsFolder: string, source: ByteSource, member: ZipMember): Promise<number> {
  if (!source.isRemote) return 0;
  const size = (await stat(partPath(partsFolder, source, member)).catch(() => undefined))?.size ?? 0;
  return size <= member.compressedBytes ? size : 0;
}

/** Removes the part of a member, once all that it was fetched for is in its place. */
export const forgetPart = (partsFolder: string, source: ByteSource, member: ZipMember): Promise<void> =>
  rm(partPath(partsFolder, source, member), { force: true });

/**
 * Writes the member to `path`; what was fetched for it stays as its part.
 * @throws PerfTsError BAD_FILE when it does not come out as its wheel says, RUNTIME_UNUSABLE when it cannot be
 * fetched, OUTPUT_UNWRITABLE when the disk refuses it.
 */
export async function extractMember(
  source: ByteSource,
  member: ZipMember,
  path: string,
  options: ExtractOptions,
): Promise<void> {
  if (!source.isRemote) {
    const offset = await findMemberBytes(source, member);
    const pieces = told(source.read(offset, member.compressedBytes), 0, options.onProgress);
    const fault = await unpack(pieces, member, path);
    if (fault !== undefined) throw broken(source, `${member.name} is damaged: ${fault}`);
    return;
  }
  const part = partPath(options.partsFolder, source, member);
  // A part left by an earlier attempt may be bad: then, and only then, everything is fetched a second time.
  for (let isSecond = false; ; isSecond = true) {
    const kept = await keptBytes(options.partsFolder, source, member);
    await fetchPart(source, member, part, kept, options.onProgress);
    const fault = await unpack(createReadStream(part), member, path);
    if (fault === undefined) return;
    await rm(part, { force: true });
    if (kept === 0 || isSecond) throw broken(source, `${member.name} is damaged: ${fault}`);
  }
}

async function* told(
  pieces: AsyncIterable<Uint8Array>,
  kept: number,
  onProgress: ExtractOptions['onProgress'],
): AsyncGenerator<Uint8Array> {
  let done = kept;
  for await (const piece of pieces) {
    done += piece.length;
    onProgress?.(done);
    yield piece;
  }
}

async function fetchPart(
  source: ByteSource,
  member: ZipMember,
  part: string,
  kept: number,
  onProgress: ExtractOptions['onProgress'],
): Promise<void> {
  const left = member.compressedBytes - kept;
  if (kept > 0) onProgress?.(kept);
  if (left === 0) return;
  const offset = (await findMemberBytes(source, member)) + kept;
  await mkdir(dirname(part), { recursive: true }).catch((cause: unknown) => {
    throw unwritableData(part, cause);
  });
  const file = await open(part, kept > 0 ? 'a' : 'w').catch((cause: unknown) => {
    throw unwritableData(part, cause);
  });
  try {
    for await (const piece of told(source.read(offset, left), kept, onProgress)) {
      await file.write(piece).catch(async (cause: unknown) => {
        // On a full disk the part would only be in the way.
        await rm(part, { force: true });
        throw unwritableData(part, cause);
      });
    }
  } finally {
    await file.close();
  }
}

/** Unpacks into `path` and flushes it; answers what is wrong with the bytes, if anything. */
async function unpack(packed: AsyncIterable<Uint8Array>, member: ZipMember, path: string): Promise<string | undefined> {
  const file = await open(path, 'wx', 0o644).catch((cause: unknown) => {
    throw unwritableData(path, cause);
  });
  let sum = 0;
  let sizeBytes = 0;
  let fault: string | undefined;
  try {
    for await (const piece of inflated(packed, member)) {
      sum = crc32(piece, sum);
      sizeBytes += piece.length;
      if (sizeBytes > member.sizeBytes) break;
      await file.write(piece).catch((cause: unknown) => {
        throw unwritableData(path, cause);
      });
    }
    await file.sync();
  } catch (cause) {
    // zlib's own faults are about the bytes; all others are already in words.
    if (!(cause instanceof Error && 'errno' in cause && /^Z_/.test(String((cause as { code?: unknown }).code))))
      throw cause;
    fault = `it cannot be unpacked (${messageOf(cause)})`;
  } finally {
    await file.close();
  }
  if (fault === undefined && sizeBytes !== member.sizeBytes) {
    fault =
      sizeBytes > member.sizeBytes
        ? `it unpacks to more than its ${member.sizeBytes} bytes`
        : `it unpacks to ${sizeBytes} of ${member.sizeBytes} bytes`;
  }
  if (fault === undefined && sum !== member.crc32) fault = 'its CRC-32 is wrong';
  if (fault !== undefined) await rm(path, { force: true });
  return fault;
}

function inflated(packed: AsyncIterable<Uint8Array>, { method }: ZipMember): AsyncIterable<Uint8Array> {
  if (method === 'stored') return packed;
  return through(packed, createInflateRaw());
}
