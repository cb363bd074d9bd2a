/**
 * Compresses answers off the main thread, few at a time, in the order they are given. An answer that would not become
 * smaller stays as it is, as with gRPC's core.
 */
import { Buffer } from 'node:buffer';
import { deflate, gzip, type InputType } from 'node:zlib';
import type { MessageEncoding } from './grpc-wire/message-encoding.js';

type Compress = (input: InputType, done: (error: Error | null, result: Buffer) => void) => void;

/** Takes an answer as it is to be sent, and whether it is compressed. */
export type OnPacked = (message: Uint8Array, isPacked: boolean) => void;

/** Node has four threads for this, for decompression and for files. */
const MAX_AT_ONCE = 2;

export class AnswerPacker {
  private running = 0;
  private readonly queue: (() => void)[] = [];

  /** Calls `done` once, later. `message` is copied before this returns. */
  pack(encoding: MessageEncoding, message: Uint8Array, done: OnPacked): void {
    const plain = Buffer.copyBytesFrom(message);
    const compress: Compress = encoding === 'gzip' ? gzip : deflate;
    this.queue.push(() =>
      compress(plain, (error, packed) => {
        this.running--;
        this.startNext();
        if (error === null && packed.length < plain.length) done(packed, true);
        else done(plain, false);
      }),
    );
    this.startNext();
  }

  private startNext(): void {
    if (this.running >= MAX_AT_ONCE) return;
    const start = this.queue.shift();
    if (start === undefined) return;
    this.running++;
    start();
  }
}
