/** Decompresses into pieces, which stay as the decompressor made them, and never beyond a limit. */
import type { Buffer } from 'node:buffer';
import type { Transform } from 'node:stream';
import type { ZlibOptions } from 'node:zlib';
import { type MessagePieces, PieceCollector } from './message-pieces.js';

/** What large messages are unpacked to: each piece is a turn of the thread pool. */
const LARGE_PIECE_BYTES = 65_536;
const LARGE_PACKED_BYTES = 16_384;

class TooLarge extends Error {
  override readonly name = 'TooLarge';
}

/** Whether an error of `unpackPieces` means that the limit was exceeded. */
export const isTooLarge = (error: Error | undefined): boolean => error instanceof TooLarge;

/** Calls `done` once, later, with the message or with what is wrong with it. `packed` must not change until then. */
export function unpackPieces(
  createStream: (options: ZlibOptions) => Transform,
  packed: Buffer,
  limitBytes: number,
  done: (message: MessagePieces | undefined, error: Error | undefined) => void,
): void {
  const stream = createStream(packed.length < LARGE_PACKED_BYTES ? {} : { chunkSize: LARGE_PIECE_BYTES });
  const collector = new PieceCollector();
  let isOver = false;
  const finish = (message: MessagePieces | undefined, error: Error | undefined): void => {
    if (isOver) return;
    isOver = true;
    if (message === undefined) stream.destroy();
    done(message, error);
  };
  stream.on('data', (piece: Buffer) => {
    if (isOver) return;
    if (collector.byteLength + piece.length > limitBytes) finish(undefined, new TooLarge());
    else collector.add(piece, 0, piece.length, true);
  });
  stream.once('end', () => finish(collector.take(), undefined));
  stream.on('error', (error: Error) => finish(undefined, error));
  stream.end(packed);
}
