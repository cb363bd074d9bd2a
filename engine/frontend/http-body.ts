/** Reads the body of an HTTP request: bounded, and unpacked when it came compressed. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createUnzip } from 'node:zlib';
import { type MessagePieces, PieceCollector } from './pieces/message-pieces.js';
import { isTooLarge, unpackPieces } from './pieces/unpack-pieces.js';

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

const tooLarge = (limitBytes: number): RefusedBody =>
  new RefusedBody(413, `the body is larger than ${limitBytes} bytes; --http-max-input-size sets the limit`);

const noRoom = (): RefusedBody => new RefusedBody(503, 'no memory left for request bodies');

/** The whole body, in one piece; see `readPieces`. */
export const readBody = async (
  request: IncomingMessage,
  response: ServerResponse,
  limits: BodyLimits,
): Promise<Buffer> => (await readPieces(request, response, limits)).join();

/**
 * The whole body, in the pieces that it came or was unpacked in; it counts against the limits until the response is over.
 * Throws RefusedBody for one that is too large, packed or unpacked, badly packed, or more than there is room for.
 */
export async function readPieces(
  request: IncomingMessage,
  response: ServerResponse,
  limits: BodyLimits,
): Promise<MessagePieces> {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (!['identity', 'gzip', 'deflate'].includes(encoding)) {
    throw new RefusedBody(501, 'Unsupported compression type');
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
  const body = await unpack(packed.join(), encoding, limits.eachBytes);
  if (!take(body.byteLength)) throw noRoom();
  return body;
}

function unpack(packed: Buffer, encoding: string, limitBytes: number): Promise<MessagePieces> {
  return new Promise((resolve, reject) => {
    unpackPieces(createUnzip, packed, limitBytes, (body, error) => {
      if (body !== undefined) resolve(body);
      else if (isTooLarge(error)) reject(tooLarge(limitBytes));
      else reject(new RefusedBody(400, `the body is not valid ${encoding}`));
    });
  });
}

function collect(
  request: IncomingMessage,
  limitBytes: number,
  take: (count: number) => boolean,
): Promise<MessagePieces> {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) return Promise.reject(tooLarge(limitBytes));
  return new Promise((resolve, reject) => {
    const collector = new PieceCollector();
    let size = 0;
    const refuse = (refusal: RefusedBody): void => {
      collector.clear();
      reject(refusal);
    };
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limitBytes) refuse(tooLarge(limitBytes));
      else if (take(chunk.length)) collector.add(chunk, 0, chunk.length, true);
      else refuse(noRoom());
    });
    request.on('end', () => resolve(collector.take()));
    request.on('error', () => reject(new RefusedBody(400, 'the body was cut off')));
  });
}
