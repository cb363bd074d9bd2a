/**
 * Cuts the DATA of one stream into gRPC messages where the socket's bytes stay as they are, as over TLS: a large message
 * is handed on in the pieces that it came in, any other one in lent memory like the assembler of all connections does.
 */
import { Buffer } from 'node:buffer';
import type { BufferPool } from '../../../src/http2/buffer-pool.js';
import { type AssemblerState, type LeadOf, MESSAGE_PREFIX_BYTES } from '../../../src/http2/message-assembler.js';
import { type MessagePieces, PieceCollector } from '../pieces/message-pieces.js';
import type { PieceBudget } from './piece-budget.js';

/** A smaller message is put together: that is cheaper than keeping track of its pieces. */
export const SMALLEST_IN_PIECES_BYTES = 16_384;

/** What assemblers need beside the bytes. */
export interface PieceMeans {
  readonly pool: BufferPool;
  readonly budget: PieceBudget;
  readonly maxMessageBytes: number;
  /** Whether these bytes, which are being read, stay as they are afterwards. */
  isKept(bytes: Buffer): boolean;
}

const bytesOfNothing = Buffer.alloc(0);

export class PieceAssembler {
  /** As with MessageAssembler; without a meaning where there are pieces to take. */
  bytes: Buffer = bytesOfNothing;
  start = 0;
  end = 0;
  isCompressed = false;
  position = 0;
  private readonly means: PieceMeans;
  private readonly leadOf: LeadOf;
  private readonly collector = new PieceCollector();
  private pieces: MessagePieces | undefined;
  private gathered: Buffer | undefined;
  private prefixCount = 0;
  private flag = 0;
  private length = 0;

  constructor(means: PieceMeans, leadOf: LeadOf = () => 0) {
    this.means = means;
    this.leadOf = leadOf;
  }

  isAtBoundary(): boolean {
    return this.prefixCount === 0;
  }

  get announcedBytes(): number {
    return this.length;
  }

  /** Reads from `start` until a message is complete or `end` is reached; `position` tells which bytes are left. */
  take(bytes: Buffer, start: number, end: number): AssemblerState {
    this.position = start;
    while (this.prefixCount < MESSAGE_PREFIX_BYTES) {
      if (this.position >= end) return 'incomplete';
      this.takePrefixByte(bytes[this.position++]!);
    }
    if (this.flag > 1) return 'malformed';
    if (this.length > this.means.maxMessageBytes) return 'too large';
    const from = this.position;
    const count = Math.min(end - from, this.length - this.collector.byteLength);
    this.position = from + count;
    if (count === this.length) return this.complete(bytes, from, this.position);
    if (!this.means.budget.take(count)) return 'no memory';
    this.collector.add(bytes, from, this.position, this.means.isKept(bytes));
    return this.collector.byteLength < this.length ? 'incomplete' : this.completeCollected();
  }

  /** Hands over a large message, which counts against the budget until it is given back there; undefined for any other. */
  takePieces(): MessagePieces | undefined {
    const { pieces } = this;
    this.pieces = undefined;
    return pieces;
  }

  /** Hands over the lent buffer that holds the message, or undefined when it lies in the bytes given to `take`. */
  takeGathered(): Buffer | undefined {
    const buffer = this.gathered;
    this.gathered = undefined;
    return buffer;
  }

  /** Lets go of what has arrived; for the end of a stream. */
  drop(): void {
    this.means.budget.giveBack(this.collector.byteLength + (this.takePieces()?.byteLength ?? 0));
    this.collector.clear();
    const buffer = this.takeGathered();
    if (buffer !== undefined) this.means.pool.takeBack(buffer);
  }

  private takePrefixByte(byte: number): void {
    if (this.prefixCount === 0) {
      this.flag = byte;
      this.length = 0;
    } else this.length = this.length * 256 + byte;
    this.prefixCount++;
  }

  private completeCollected(): AssemblerState {
    const pieces = this.collector.take();
    if (this.flag === 0 && this.length >= SMALLEST_IN_PIECES_BYTES) {
      this.pieces = pieces;
      return this.complete(bytesOfNothing, 0, 0);
    }
    const { budget, pool } = this.means;
    budget.giveBack(this.length);
    const lead = this.flag === 0 ? this.leadOf(this.length) : 0;
    const gathered = pool.lend(lead + this.length);
    if (gathered === undefined) return 'no memory';
    this.gathered = gathered;
    pieces.copyTo(gathered.subarray(lead), 0, this.length);
    return this.complete(gathered, lead, lead + this.length);
  }

  private complete(bytes: Buffer, start: number, end: number): AssemblerState {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.isCompressed = this.flag === 1;
    this.prefixCount = 0;
    return 'message';
  }
}
