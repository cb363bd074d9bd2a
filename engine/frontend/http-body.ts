/** Reads the body of an HTTP request: bounded, and unpacked when it came compressed. */
import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { unzip } from 'node:zlib';

/** A body that is refused; `status` is the HTTP status to answer with. */
export class RefusedBody extends Error {
  override readonly name = 'RefusedBody';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const unpack = promisify<Buffer, { maxOutputLength: number }, Buffer>(unzip);

const tooLarge = (limitBytes: number): RefusedBody =>
  new RefusedBody(413, `the body is larger than ${limitBytes} bytes; --http-max-input-size sets the limit`);

/** The whole body. Throws RefusedBody for one that is larger than `limitBytes`, packed or unpacked, or badly packed. */
export async function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (!['identity', 'gzip', 'deflate'].includes(encoding)) {
    throw new RefusedBody(415, `the content encoding '${encoding}' is not supported, only gzip and deflate`);
  }
  const packed = await collect(request, limitBytes);
  if (encoding === 'identity') return packed;
  try {
    return await unpack(packed, { maxOutputLength: limitBytes });
  } catch (thrown) {
    if (thrown instanceof RangeError) throw tooLarge(limitBytes);
    throw new RefusedBody(400, `the body is not valid ${encoding}`);
  }
}

function collect(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) return Promise.reject(tooLarge(limitBytes));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limitBytes) chunks.push(chunk);
      else {
        chunks.length = 0;
        reject(tooLarge(limitBytes));
      }
    });
    request.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    request.on('error', () => reject(new RefusedBody(400, 'the body was cut off')));
  });
}
