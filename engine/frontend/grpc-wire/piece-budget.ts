/** What requests in pieces may take beside those in lent memory: both together stay within one limit. */
import type { BufferPool } from '../../../src/http2/buffer-pool.js';

export class PieceBudget {
  private readonly pool: BufferPool;
  private readonly maxBytes: number;
  private held = 0;

  /** `maxBytes` is for the pieces and for what `pool` has lent. */
  constructor(pool: BufferPool, maxBytes: number) {
    this.pool = pool;
    this.maxBytes = maxBytes;
  }

  get heldBytes(): number {
    return this.held;
  }

  /** False when there is no room for that many bytes. */
  take(count: number): boolean {
    if (this.held + this.pool.lentBytes + count > this.maxBytes) return false;
    this.held += count;
    return true;
  }

  giveBack(count: number): void {
    this.held -= count;
  }
}
