/**
 * Decompresses messages off the main thread, few at a time and none beyond the message limit, so that many small
 * messages that unpack to large ones do not take memory all at once.
 */
import type { Buffer } from 'node:buffer';
import { createGunzip, createInflate } from 'node:zlib';
import { messageOf } from '../../../src/common/errors.js';
import type { Failure } from '../../../src/kserve/status.js';
import type { MessagePieces } from '../pieces/message-pieces.js';
import { isTooLarge, unpackPieces } from '../pieces/unpack-pieces.js';
import type { MessageEncoding } from './message-encoding.js';

/** Node has four threads for this and for files; more at once would only hold more memory. */
const MAX_AT_ONCE = 2;

export class Inflater {
  private running = 0;
  private readonly queue: (() => void)[] = [];

  /** Calls `done` once, later, with the message or with what is wrong with it. `compressed` must not change until then. */
  inflate(
    encoding: MessageEncoding,
    compressed: Buffer,
    maxMessageBytes: number,
    done: (message: MessagePieces | undefined, failure: Failure | undefined) => void,
  ): void {
    const createStream = encoding === 'gzip' ? createGunzip : createInflate;
    this.queue.push(() =>
      unpackPieces(createStream, compressed, maxMessageBytes, (message, error) => {
        this.running--;
        this.startNext();
        if (error === undefined) done(message, undefined);
        else done(undefined, failureOf(error, encoding, maxMessageBytes));
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

const failureOf = (error: Error, encoding: MessageEncoding, maxMessageBytes: number): Failure =>
  isTooLarge(error)
    ? { status: 'RESOURCE_EXHAUSTED', message: `the message is larger than ${maxMessageBytes} bytes when decompressed` }
    : { status: 'INTERNAL', message: `the message cannot be decompressed as ${encoding}: ${messageOf(error)}` };
