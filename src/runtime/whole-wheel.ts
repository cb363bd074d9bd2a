/**
 * Fetches a whole wheel into a file. A transfer that breaks goes on where it stopped, in a later run too; what counts is the
 * SHA-256 of the whole file, where the index publishes one.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PerfTsError } from '../common/errors.js';
import { type ByteSource, openFileSource } from './byte-source.js';
import { unwritableData } from './data-fault.js';
import { type HttpAnswer, showUrl, unreachable } from './http-fetch.js';
import { describeStatus, type IndexFile } from './package-index.js';
import type { WheelAccess } from './wheel-source.js';

export const MAX_ATTEMPTS = 4;

/**
 * The file stays at its place when the source is closed, until it is told to `forget`.
 * @throws PerfTsError RUNTIME_UNUSABLE when the server does not give the file, BAD_FILE when its hash is wrong,
 * OUTPUT_UNWRITABLE when it cannot be kept.
 */
export async function openWholeWheel(file: IndexFile, access: WheelAccess): Promise<ByteSource> {
  const { wholeFilePath: path } = access;
  await makeFolder(path);
  // What cannot be told from another file's is no beginning of this one.
  if (file.sha256 === undefined) await rm(path, { force: true });
  const kept = await sizeOf(path);
  await fetchRest(file, access);
  if (!(await isPublished(file, path)) && kept > 0) {
    // An earlier run may have left something bad: then, and only then, everything is fetched a second time.
    await rm(path, { force: true });
    await fetchRest(file, access);
  }
  await requirePublished(file, path);
  const source = await openFileSource(path, file.filename);
  return { ...source, forget: () => rm(path, { force: true }) };
}

interface Transfer {
  doneBytes: number;
  /** Sent as If-Range, so that a file that was replaced meanwhile is sent anew. */
  validator: string | undefined;
  restarts: number;
}

/** Until the server has sent all of it. */
async function fetchRest(file: IndexFile, access: WheelAccess): Promise<void> {
  const { http, wholeFilePath: path } = access;
  const transfer: Transfer = { doneBytes: await sizeOf(path), validator: undefined, restarts: 0 };
  for (let attempt = 1; ; attempt++) {
    const before = transfer.doneBytes;
    try {
      if (await fetchOnce(file, access, transfer)) return;
    } catch (cause) {
      if (cause instanceof PerfTsError || attempt >= MAX_ATTEMPTS) throw unreachable(file.url, cause);
    }
    if (attempt >= MAX_ATTEMPTS || transfer.restarts >= MAX_ATTEMPTS) {
      throw refused(file, 'it ended the transfer early, again and again');
    }
    // A connection that breaks now and then is no reason to give up on a long transfer.
    if (transfer.doneBytes > before) attempt = 0;
    await http.pause(Math.max(attempt, 1));
  }
}

/** Whether the end was reached. */
async function fetchOnce(file: IndexFile, access: WheelAccess, transfer: Transfer): Promise<boolean> {
  const { http, wholeFilePath: path, onWholeFile } = access;
  const { doneBytes: from, validator } = transfer;
  const answer = await http.get(file.url, {
    ...(from > 0 && { range: `bytes=${from}-`, ...(validator !== undefined && { 'if-range': validator }) }),
  });
  // Nothing lies behind what is here.
  if (answer.status === 416 && from > 0) {
    await answer.discard();
    return true;
  }
  const isRest = answer.status === 206 && startOf(answer) === from;
  if (!isRest && answer.status !== 200) {
    await answer.discard();
    throw refused(file, describeStatus(answer.status));
  }
  if (!isRest && from > 0) {
    transfer.restarts++;
    transfer.doneBytes = 0;
  }
  transfer.validator = validatorOf(answer);
  const length = Number(answer.header('content-length') ?? Number.NaN);
  const total = Number.isFinite(length) ? transfer.doneBytes + length : undefined;
  const target = await openForWriting(path, isRest);
  try {
    for await (const piece of answer.body) {
      await writePiece(target, path, piece);
      transfer.doneBytes += piece.length;
      onWholeFile?.(transfer.doneBytes, total);
    }
  } finally {
    await target.close();
  }
  return total === undefined || transfer.doneBytes >= total;
}

const startOf = (answer: HttpAnswer): number | undefined => {
  const start = /^bytes (\d+)-/.exec(answer.header('content-range') ?? '')?.[1];
  return start === undefined ? undefined : Number(start);
};

export function validatorOf(answer: HttpAnswer): string | undefined {
  const etag = answer.header('etag');
  return etag !== undefined && !etag.startsWith('W/') ? etag : answer.header('last-modified');
}

async function writePiece(target: FileHandle, path: string, piece: Uint8Array): Promise<void> {
  await target.write(piece).catch(async (cause: unknown) => {
    // On a full disk it would only be in the way.
    await rm(path, { force: true });
    throw unwritableData(path, cause);
  });
}

async function isPublished({ sha256 }: IndexFile, path: string): Promise<boolean> {
  return sha256 === undefined || (await hashOf(path)) === sha256.toLowerCase();
}

async function requirePublished(file: IndexFile, path: string): Promise<void> {
  if (await isPublished(file, path)) return;
  const sum = await hashOf(path);
  await rm(path, { force: true });
  throw new PerfTsError('BAD_FILE', {
    where: file.filename,
    what: `the download is not what the index promised: its SHA-256 is ${sum}, not ${file.sha256}`,
    hint: 'try again; if it stays so, ask whoever runs the index. Nothing was installed',
  });
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash.digest('hex');
}

const sizeOf = async (path: string): Promise<number> => (await stat(path).catch(() => undefined))?.size ?? 0;

async function makeFolder(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true }).catch((cause: unknown) => {
    throw unwritableData(path, cause);
  });
}

async function openForWriting(path: string, isRest: boolean): Promise<FileHandle> {
  return open(path, isRest ? 'a' : 'w').catch((cause: unknown) => {
    throw unwritableData(path, cause);
  });
}

export function refused({ url }: IndexFile, what: string): PerfTsError {
  return new PerfTsError('RUNTIME_UNUSABLE', {
    where: showUrl(url),
    what: `cannot fetch this file: ${what}`,
    hint: 'try again; what was fetched so far is kept. --find-links DIR installs from wheels on disk',
  });
}
