import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { millis, type Nanos } from '../../src/common/units.js';
import {
  createLevelSequence,
  doublings,
  MAX_REFINEMENTS,
  type SteppingSequence,
} from '../../src/plan/level-sequence.js';

interface Curve {
  readonly throughput: (concurrency: number) => number;
  readonly latencyMs?: (concurrency: number) => number | undefined;
}

/** Levels in the order in which the sequence asks for them, against a server with the given curve. */
function walk(sequence: SteppingSequence, { throughput, latencyMs }: Curve, latencyLimit?: Nanos): number[] {
  const asker = createLevelSequence(sequence, { latencyLimit });
  const asked: number[] = [];
  for (let level = asker.next(); level !== undefined; level = asker.next()) {
    expect(asker.remainingCount()).toBeGreaterThan(0);
    asked.push(level);
    const latency = latencyMs === undefined ? (1000 * level) / throughput(level) : latencyMs(level);
    asker.tell(level, {
      throughput: throughput(level),
      latencyNs: latency === undefined ? undefined : millis(latency),
    });
  }
  expect(asker.remainingCount()).toBe(0);
  return asked;
}

/** A server with `slots` places that serve 100 requests a second each. */
const saturatingAt = (slots: number): Curve => ({ throughput: (concurrency) => 100 * Math.min(concurrency, slots) });
const adaptive = (start: number, end: number): SteppingSequence => ({ kind: 'adaptive', start, end });

describe('a stepped sequence', () => {
  const stepped: SteppingSequence = { kind: 'stepped', values: [1, 3, 5, 7] };

  it('measures every value in order', () => {
    expect(walk(stepped, saturatingAt(2))).toEqual([1, 3, 5, 7]);
  });

  it('ends with the first level past the latency limit', () => {
    expect(walk(stepped, saturatingAt(2), millis(24))).toEqual([1, 3, 5]);
  });

  it('counts a level without any success as past the limit', () => {
    expect(walk(stepped, { throughput: () => 0, latencyMs: () => undefined }, millis(24))).toEqual([1]);
    expect(walk(stepped, { throughput: () => 0, latencyMs: () => undefined })).toEqual([1, 3, 5, 7]);
  });
});

describe('an adaptive sequence', () => {
  it('measures every doubling and the end, whether or not a doubling meets it', () => {
    expect(doublings(1, 64)).toEqual([1, 2, 4, 8, 16, 32, 64]);
    expect(doublings(3, 50)).toEqual([3, 6, 12, 24, 48, 50]);
    expect(doublings(4, 4)).toEqual([4]);
    expect(walk(adaptive(1, 64), saturatingAt(1)).slice(0, 7)).toEqual([1, 2, 4, 8, 16, 32, 64]);
  });

  it('refines around the knee', () => {
    expect(walk(adaptive(1, 64), saturatingAt(10)).slice(7)).toEqual([12, 10, 9]);
    expect(walk(adaptive(1, 64), saturatingAt(8)).slice(7)).toEqual([6, 12, 10]);
    expect(walk(adaptive(1, 64), saturatingAt(2)).slice(7)).toEqual([3]);
  });

  it('refines nothing where there is no knee to look at', () => {
    expect(walk(adaptive(1, 64), saturatingAt(1000))).toHaveLength(7);
    expect(walk(adaptive(1, 64), saturatingAt(1))).toHaveLength(7);
    expect(walk(adaptive(1, 64), { throughput: () => 0, latencyMs: () => undefined })).toHaveLength(7);
    expect(walk(adaptive(5, 5), saturatingAt(2))).toEqual([5]);
  });

  it('closes in on the latency limit instead, when one is given', () => {
    // 20 slots: the latency is 10 ms up to 20 in flight and 0.5 ms more for each beyond; 27 in flight reach 13.5 ms.
    expect(walk(adaptive(1, 64), saturatingAt(20), millis(13.6))).toEqual([1, 2, 4, 8, 16, 32, 64, 24, 28, 26]);
  });

  it('stops climbing when the limit is passed and two doublings brought nothing', () => {
    expect(walk(adaptive(1, 1024), saturatingAt(4), millis(15))).toEqual([1, 2, 4, 8, 16, 6, 7]);
  });

  it('goes on climbing past the limit while throughput grows', () => {
    const batching: Curve = { throughput: (concurrency) => 100 * concurrency, latencyMs: () => 30 };
    expect(walk(adaptive(1, 16), batching, millis(20))).toEqual([1, 2, 4, 8, 16]);
  });

  it('asks for the same level until it is told, and never twice for one', () => {
    const asker = createLevelSequence(adaptive(1, 8));
    expect([asker.next(), asker.next(), asker.remainingCount()]).toEqual([1, 1, 4]);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 0, max: 500 }),
        fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 20, maxLength: 20 }),
        fc.option(fc.integer({ min: 1, max: 100 }), { nil: undefined }),
        (start, span, throughputs, limitMs) => {
          let index = 0;
          const curve: Curve = { throughput: () => throughputs[index++ % 20]!, latencyMs: (level) => level };
          const limit = limitMs === undefined ? undefined : millis(limitMs);
          const asked = walk(adaptive(start, start + span), curve, limit);
          expect(new Set(asked).size).toBe(asked.length);
          expect(asked.every((level) => Number.isInteger(level) && level >= start && level <= start + span)).toBe(true);
          expect(asked.length).toBeLessThanOrEqual(doublings(start, start + span).length + MAX_REFINEMENTS);
        },
      ),
    );
  });

  it('searches by halves as perf_analyzer does: the start must hold, the end must not', () => {
    const search = (start: number, end: number, step: number): SteppingSequence => ({
      kind: 'binary-search',
      start,
      end,
      step,
    });
    const linear: Curve = { throughput: (value) => value, latencyMs: (value) => value };
    expect(walk(search(1, 64, 1), linear, millis(20.5))).toEqual([1, 64, 32, 16, 24, 20, 22, 21]);
    expect(walk(search(1, 64, 8), linear, millis(20.5))).toEqual([1, 64, 32, 16, 24]);
    expect(walk(search(8, 64, 1), linear, millis(5))).toEqual([8]);
    expect(walk(search(1, 64, 1), linear, millis(100))).toEqual([1, 64]);
    expect(walk(search(5, 5, 1), linear, millis(100))).toEqual([5]);
    expect(walk(search(0.5, 2, 0.5), linear, millis(1.3))).toEqual([0.5, 2, 1.25, 1.625]);
  });

  it('ends an adaptive climb at once where an open loop is overloaded', () => {
    const asker = createLevelSequence(adaptive(100, 6400));
    const asked: number[] = [];
    for (let rate = asker.next(); rate !== undefined; rate = asker.next()) {
      asked.push(rate);
      asker.tell(rate, { throughput: Math.min(rate, 500), latencyNs: millis(5), isOverloaded: rate > 500 });
    }
    expect(asked.slice(0, 4)).toEqual([100, 200, 400, 800]);
    expect(Math.max(...asked)).toBe(800);
    expect(asked.length).toBeLessThanOrEqual(4 + MAX_REFINEMENTS);
  });
});

describe('a range without an end', () => {
  const walk = (sequence: { readonly start: number; readonly step?: number }): number[] => {
    const asker = createLevelSequence({ kind: 'open-ended', ...sequence }, { latencyLimit: 50 as Nanos });
    const values: number[] = [];
    for (let value = asker.next(); value !== undefined; value = asker.next()) {
      values.push(value);
      expect(asker.remainingCount()).toBe(1);
      asker.tell(value, { throughput: 100, latencyNs: value * 5 });
    }
    return values;
  };

  it('goes on by its step until a level is past the latency limit', () => {
    expect(walk({ start: 1, step: 4 })).toEqual([1, 5, 9, 13]);
  });

  it('doubles where there is no step', () => expect(walk({ start: 1 })).toEqual([1, 2, 4, 8, 16]));

  it('ends at the highest concurrency where the limit is never passed', () => {
    const asker = createLevelSequence({ kind: 'open-ended', start: 1 }, { latencyLimit: 50 as Nanos });
    let count = 0;
    for (let value = asker.next(); value !== undefined; value = asker.next(), count++) {
      asker.tell(value, { throughput: 1, latencyNs: 1 });
    }
    expect(count).toBe(17);
  });
});
