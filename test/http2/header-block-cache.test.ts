import { describe, expect, it } from 'vitest';
import { HeaderBlockCache } from '../../src/http2/header-block-cache.js';

const block = Buffer.from('..block..');

describe('HeaderBlockCache', () => {
  it('knows a block by its bytes, wherever they lie', () => {
    const cache = new HeaderBlockCache<string>();
    cache.remember(block, 2, 7, 0, 'meaning');
    expect(cache.find(Buffer.from('block'), 0, 5, 0)).toBe('meaning');
    expect(cache.find(Buffer.from('blocK'), 0, 5, 0)).toBeUndefined();
    expect(cache.find(Buffer.from('block'), 0, 4, 0)).toBeUndefined();
  });

  it('forgets a block once the table has changed', () => {
    const cache = new HeaderBlockCache<string>();
    cache.remember(block, 2, 7, 4, 'meaning');
    expect(cache.find(block, 2, 7, 5)).toBeUndefined();
  });

  it('keeps its own copy of the bytes', () => {
    const cache = new HeaderBlockCache<string>();
    const reused = Buffer.from('block');
    cache.remember(reused, 0, 5, 0, 'meaning');
    reused.fill(0);
    expect(cache.find(Buffer.from('block'), 0, 5, 0)).toBe('meaning');
    expect(cache.find(reused, 0, 5, 0)).toBeUndefined();
  });

  it('replaces the oldest when full', () => {
    const cache = new HeaderBlockCache<number>();
    const nth = (index: number): Buffer => Buffer.from([index]);
    for (let index = 0; index < 9; index++) cache.remember(nth(index), 0, 1, 0, index);
    expect(cache.find(nth(0), 0, 1, 0)).toBeUndefined();
    expect([1, 8].map((index) => cache.find(nth(index), 0, 1, 0))).toEqual([1, 8]);
  });
});
