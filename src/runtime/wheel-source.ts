/**
 * Opens a wheel on a server for reading in places. What the index publishes a hash for is fetched whole and checked. Without a
 * hash the connection must vouch for it, and only what is read is fetched where the server answers ranges.
 */
import { PerfTsError } from '../common/errors.js';
import type { ByteSource } from './byte-source.js';
import { type HttpAnswer, type HttpFetch, showUrl, unreachable } from './http-fetch.js';
import { describeStatus, type IndexFile } from './package-index.js';
import { MAX_ATTEMPTS, openWholeWheel, refused, validatorOf } from './whole-wheel.js';

export interface WheelAccess {
  readonly http: HttpFetch;
  /** Where a whole file goes; the same for the same hash, so that a later run can go on with it. */
  readonly wholeFilePath: string;
  /** Told the bytes of a whole file as they come, and how many there will be. */
  readonly onWholeFile?: (doneBytes: number, totalBytes: number | undefined) => void;
}

/** Enough for the end record and, in most wheels, the whole list of members. */
const TAIL_BYTES = 65_536;

/**
 * @throws PerfTsError RUNTIME_UNUSABLE when the server does not give the file or nothing vouches for it, BAD_FILE when its hash
 * is wrong, OUTPUT_UNWRITABLE when a whole file cannot be kept.
 */
export async function openRemoteWheel(file: IndexFile, access: WheelAccess): Promise<ByteSource> {
  if (file.sha256 !== undefined) return openWholeWheel(file, access);
  requireTrusted(file);
  const answer = await access.http.get(file.url, { range: `bytes=-${TAIL_BYTES}` });
  const total = answer.status === 206 ? totalOf(answer) : undefined;
  if (total === undefined) {
    await answer.discard();
    if (answer.status === 200 || answer.status === 206) return openWholeWheel(file, access);
    throw refused(file, describeStatus(answer.status));
  }
  await answer.discard();
  const validator = validatorOf(answer);
  return {
    name: file.filename,
    identity: [showUrl(file.url), validator ?? '', total].join(' '),
    sizeBytes: total,
    isRemote: true,
    read: (offset, length) => readRange(file, access.http, { offset, length, total, validator }),
    close: async () => undefined,
  };
}

/** Anyone on the way can change what comes in plain text. */
function requireTrusted({ url, filename }: IndexFile): void {
  const { protocol, hostname } = new URL(url);
  const isLoopback = hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
  if (protocol === 'https:' || isLoopback) return;
  throw new PerfTsError('RUNTIME_UNUSABLE', {
    where: showUrl(url),
    what: `nothing vouches for ${filename}: the index publishes no SHA-256 for it, and it comes over plain http`,
    hint: 'use an index over https or one that publishes hashes, or fetch the wheel yourself and install it with --find-links DIR --no-index',
  });
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
