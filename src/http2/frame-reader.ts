/**
 * Cuts a byte stream into HTTP/2 frames. Frames that lie whole in the given bytes are handed out in place; only a frame
 * that is cut by their end is carried over, and a large DATA frame not even then: it is handed out piece by piece.
 */
import { Buffer } from 'node:buffer';
import { ConnectionError } from './http2-error.js';
import { FRAME_HEADER_BYTES, frameFlags, frameTypes } from './protocol-constants.js';

/** Positions are those of the payload in `bytes`, which is only valid during the call. A thrown error ends `read`. */
export interface FrameSink {
  /** A whole frame. */
  onFrame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void;
  /** Part of an unpadded DATA frame; `isLast` marks its end. Parts of one frame come without other frames between. */
  onDataPart(flags: number, streamId: number, bytes: Buffer, start: number, end: number, isLast: boolean): void;
}

export interface FrameLimits {
  /** What this end announced as SETTINGS_MAX_FRAME_SIZE. */
  readonly maxFrameBytes: number;
  /** Frames other than DATA are held whole in memory, so they get a limit of their own. */
  readonly maxControlFrameBytes: number;
}

/** A cut DATA frame up to this payload is carried whole, so that small requests keep to the fast path. */
const CARRIED_DATA_BYTES = 2048;
const INITIAL_CARRY_BYTES = FRAME_HEADER_BYTES + CARRIED_DATA_BYTES;

export class FrameReader {
  private readonly sink: FrameSink;
  private readonly limits: FrameLimits;
  private carry: Buffer | undefined;
  private carried = 0;
  /** Bytes that a DATA frame being handed out in parts still lacks. */
  private partLeft = 0;
  private partFlags = 0;
  private partStreamId = 0;

  constructor(sink: FrameSink, limits: FrameLimits) {
    this.sink = sink;
    this.limits = limits;
  }

  /** Bytes that the DATA frame being handed out in parts still lacks; 0 when none is. */
  get openPartBytes(): number {
    return this.partLeft;
  }

  /** Stream of that frame. */
  get openPartStreamId(): number {
    return this.partStreamId;
  }

  /** Takes all bytes from `start` to `end`, which may be reused afterwards. Throws ConnectionError for a frame beyond the limits. */
  read(bytes: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end) {
      if (this.partLeft > 0) at = this.passPart(bytes, at, end);
      else if (this.carried > 0) at = this.completeCarried(bytes, at, end);
      else if (end - at < FRAME_HEADER_BYTES) at = this.carryOver(bytes, at, end, INITIAL_CARRY_BYTES);
      else at = this.readFrame(bytes, at, end);
    }
  }

  private readFrame(bytes: Buffer, at: number, end: number): number {
    const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
    const type = bytes[at + 3]!;
    const flags = bytes[at + 4]!;
    const payload = at + FRAME_HEADER_BYTES;
    this.checkLength(type, length);
    if (length > end - payload) {
      if (!isSplittable(type, flags, length)) return this.carryOver(bytes, at, end, FRAME_HEADER_BYTES + length);
      this.beginParts(bytes, at, length);
      return payload;
    }
    this.sink.onFrame(type, flags, streamIdAt(bytes, at), bytes, payload, payload + length);
    return payload + length;
  }

  private checkLength(type: number, length: number): void {
    if (length > this.limits.maxFrameBytes) {
      throw new ConnectionError('FRAME_SIZE_ERROR', `frame of ${length} bytes exceeds ${this.limits.maxFrameBytes}`);
    }
    if (type !== frameTypes.DATA && length > this.limits.maxControlFrameBytes) {
      throw new ConnectionError('ENHANCE_YOUR_CALM', `frame of type ${type} with ${length} bytes is too large`);
    }
  }

  private beginParts(bytes: Buffer, at: number, length: number): void {
    this.partLeft = length;
    this.partFlags = bytes[at + 4]!;
    this.partStreamId = streamIdAt(bytes, at);
  }

  private passPart(bytes: Buffer, at: number, end: number): number {
    const stop = Math.min(end, at + this.partLeft);
    this.partLeft -= stop - at;
    this.sink.onDataPart(this.partFlags, this.partStreamId, bytes, at, stop, this.partLeft === 0);
    return stop;
  }

  /** Adds to the carried frame what is there of it; once it is whole, hands it out. Returns the position after it. */
  private completeCarried(bytes: Buffer, at: number, end: number): number {
    const carry = this.carry!;
    if (this.carried < FRAME_HEADER_BYTES) {
      const next = this.carryOver(bytes, at, Math.min(end, at + FRAME_HEADER_BYTES - this.carried), carry.length);
      if (this.carried === FRAME_HEADER_BYTES) this.decideCarried(carry);
      return next;
    }
    const total = FRAME_HEADER_BYTES + ((carry[0]! << 16) | (carry[1]! << 8) | carry[2]!);
    const next = this.carryOver(bytes, at, Math.min(end, at + total - this.carried), total);
    if (this.carried === total) this.passCarried(total);
    return next;
  }

  /** Called once the header of a carried frame is complete: an empty frame is whole, a large DATA frame comes in parts. */
  private decideCarried(carry: Buffer): void {
    const length = (carry[0]! << 16) | (carry[1]! << 8) | carry[2]!;
    this.checkLength(carry[3]!, length);
    if (length === 0) this.passCarried(FRAME_HEADER_BYTES);
    else if (isSplittable(carry[3]!, carry[4]!, length)) {
      this.carried = 0;
      this.beginParts(carry, 0, length);
    }
  }

  private passCarried(total: number): void {
    const frame = this.carry!;
    this.carried = 0;
    if (frame.length > INITIAL_CARRY_BYTES) this.carry = undefined;
    this.sink.onFrame(frame[3]!, frame[4]!, streamIdAt(frame, 0), frame, FRAME_HEADER_BYTES, total);
  }

  private carryOver(bytes: Buffer, at: number, end: number, needed: number): number {
    const carry = this.carryOf(needed);
    bytes.copy(carry, this.carried, at, end);
    this.carried += end - at;
    return end;
  }

  private carryOf(needed: number): Buffer {
    const current = this.carry;
    if (current !== undefined && current.length >= needed) return current;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, INITIAL_CARRY_BYTES));
    current?.copy(larger, 0, 0, this.carried);
    this.carry = larger;
    return larger;
  }
}

const isSplittable = (type: number, flags: number, length: number): boolean =>
  type === frameTypes.DATA && length > CARRIED_DATA_BYTES && (flags & frameFlags.PADDED) === 0;

/** The reserved top bit is dropped, as the RFC asks. */
const streamIdAt = (bytes: Buffer, at: number): number =>
  ((bytes[at + 5]! & 0x7f) << 24) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 8) | bytes[at + 8]!;
