/**
 * The way out of one connection: frames are staged in a lent chunk and leave in one write for all that was staged
 * during a read or a turn of the event loop. Knows bytes and the socket, not HTTP/2.
 */
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { copyBytes } from '../../../src/http2/copy-bytes.js';

const CHUNK_BYTES = 256 * 1024;
const MAX_FREE_CHUNKS = 32;
/** So much of what a turn stages leaves at once: the peer can take it in while the rest is made. */
const EARLY_BYTES = 8192;

/** Chunks that no connection uses at the moment; an idle connection holds none. */
export class ChunkPool {
  private readonly free: Buffer[] = [];

  lend(): Buffer {
    return this.free.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
  }

  takeBack(chunk: Buffer): void {
    if (this.free.length < MAX_FREE_CHUNKS) this.free.push(chunk);
  }
}

const noChunk = Buffer.alloc(0);

export class SocketOutput {
  /** The chunk being filled; `reserve` tells where. */
  bytes: Buffer = noChunk;
  private length = 0;
  private isCorked = false;
  private isFlushScheduled = false;
  private isClosed = false;
  private isProgressAwaited = false;
  /** Staged bytes beyond this leave before the end of the turn; twice as many each time, as every write costs. */
  private earlyBytes = EARLY_BYTES;
  /** For each write that Node has not reported back: its chunk, or undefined where the chunk was free at once. */
  private readonly unfinished: (Buffer | undefined)[] = [];
  private readonly socket: Socket;
  private readonly chunks: ChunkPool;
  private readonly onProgress: () => void;

  /** `onProgress` is called when bytes that had to wait for the peer have left, and once after `isFull` was true. */
  constructor(socket: Socket, chunks: ChunkPool, onProgress: () => void) {
    this.socket = socket;
    this.chunks = chunks;
    this.onProgress = onProgress;
  }

  /** Bytes staged or waiting for the peer. */
  get pendingBytes(): number {
    return this.length + this.socket.writableLength;
  }

  /** True when more than `limit` bytes are pending; `onProgress` then tells when to look again. */
  isFull(limit: number): boolean {
    if (this.pendingBytes <= limit) return false;
    this.isProgressAwaited = true;
    return true;
  }

  /** Makes room for `count` bytes (at most `CHUNK_BYTES`) in `bytes` and returns where they begin; they count as staged. */
  reserve(count: number): number {
    if (this.length > this.earlyBytes && !this.isCorked) this.flushEarly();
    if (this.length + count > this.bytes.length) this.renewChunk();
    const at = this.length;
    this.length += count;
    if (!this.isCorked && !this.isFlushScheduled) this.scheduleFlush();
    return at;
  }

  /** Stages a copy of `frame`. */
  write(frame: Uint8Array): void {
    const at = this.reserve(frame.length);
    copyBytes(frame, 0, frame.length, this.bytes, at);
  }

  /** Until `uncork`, nothing leaves unless a chunk is full. */
  cork(): void {
    this.isCorked = true;
  }

  uncork(): void {
    this.isCorked = false;
    this.flush();
  }

  /** Hands what is staged to the socket. While the peer is slow, it stays here until a chunk is full or the peer has caught up. */
  flush(): void {
    if (this.length > 0 && this.socket.writableLength === 0) this.handOver();
  }

  /** Sends what is staged and ends the socket. */
  end(): void {
    if (this.length > 0) this.handOver();
    this.socket.end();
  }

  /** Call when the socket is closed; the output must not be used to write afterwards, which it then ignores. */
  close(): void {
    this.isClosed = true;
    if (this.bytes.length > 0) this.chunks.takeBack(this.bytes);
    this.bytes = noChunk;
    this.length = 0;
  }

  private scheduleFlush(): void {
    this.isFlushScheduled = true;
    queueMicrotask(this.flushScheduled);
  }

  private flushEarly(): void {
    this.earlyBytes *= 2;
    this.flush();
  }

  private readonly flushScheduled = (): void => {
    this.isFlushScheduled = false;
    this.earlyBytes = EARLY_BYTES;
    this.flush();
  };

  private renewChunk(): void {
    if (this.length > 0) this.handOver();
    if (this.bytes.length === 0) this.bytes = this.chunks.lend();
  }

  private handOver(): void {
    const chunk = this.bytes;
    const count = this.length;
    this.bytes = noChunk;
    this.length = 0;
    if (this.isClosed || this.socket.destroyed || this.socket.writableEnded) {
      this.chunks.takeBack(chunk);
      return;
    }
    this.socket.write(chunk.subarray(0, count), this.onWritten);
    // Zero means that the kernel took everything within the call; otherwise Node still reads from the chunk.
    const isFree = this.socket.writableLength === 0;
    if (isFree) this.chunks.takeBack(chunk);
    this.unfinished.push(isFree ? undefined : chunk);
  }

  private readonly onWritten = (): void => {
    const chunk = this.unfinished.shift();
    if (chunk !== undefined) this.chunks.takeBack(chunk);
    else if (!this.isProgressAwaited) return;
    this.isProgressAwaited = false;
    this.flush();
    this.onProgress();
  };
}
