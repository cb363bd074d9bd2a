/** A growing little-endian buffer for tensors whose size is not known beforehand. */
import { Buffer } from 'node:buffer';

export class ByteSink {
  private buffer: Buffer;
  private length = 0;

  constructor(initial: Buffer) {
    this.buffer = initial;
  }

  write(content: Uint8Array): void {
    this.reserve(content.byteLength);
    this.buffer.set(content, this.length);
    this.length += content.byteLength;
  }

  /** A BYTES element: four bytes of length, then the content. */
  writeLengthPrefixed(content: Uint8Array): void {
    this.writeUint32(content.byteLength);
    this.write(content);
  }

  writeUint32(value: number): void {
    this.writeLow(value, 4);
  }

  /** The `size` (1, 2 or 4) low bytes of a 32-bit pattern. */
  writeLow(value: number, size: number): void {
    this.reserve(size);
    for (let i = 0; i < size; i++) this.buffer[this.length++] = value >>> (8 * i);
  }

  /** What was written; the sink is not to be used afterwards. */
  take(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  private reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.buffer.length * 2));
    this.buffer.copy(larger, 0, 0, this.length);
    this.buffer = larger;
  }
}
