/**
 * The way out of one connection: frames are staged in a buffer and leave in one write for all that was staged during a
 * read or a turn of the event loop. Knows bytes and the socket, not HTTP/2.
 */
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { nowNs } from '../../common/clock.js';
import { copyBytes } from '../../http2/copy-bytes.js';

/** Large enough to make a write worth its price, and small enough that the kernel still finds it in the CPU's cache. */
const BUFFER_BYTES = 128 * 1024;
/** Nothing more is sent while the kernel has not taken this much. */
const MAX_PENDING_BYTES = 8 * BUFFER_BYTES;
const MAX_SPARE_BUFFERS = 8;

/** Whose bytes are written from where they lie. */
export interface Lendable {
  isLent: boolean;
}

export class WireOutput {
  /** The buffer being filled; `reserve` tells where. */
  bytes: Buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #length = 0;
  #isCorked = false;
  #isScheduled = false;
  #isClosed = false;
  /** Requests among the staged bytes whose way is timed, and the sum of their beginnings. */
  #sampleCount = 0;
  #sampleSumNs = 0;
  /** For each write under way what it reads from, or undefined where the kernel took it at once. */
  readonly #unfinished: (Buffer | Lendable | undefined)[] = [];
  readonly #spare: Buffer[] = [];
  readonly #socket: Socket;
  readonly #onRoom: () => void;
  /** Requests that were timed from their beginning to the hand-over of their last byte, and the sum of those times. */
  timedCount = 0;
  timedTotalNs = 0;

  /** `onRoom` is called when bytes that had to wait have left. */
  constructor(socket: Socket, onRoom: () => void) {
    this.#socket = socket;
    this.#onRoom = onRoom;
  }

  /** True while too much waits for the server to read it. */
  get isFull(): boolean {
    return this.#length + this.#socket.writableLength > MAX_PENDING_BYTES;
  }

  /** Makes room for `count` bytes, at most 128 KiB, in `bytes` and returns where they begin; they count as staged. */
  reserve(count: number): number {
    if (this.#length + count > BUFFER_BYTES) this.#handOver();
    const at = this.#length;
    this.#length = at + count;
    if (!this.#isCorked && !this.#isScheduled) this.#schedule();
    return at;
  }

  /** Stages a copy of `frame`. */
  write(frame: Uint8Array): void {
    const at = this.reserve(frame.length);
    copyBytes(frame, 0, frame.length, this.bytes, at);
  }

  /** Writes `bytes` behind all that is staged; `owner.isLent` is true for as long as they must not change. */
  writeInPlace(bytes: Buffer, owner: Lendable): void {
    if (this.#length > 0) this.#handOver();
    const socket = this.#socket;
    if (this.#isClosed || socket.destroyed || socket.writableEnded) return;
    if (this.#sampleCount > 0) this.#endSamples();
    socket.write(bytes, this.#onWritten);
    owner.isLent = socket.writableLength > 0;
    this.#unfinished.push(owner.isLent ? owner : undefined);
  }

  /** Times a request that began at `startedNs` and whose last byte is staged. */
  timeFrom(startedNs: number): void {
    this.#sampleCount++;
    this.#sampleSumNs += startedNs;
  }

  /** Until `uncork`, nothing leaves unless the buffer is full. */
  cork(): void {
    this.#isCorked = true;
  }

  uncork(): void {
    this.#isCorked = false;
    if (this.#length > 0) this.#handOver();
  }

  /** Sends what is staged and ends the socket. */
  end(): void {
    if (this.#length > 0) this.#handOver();
    this.#socket.end();
  }

  /** Nothing is written from now on. */
  close(): void {
    this.#isClosed = true;
    this.#length = 0;
  }

  #schedule(): void {
    this.#isScheduled = true;
    queueMicrotask(this.#flushScheduled);
  }

  readonly #flushScheduled = (): void => {
    this.#isScheduled = false;
    if (this.#length > 0 && !this.#isCorked) this.#handOver();
  };

  #handOver(): void {
    const socket = this.#socket;
    const count = this.#length;
    this.#length = 0;
    if (this.#isClosed || socket.destroyed || socket.writableEnded) return;
    const buffer = this.bytes;
    if (this.#sampleCount > 0) this.#endSamples();
    socket.write(buffer.subarray(0, count), this.#onWritten);
    // Zero means that the kernel took everything within the call; otherwise Node still reads from the buffer.
    const isTaken = socket.writableLength === 0;
    this.#unfinished.push(isTaken ? undefined : buffer);
    if (!isTaken) this.bytes = this.#spare.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
  }

  /** Before the write: within it the kernel already carries the bytes to the server, and may let the server run first. */
  #endSamples(): void {
    this.timedCount += this.#sampleCount;
    this.timedTotalNs += this.#sampleCount * nowNs() - this.#sampleSumNs;
    this.#sampleCount = 0;
    this.#sampleSumNs = 0;
  }

  readonly #onWritten = (): void => {
    const finished = this.#unfinished.shift();
    if (finished === undefined) return;
    if ('isLent' in finished) finished.isLent = false;
    else if (this.#spare.length < MAX_SPARE_BUFFERS) this.#spare.push(finished);
    if (this.#isClosed) return;
    this.#onRoom();
  };
}
