/** Reads the body of an HTTP request: bounded, and unpacked when it came compressed. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { unzip } from 'node:zlib';
import { INFERENCE_HEADER_LENGTH } from '../../src/kserve/http-codec.js';

/** A body that is refused; `status` is the HTTP status to answer with. */
export class RefusedBody extends Error {
  override readonly name = 'RefusedBody';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** As much as gRPC requests may take. */
const MAX_BODIES_BYTES = 2 ** 31;

/** What bodies may take: each, and all of a front end that are being received or answered. */
export class BodyLimits {
  readonly eachBytes: number;
  private leftBytes: number;

  constructor(eachBytes: number, allBytes = MAX_BODIES_BYTES) {
    this.eachBytes = eachBytes;
    this.leftBytes = allBytes;
  }

  /** False when there is no room for that many bytes. */
  take(count: number): boolean {
    if (count > this.leftBytes) return false;
    this.leftBytes -= count;
    return true;
  }

  giveBack(count: number): void {
    this.leftBytes += count;
  }
}

const unpack = promisify<Buffer, { maxOutputLength: number }, Buffer>(unzip);

const tooLarge = (limitBytes: number): RefusedBody =>
  new RefusedBody(413, `the body is larger than ${limitBytes} bytes; --http-max-input-size sets the limit`);

/**
 * The whole body; it counts against the limits until the response is over. Throws RefusedBody for one that is too large,
 * packed or unpacked, badly packed, or more than there is room for.
 */
export async function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  limits: BodyLimits,
): Promise<Buffer> {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (!['identity', 'gzip', 'deflate'].includes(encoding)) {
    throw new RefusedBody(415, `the content encoding '${encoding}' is not supported, only gzip and deflate`);
  }
  let taken = 0;
  const take = (count: number): boolean => {
    const hasRoom = !response.destroyed && limits.take(count);
    if (hasRoom) taken += count;
    return hasRoom;
  };
  response.once('close', () => limits.giveBack(taken));
  const packed = await collect(request, limits.eachBytes, take);
  if (encoding === 'identity') return packed;
  try {
    const body = await unpack(packed, { maxOutputLength: limits.eachBytes });
    if (!take(body.length)) throw noRoom();
    return body;
  } catch (thrown) {
    if (thrown instanceof RefusedBody) throw thrown;
    if (thrown instanceof RangeError) throw tooLarge(limits.eachBytes);
    throw new RefusedBody(400, `the body is not valid ${encoding}`);
  }
}

const noRoom = (): RefusedBody => new RefusedBody(503, 'no memory left for request bodies');

function collect(request: IncomingMessage, limitBytes: number, take: (count: number) => boolean): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) return Promise.reject(tooLarge(limitBytes));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const refuse = (refusal: RefusedBody): void => {
      chunks.length = 0;
      reject(refusal);
    };
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limitBytes) refuse(tooLarge(limitBytes));
      else if (take(chunk.length)) chunks.push(chunk);
      else refuse(noRoom());
    });
    request.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : join(chunks, size, jsonBytesOf(request))));
    request.on('error', () => reject(new RefusedBody(400, 'the body was cut off')));
  });
}

/** As memory of its own begins at least. */
const ALIGNMENT = 16;

/** What comes before binary tensors; 0 where none do. */
function jsonBytesOf({ headers }: IncomingMessage): number {
  const length = Number(headers[INFERENCE_HEADER_LENGTH] ?? 0);
  return Number.isSafeInteger(length) ? length : 0;
}

/** The chunks as one, put so that what follows the JSON lies aligned: tensors are then used where they are. */
function join(chunks: readonly Buffer[], size: number, jsonBytes: number): Buffer {
  const lead = -jsonBytes & (ALIGNMENT - 1);
  const whole = Buffer.allocUnsafeSlow(lead + size);
  let at = lead;
  for (const chunk of chunks) at += chunk.copy(whole, at);
  return whole.subarray(lead);
}
