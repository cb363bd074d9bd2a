/** A message in the pieces that it arrived in, which are views of memory that nobody uses again, and how they are collected. */
import { Buffer } from 'node:buffer';
import type { Segments } from '../../input-tensor.js';

export class MessagePieces {
  readonly pieces: readonly Buffer[];
  readonly byteLength: number;
  /** Where the last look ended: looks nearly always go forward. */
  private index = 0;
  private indexStart = 0;

  constructor(pieces: readonly Buffer[], byteLength: number) {
    this.pieces = pieces;
    this.byteLength = byteLength;
  }

  /** The byte at `position`, which is within the message. */
  byteAt(position: number): number {
    this.seek(position);
    return this.pieces[this.index]![position - this.indexStart]!;
  }

  /** The bytes from `from` to `to`, both within the message, as views. */
  slice(from: number, to: number): Segments {
    const pieces: Buffer[] = [];
    this.visit(from, to, (part) => pieces.push(part));
    return { byteLength: to - from, pieces };
  }

  /** Copies the bytes from `from` to `to` to the same places in `target`. */
  copyTo(target: Buffer, from: number, to: number): void {
    let at = from;
    this.visit(from, to, (part) => {
      at += part.copy(target, at);
    });
  }

  /** The message as one piece, behind `lead` bytes of memory of its own unless it came as one. */
  join(lead = 0): Buffer {
    if (this.pieces.length === 1) return this.pieces[0]!;
    const whole = Buffer.allocUnsafeSlow(lead + this.byteLength);
    let at = lead;
    for (const piece of this.pieces) at += piece.copy(whole, at);
    return whole.subarray(lead);
  }

  private visit(from: number, to: number, onPart: (part: Buffer) => void): void {
    for (let at = from; at < to; ) {
      this.seek(at);
      const piece = this.pieces[this.index]!;
      const start = at - this.indexStart;
      const end = Math.min(piece.length, to - this.indexStart);
      onPart(start === 0 && end === piece.length ? piece : piece.subarray(start, end));
      at = this.indexStart + end;
    }
  }

  private seek(position: number): void {
    if (position < this.indexStart) {
      this.index = 0;
      this.indexStart = 0;
    }
    while (position >= this.indexStart + this.pieces[this.index]!.length) {
      this.indexStart += this.pieces[this.index]!.length;
      this.index++;
    }
  }
}

/** A message may have so many pieces of any size, and one more for so many bytes of it: most have no more. */
const FREE_PIECES = 8;
const BYTES_OF_FREE_PIECE = 8192;
/** Beyond those, less is copied: pieces keep memory alive that is larger than they are, and cost more than their bytes. */
const SMALLEST_PIECE_BYTES = 4096;
const REST_BYTES = 16_384;

/** Collects the pieces of one message after the other. */
export class PieceCollector {
  byteLength = 0;
  private pieces: Buffer[] = [];
  /** What small pieces are copied to. Up to `restEnd` it is full; the last piece is the part from `restStart` where `isOpen`. */
  private rest: Buffer | undefined;
  private restStart = 0;
  private restEnd = 0;
  private isOpen = false;

  /** Adds the bytes from `start` to `end`. `isKept` says that they stay as they are; others are copied. */
  add(bytes: Buffer, start: number, end: number, isKept: boolean): void {
    const count = end - start;
    if (count === 0) return;
    this.byteLength += count;
    if (isKept && (count >= SMALLEST_PIECE_BYTES || this.hasFreePiece)) {
      this.pieces.push(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end));
      this.isOpen = false;
    } else if (count >= SMALLEST_PIECE_BYTES) {
      this.pieces.push(Buffer.copyBytesFrom(bytes, start, count));
      this.isOpen = false;
    } else this.addToRest(bytes, start, end);
  }

  /** The message; the next one begins with nothing. */
  take(): MessagePieces {
    const message = new MessagePieces(this.pieces, this.byteLength);
    this.clear();
    return message;
  }

  clear(): void {
    this.pieces = [];
    this.byteLength = 0;
    this.rest = undefined;
    this.isOpen = false;
  }

  private get hasFreePiece(): boolean {
    return this.pieces.length < FREE_PIECES + this.byteLength / BYTES_OF_FREE_PIECE;
  }

  private addToRest(bytes: Buffer, start: number, end: number): void {
    const count = end - start;
    let { rest } = this;
    if (rest === undefined || rest.length - this.restEnd < count) {
      rest = Buffer.allocUnsafeSlow(REST_BYTES);
      this.rest = rest;
      this.restEnd = 0;
      this.isOpen = false;
    }
    if (!this.isOpen) this.restStart = this.restEnd;
    bytes.copy(rest, this.restEnd, start, end);
    this.restEnd += count;
    const part = rest.subarray(this.restStart, this.restEnd);
    if (this.isOpen) this.pieces[this.pieces.length - 1] = part;
    else this.pieces.push(part);
    this.isOpen = true;
  }
}
