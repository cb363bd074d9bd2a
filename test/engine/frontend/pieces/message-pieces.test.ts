import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PieceCollector } from '../../../../engine/frontend/pieces/message-pieces.js';

const bytesOf = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, place) => (place * 7) % 251));

const parts = fc.array(fc.record({ length: fc.nat(9000), isKept: fc.boolean() }), { minLength: 1, maxLength: 40 });

function collect(list: readonly { length: number; isKept: boolean }[]) {
  const whole = bytesOf(list.reduce((sum, { length }) => sum + length, 0));
  const collector = new PieceCollector();
  let at = 0;
  for (const { length, isKept } of list) {
    // What is not kept is overwritten by the next read.
    const chunk = Buffer.from(whole.subarray(at, at + length));
    collector.add(chunk, 0, length, isKept);
    if (!isKept) chunk.fill(0xee);
    at += length;
  }
  return { whole, message: collector.take(), collector };
}

describe('a message collected in pieces', () => {
  it('is what was added, whether that was kept or copied', () => {
    fc.assert(
      fc.property(parts, (list) => {
        const { whole, message } = collect(list);
        expect(message.byteLength).toBe(whole.length);
        expect(Buffer.concat(message.pieces).equals(whole)).toBe(true);
        expect(message.join(5).equals(whole)).toBe(true);
      }),
    );
  });

  it('gives any part of itself, in any order', () => {
    const looks = fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(parts, looks, (list, ranges) => {
        const { whole, message } = collect(list);
        for (const [one, other] of ranges) {
          const [from, to] = [one % (whole.length + 1), other % (whole.length + 1)].toSorted((a, b) => a - b);
          const { byteLength, pieces } = message.slice(from!, to!);
          expect(byteLength).toBe(to! - from!);
          expect(Buffer.concat(pieces).equals(whole.subarray(from, to))).toBe(true);
          if (from! < whole.length) expect(message.byteAt(from!)).toBe(whole[from!]);
          const target = Buffer.alloc(whole.length);
          message.copyTo(target, from!, to!);
          expect(target.subarray(from, to).equals(whole.subarray(from, to))).toBe(true);
        }
      }),
    );
  });

  it('keeps memory of reads as it is, and copies only when it comes in crumbs', () => {
    const collector = new PieceCollector();
    const chunks = Array.from({ length: 12 }, () => Buffer.alloc(16_384));
    for (const chunk of chunks) collector.add(chunk, 0, chunk.length, true);
    expect(collector.take().pieces).toEqual(chunks);
    const crumbs = bytesOf(100_000);
    for (let at = 0; at < crumbs.length; at++) collector.add(crumbs, at, at + 1, true);
    const message = collector.take();
    expect(message.join().equals(crumbs)).toBe(true);
    expect(message.pieces.length).toBeLessThan(40);
  });

  it('leaves nothing behind for the next one', () => {
    const { collector } = collect([{ length: 10, isKept: false }]);
    expect(collector.byteLength).toBe(0);
    collector.add(bytesOf(3), 0, 3, false);
    expect([...collector.take().join()]).toEqual([...bytesOf(3)]);
    expect(collector.take().join()).toHaveLength(0);
  });
});
