/** Lends buffers by size class and takes them back, so that large messages cost no allocation in the steady state. */
import { Buffer } from 'node:buffer';

const SMALLEST_CLASS_BITS = 9;
const LARGEST_CLASS_BITS = 31;

export interface BufferPoolLimits {
  /** Buffers on loan, by capacity; beyond it `lend` refuses. */
  readonly maxLentBytes: number;
  /** Free buffers that are kept for the next loan; the rest is left to the garbage collector. */
  readonly maxKeptBytes: number;
}

export class BufferPool {
  private readonly limits: BufferPoolLimits;
  private readonly free: Buffer[][] = [];
  private lent = 0;
  private kept = 0;

  constructor(limits: BufferPoolLimits) {
    this.limits = limits;
    for (let bits = 0; bits <= LARGEST_CLASS_BITS; bits++) this.free.push([]);
  }

  /** Capacity of all buffers on loan. */
  get lentBytes(): number {
    return this.lent;
  }

  /** A buffer of at least `size` bytes with arbitrary contents, or undefined when too much is on loan already. */
  lend(size: number): Buffer | undefined {
    const bits = classOf(size);
    const capacity = 2 ** bits;
    if (this.lent + capacity > this.limits.maxLentBytes) return undefined;
    this.lent += capacity;
    const buffer = this.free[bits]!.pop();
    if (buffer === undefined) return Buffer.allocUnsafeSlow(capacity);
    this.kept -= capacity;
    return buffer;
  }

  /** Takes back what `lend` returned; the caller must not touch it again. */
  takeBack(buffer: Buffer): void {
    const capacity = buffer.length;
    this.lent -= capacity;
    if (this.kept + capacity > this.limits.maxKeptBytes) return;
    this.kept += capacity;
    this.free[classOf(capacity)]!.push(buffer);
  }
}

/** Exponent of the smallest power of two that holds `size`. */
const classOf = (size: number): number => Math.max(SMALLEST_CLASS_BITS, 32 - Math.clz32(Math.max(size, 1) - 1));
