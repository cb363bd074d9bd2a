/**
 * Opens a wheel on a server for reading in places. Where the server answers ranges, only what is read is fetched;
 * where it does not, the whole file is fetched once and checked against its published hash.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PerfTsError } from '../common/errors.js';
import { type ByteSource, openFileSource } from './byte-source.js';
import { unwritableData } from './data-fault.js';
import { type HttpAnswer, type HttpFetch, showUrl, unreachable } from './http-fetch.js';
import { describeStatus, type IndexFile } from './package-index.js';

export interface WheelAccess {
  readonly http: HttpFetch;
  /** Where a whole file goes when ranges are not to be had. */
  readonly wholeFilePath: string;
  /** Told the bytes of a whole file as they come, and how many there will be. */
  readonly onWholeFile?: (doneBytes: number, totalBytes: number | undefined) => void;
}

const MAX_ATTEMPTS = 4;
/** Enough for the end record and, in most wheels, the whole list of members. */
const TAIL_BYTES = 65_536;

/**
 * @throws PerfTsError RUNTIME_UNUSABLE when the server does not give the file, BAD_FILE when its hash is wrong,
 * OUTPUT_UNWRITABLE when a whole file cannot be kept.
 */
export async function openRemoteWheel(file: IndexFile, access: WheelAccess): Promise<ByteSource> {
  const answer = await access.http.get(file.url, { range: `bytes=-${TAIL_BYTES}` });
  if (answer.status === 200) return keepWholeFile(file, answer, access);
  const total = answer.status === 206 ? totalOf(answer) : undefined;
  if (total === undefined) {
    await answer.discard();
    if (answer.status === 206) return keepWholeFile(file, await access.http.get(file.url), access);
    throw refused(file, describeStatus(answer.status));
  }
  await answer.discard();
  const etag = answer.header('etag');
  const validator = etag !== undefined && !etag.startsWith('W/') ? etag : answer.header('last-modified');
  return {
    name: file.filename,
    identity: [file.sha256 ?? showUrl(file.url), validator ?? '', total].join(' '),
    sizeBytes: total,
    isRemote: true,
    read: (offset, length) => readRange(file, access.http, { offset, length, total, validator }),
    close: async () => undefined,
  };
}

const totalOf = (answer: HttpAnswer): number | undefined => {
  const total = /^bytes \d+-\d+\/(\d+)$/.exec(answer.header('content-range') ?? '')?.[1];
  return total === undefined ? undefined : Number(total);
};

interface Range {
  readonly offset: number;
  readonly length: number;
  readonly total: number;
  /** Sent as If-Range, so that a file that was replaced meanwhile is noticed. */
  readonly validator: string | undefined;
}

async function* readRange(file: IndexFile, http: HttpFetch, range: Range): AsyncGenerator<Uint8Array> {
  let done = 0;
  for (let attempt = 1; done < range.length; attempt++) {
    const before = done;
    try {
      for await (const piece of requestRange(file, http, range, done)) {
        done += piece.length;
        yield piece;
      }
      if (done === range.length) return;
    } catch (cause) {
      if (cause instanceof PerfTsError || attempt >= MAX_ATTEMPTS) throw unreachable(file.url, cause);
    }
    if (attempt >= MAX_ATTEMPTS) throw refused(file, 'it ended the transfer early, again and again');
    // A connection that breaks now and then is no reason to give up on a long transfer.
    if (done > before) attempt = 0;
    await http.pause(Math.max(attempt, 1));
  }
}

async function* requestRange(
  file: IndexFile,
  http: HttpFetch,
  { offset, length, total, validator }: Range,
  done: number,
): AsyncGenerator<Uint8Array> {
  const answer = await http.get(file.url, {
    range: `bytes=${offset + done}-${offset + length - 1}`,
    ...(validator === undefined ? {} : { 'if-range': validator }),
  });
  if (answer.status !== 206 || totalOf(answer) !== total) {
    await answer.discard();
    throw refused(
      file,
      answer.status === 200 || answer.status === 206
        ? 'the file changed while it was being fetched'
        : describeStatus(answer.status),
    );
  }
  let left = length - done;
  for await (const piece of answer.body) {
    const wanted = piece.length <= left ? piece : piece.subarray(0, left);
    left -= wanted.length;
    yield wanted;
    if (left === 0) return answer.discard();
  }
}

async function keepWholeFile(file: IndexFile, answer: HttpAnswer, access: WheelAccess): Promise<ByteSource> {
  const { wholeFilePath: path } = access;
  try {
    await fetchWhole(file, answer, access);
    const source = await openFileSource(path, file.filename);
    return {
      ...source,
      async close() {
        await source.close();
        await rm(path, { force: true });
      },
    };
  } catch (cause) {
    await rm(path, { force: true });
    throw cause;
  }
}

async function fetchWhole(file: IndexFile, answer: HttpAnswer, { wholeFilePath, onWholeFile }: WheelAccess) {
  const length = Number(answer.header('content-length') ?? Number.NaN);
  const total = Number.isFinite(length) ? length : undefined;
  const hash = createHash('sha256');
  let done = 0;
  const target = await openForWriting(wholeFilePath);
  try {
    for await (const piece of transferOf(file, answer)) {
      hash.update(piece);
      await target.write(piece).catch((cause: unknown) => {
        throw unwritableData(wholeFilePath, cause);
      });
      done += piece.length;
      onWholeFile?.(done, total);
    }
  } finally {
    await target.close();
  }
  const sum = hash.digest('hex');
  if (total !== undefined && done !== total) throw refused(file, `it sent ${done} of ${total} bytes`);
  if (file.sha256 !== undefined && sum !== file.sha256) {
    throw new PerfTsError('BAD_FILE', {
      where: file.filename,
      what: `the download is not what the index promised: its SHA-256 is ${sum}, not ${file.sha256}`,
      hint: 'try again; if it stays so, ask whoever runs the index. Nothing was installed',
    });
  }
}

async function openForWriting(path: string) {
  try {
    await mkdir(dirname(path), { recursive: true });
    return await open(path, 'w');
  } catch (cause) {
    throw unwritableData(path, cause);
  }
}

/** A body whose faults are told as the server's. */
async function* transferOf(file: IndexFile, answer: HttpAnswer): AsyncGenerator<Uint8Array> {
  const pieces = answer.body[Symbol.asyncIterator]();
  for (;;) {
    const next = await pieces.next().catch((cause: unknown) => {
      throw unreachable(file.url, cause);
    });
    if (next.done) return;
    yield next.value;
  }
}

function refused({ url }: IndexFile, what: string): PerfTsError {
  return new PerfTsError('RUNTIME_UNUSABLE', {
    where: showUrl(url),
    what: `cannot fetch this file: ${what}`,
    hint: 'try again; what was fetched so far is kept. --find-links DIR installs from wheels on disk',
  });
}
