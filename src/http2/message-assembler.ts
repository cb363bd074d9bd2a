/**
 * Cuts the DATA of one stream into gRPC messages: a flag byte, four bytes of length, the message. One that lies whole
 * in the given bytes is pointed at in place; any other is gathered in a lent buffer that grows with what arrives, never
 * with what was merely announced. A socket may read straight into that buffer, which saves the copy.
 */
import type { Buffer } from 'node:buffer';
import type { BufferPool } from './buffer-pool.js';

export const MESSAGE_PREFIX_BYTES = 5;
/** Reserved at once for an announced message; a larger one is moved as it grows. */
const FIRST_RESERVATION_BYTES = 1 << 20;

/** `incomplete`: everything was taken. `message`: see the fields. The others end the call. */
/** Bytes to leave free before a gathered message of so many, which puts what it contains on better places. */
export type LeadOf = (messageBytes: number) => number;

const noLead: LeadOf = () => 0;

export type AssemblerState = 'incomplete' | 'message' | 'too large' | 'no memory' | 'malformed';

export class MessageAssembler {
  /** The message when the state is `message`: in the bytes given to `take`, or in `gathered`. */
  bytes!: Buffer;
  start = 0;
  end = 0;
  isCompressed = false;
  /** Where `take` stopped reading. */
  position = 0;
  /** The lent buffer. Its reader takes it out with `takeGathered` or gives it back with `drop`. */
  private gathered: Buffer | undefined;
  /** Where the message begins in it. */
  private lead = 0;
  private gatheredCount = 0;
  private prefixCount = 0;
  private length = 0;
  private readonly pool: BufferPool;
  private readonly maxMessageBytes: number;
  private readonly leadOf: LeadOf;

  /** `leadOf` is asked for messages that are gathered; a compressed one gets no lead. */
  constructor(pool: BufferPool, maxMessageBytes: number, leadOf: LeadOf = noLead) {
    this.leadOf = leadOf;
    this.pool = pool;
    this.maxMessageBytes = maxMessageBytes;
  }

  /** True between two messages: a stream may end here. */
  isAtBoundary(): boolean {
    return this.prefixCount === 0;
  }

  /** Length that the message being gathered was announced with. */
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
    if (this.length > this.maxMessageBytes) return 'too large';
    if (this.gatheredCount === 0 && end - this.position >= this.length) return this.completeInPlace(bytes);
    return this.gather(bytes, end);
  }

  /** Hands over the lent buffer that holds the message, or undefined when it lies in the bytes given to `take`. */
  takeGathered(): Buffer | undefined {
    const buffer = this.gathered;
    this.gathered = undefined;
    return buffer;
  }

  /** Gives a lent buffer back, at once or, where a socket reads into it, with `disarm`; for the end of a stream. */
  drop(): void {
    const buffer = this.takeGathered();
    if (buffer === undefined) return;
    if (this.isArmed) this.orphan = buffer;
    else this.pool.takeBack(buffer);
  }

  /**
   * Where the next bytes of the message being gathered belong, for a socket to read them there, until `disarm`. It takes
   * `count` bytes at most, and `beyond` more where the message goes on after those: what stands between its parts on the
   * wire may land there, since the next part covers it. Undefined where there is no such place.
   */
  arm(count: number, beyond: number): Buffer | undefined {
    const { gathered } = this;
    if (gathered === undefined) return undefined;
    const start = this.lead + this.gatheredCount;
    const left = Math.min(this.lead + this.length, gathered.length) - start;
    if (left <= 0) return undefined;
    const end = start + (count < left ? count + beyond : left);
    this.isArmed = true;
    return gathered.subarray(start, Math.min(end, gathered.length));
  }

  /** The socket reads elsewhere now. */
  disarm(): void {
    this.isArmed = false;
    if (this.orphan !== undefined) this.pool.takeBack(this.orphan);
    this.orphan = undefined;
  }

  private isArmed = false;
  /** Given up while a socket was still reading into it. */
  private orphan: Buffer | undefined;

  private flag = 0;

  private takePrefixByte(byte: number): void {
    if (this.prefixCount === 0) {
      this.flag = byte;
      this.length = 0;
    } else this.length = this.length * 256 + byte;
    this.prefixCount++;
  }

  private completeInPlace(bytes: Buffer): AssemblerState {
    const start = this.position;
    this.position = start + this.length;
    return this.complete(bytes, start, this.position);
  }

  private gather(bytes: Buffer, end: number): AssemblerState {
    const count = Math.min(end - this.position, this.length - this.gatheredCount);
    if (count > 0) {
      const target = this.reserve(this.gatheredCount + count);
      if (target === undefined) return 'no memory';
      const place = this.lead + this.gatheredCount;
      if (!isInPlace(bytes, this.position, target, place)) {
        bytes.copy(target, place, this.position, this.position + count);
      }
      this.gatheredCount += count;
      this.position += count;
    }
    if (this.gatheredCount < this.length) return 'incomplete';
    return this.complete(this.gathered!, this.lead, this.lead + this.length);
  }

  private complete(bytes: Buffer, start: number, end: number): AssemblerState {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.isCompressed = this.flag === 1;
    this.prefixCount = 0;
    this.gatheredCount = 0;
    return 'message';
  }

  private reserve(needed: number): Buffer | undefined {
    const current = this.gathered;
    if (current === undefined) this.lead = this.flag === 0 ? this.leadOf(this.length) : 0;
    const { lead } = this;
    if (current !== undefined && current.length >= lead + needed) return current;
    const larger = this.pool.lend(lead + Math.min(this.length, Math.max(needed * 2, FIRST_RESERVATION_BYTES)));
    if (larger === undefined) return undefined;
    if (current !== undefined) {
      current.copy(larger, lead, lead, lead + this.gatheredCount);
      this.pool.takeBack(current);
    }
    this.gathered = larger;
    return larger;
  }
}

/** Whether `bytes` at `at` and `target` at `place` are the same memory. */
const isInPlace = (bytes: Buffer, at: number, target: Buffer, place: number): boolean =>
  bytes.buffer === target.buffer && bytes.byteOffset + at === target.byteOffset + place;
