/**
 * Reads protobuf's wire format in place. Every length is checked against the enclosing message before it is used, so
 * hostile bytes end in a ProtocolError and never in an allocation or a read past the end.
 */
import { Buffer } from 'node:buffer';
import { ProtocolError } from './protocol-error.js';

export const wireTypes = { varint: 0, fixed64: 1, delimited: 2, fixed32: 5 } as const;

const TWO_32 = 4_294_967_296;

export class WireReader {
  readonly bytes: Buffer;
  position = 0;
  /** End of the message being read; a nested message narrows it. */
  end: number;
  /** The two halves of the varint that `readVarint` read last, as unsigned 32-bit numbers. */
  low = 0;
  high = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.end = bytes.byteLength;
  }

  hasMore(): boolean {
    return this.position < this.end;
  }

  /** Reads up to ten bytes into `low` and `high`. */
  readVarint(): void {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.position >= this.end) throw new ProtocolError('truncated message: a number is cut off');
      const byte = this.bytes[this.position++]!;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else if (shift < 63) high |= bits << (shift - 32);
      else high |= (bits & 1) << 31;
      if (byte < 0x80) {
        this.low = low >>> 0;
        this.high = high >>> 0;
        return;
      }
    }
    throw new ProtocolError('malformed message: a number is longer than ten bytes');
  }

  /** A signed 64-bit number that must be exact in JavaScript. */
  readInteger(): number {
    this.readVarint();
    const value = (this.high | 0) * TWO_32 + this.low;
    if (!Number.isSafeInteger(value)) throw new ProtocolError('malformed message: a number is out of range');
    return value;
  }

  /** Field number times eight plus wire type. */
  readTag(): number {
    this.readVarint();
    if (this.high !== 0 || this.low < 8) throw new ProtocolError('malformed message: not a field tag');
    return this.low;
  }

  /** Reads a length and returns where the delimited bytes end; `position` is then where they begin. */
  readLength(): number {
    this.readVarint();
    if (this.high !== 0 || this.low > this.end - this.position) {
      throw new ProtocolError('truncated message: a length reaches past the end');
    }
    return this.position + this.low;
  }

  /** A view into the message, not a copy. */
  readBytes(): Buffer {
    const stop = this.readLength();
    const view = this.bytes.subarray(this.position, stop);
    this.position = stop;
    return view;
  }

  readString(): string {
    const stop = this.readLength();
    const text = this.bytes.toString('utf8', this.position, stop);
    this.position = stop;
    return text;
  }

  readDouble(): number {
    const start = this.position;
    this.advance(8);
    return this.bytes.readDoubleLE(start);
  }

  /** Narrows the reader to the nested message that begins here; give the returned value to `leave`. */
  enter(): number {
    const outer = this.end;
    this.end = this.readLength();
    return outer;
  }

  leave(outer: number): void {
    this.end = outer;
  }

  /** Passes over the value of an unknown field. Groups are refused: no proto3 message has them. */
  skip(tag: number): void {
    const wireType = tag & 7;
    if (wireType === wireTypes.varint) this.readVarint();
    else if (wireType === wireTypes.delimited) this.position = this.readLength();
    else if (wireType === wireTypes.fixed64) this.advance(8);
    else if (wireType === wireTypes.fixed32) this.advance(4);
    else throw new ProtocolError(`malformed message: wire type ${wireType}`);
  }

  /** Passes over `count` bytes. */
  advance(count: number): void {
    if (count > this.end - this.position) throw new ProtocolError('truncated message: a value is cut off');
    this.position += count;
  }
}

/** The tag of a field, as `readTag` returns it. */
export const tagOf = (field: number, wireType: number): number => field * 8 + wireType;
