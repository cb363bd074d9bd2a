import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findCudaPoolProblems, parseCudaPool } from '../../../engine/memory/cuda-memory-pool.js';
import { FreeList } from '../../../engine/memory/free-list.js';
import { lockPages } from '../../../engine/memory/page-lock.js';
import { PinnedMemoryPool } from '../../../engine/memory/pinned-memory-pool.js';

describe('a free list', () => {
  it('never gives the same byte twice, counts what it gave, and is whole again when all is back', () => {
    const step = fc.oneof(fc.record({ take: fc.integer({ min: 0, max: 700 }) }), fc.record({ free: fc.nat() }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const list = new FreeList(4096);
        const held: { start: number; size: number }[] = [];
        for (const one of steps) {
          if ('take' in one) {
            const start = list.take(one.take);
            if (start !== undefined) held.push({ start, size: one.take });
          } else if (held.length > 0) {
            const [{ start, size }] = held.splice(one.free % held.length, 1) as [{ start: number; size: number }];
            list.free(start, size);
          }
          const sorted = [...held].sort((a, b) => a.start - b.start);
          sorted.forEach(({ start, size }, index) => {
            expect(start % 64).toBe(0);
            expect(start + size).toBeLessThanOrEqual(sorted[index + 1]?.start ?? 4096);
          });
          expect(list.usedBytes).toBe(held.reduce((sum, { size }) => sum + Math.max(64, Math.ceil(size / 64) * 64), 0));
        }
        for (const { start, size } of held) list.free(start, size);
        expect([list.usedBytes, list.take(4096)]).toEqual([0, 0]);
      }),
    );
  });
});

describe('the pinned memory pool', () => {
  it('gives what there is room for from one stretch of shared memory, and the rest from elsewhere', () => {
    const pool = new PinnedMemoryPool(256, () => undefined);
    const [first, second, third] = [pool.take(100), pool.take(128), pool.take(64)];
    expect([first.isPooled, second.isPooled, third.isPooled]).toEqual([true, true, false]);
    expect(first.bytes.buffer).toBe(second.bytes.buffer);
    expect([first.bytes.length, second.bytes.byteOffset, third.bytes.length]).toEqual([100, 128, 64]);
    expect(pool.usage()).toEqual({ totalBytes: 256, usedBytes: 256 });
    first.free();
    third.free();
    expect(pool.usage().usedBytes).toBe(128);
    expect(pool.takePooled(64)?.isPooled).toBe(true);
    expect(pool.takePooled(129)).toBeUndefined();
  });

  it('takes nothing for what has no bytes, and gives nothing back twice', () => {
    const pool = new PinnedMemoryPool(128, () => undefined);
    expect(pool.take(0)).toMatchObject({ isPooled: false });
    const region = pool.take(10);
    region.free();
    expect(() => region.free()).toThrow('twice');
  });

  it('says whether it is page-locked, or why not', () => {
    expect(new PinnedMemoryPool(64, () => undefined).describe()).toBe('pinned memory pool of 64 bytes: page-locked');
    expect(new PinnedMemoryPool(64, () => 'no').describe()).toContain('plain, because no');
  });

  it('may be empty', () => {
    const pool = new PinnedMemoryPool(0);
    expect(pool.take(8).isPooled).toBe(false);
    expect(pool.usage()).toEqual({ totalBytes: 0, usedBytes: 0 });
  });

  // What a system lets a process lock differs, but a page is within every limit that is not zero.
  it.skipIf(process.platform === 'win32')('locks pages through the C library', () => {
    const reason = lockPages(new Uint8Array(new SharedArrayBuffer(4096)));
    expect(reason === undefined || reason.includes('ulimit -l')).toBe(true);
  });
});

describe('a CUDA memory pool', () => {
  it('is read as GPU:BYTES and refused where there is no such device', () => {
    expect(parseCudaPool('1:67108864')).toEqual({ gpu: 1, byteSize: 67_108_864 });
    for (const text of ['67108864', '0:', 'a:1', '0:-1']) expect(() => parseCudaPool(text)).toThrow('GPU:BYTES');
    expect(findCudaPoolProblems([{ gpu: 0, byteSize: 1 }])).toMatchObject([
      { what: expect.stringContaining('no CUDA device 0') },
    ]);
    expect(findCudaPoolProblems([{ gpu: 0, byteSize: 1 }], [0])).toEqual([]);
  });
});
