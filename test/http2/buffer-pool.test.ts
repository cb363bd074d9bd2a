import { describe, expect, it } from 'vitest';
import { BufferPool } from '../../src/http2/buffer-pool.js';

describe('BufferPool', () => {
  it.each([
    [0, 512],
    [512, 512],
    [513, 1024],
    [65_536, 65_536],
    [65_537, 131_072],
  ])('lends at least %d bytes, as a power of two', (size, capacity) => {
    const pool = new BufferPool({ maxLentBytes: 2 ** 20, maxKeptBytes: 0 });
    expect(pool.lend(size)?.length).toBe(capacity);
    expect(pool.lentBytes).toBe(capacity);
  });

  it('lends a returned buffer again, but never to two at once', () => {
    const pool = new BufferPool({ maxLentBytes: 2 ** 20, maxKeptBytes: 2 ** 20 });
    const first = pool.lend(600)!;
    pool.takeBack(first);
    expect(pool.lend(1000)).toBe(first);
    expect(pool.lend(1000)).not.toBe(first);
  });

  it('refuses to lend more than its limit, until something comes back', () => {
    const pool = new BufferPool({ maxLentBytes: 1024, maxKeptBytes: 0 });
    const lent = pool.lend(1024)!;
    expect(pool.lend(1)).toBeUndefined();
    pool.takeBack(lent);
    expect(pool.lend(1)).toBeDefined();
  });

  it('keeps no more free buffers than it may', () => {
    const pool = new BufferPool({ maxLentBytes: 2 ** 20, maxKeptBytes: 512 });
    const [first, second] = [pool.lend(512)!, pool.lend(512)!];
    pool.takeBack(first);
    pool.takeBack(second);
    expect([pool.lend(512), pool.lend(512)].filter((buffer) => buffer === first || buffer === second)).toEqual([first]);
  });
});
