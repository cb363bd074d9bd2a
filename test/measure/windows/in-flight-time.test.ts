import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outcomeCodes } from '../../../src/client/outcome.js';
import { createRng } from '../../../src/common/random.js';
import { instant } from '../../../src/common/units.js';
import { backlogGrowth, inFlightTime, littleDeviation } from '../../../src/measure/windows/in-flight-time.js';
import { columnsOf, type RequestRow } from '../../support/request-rows.js';

/** Poisson arrivals at a server that takes a fixed time, one after the other: M/D/1. */
function fixedQueue(ratePerSec: number, serviceNs: number, untilNs: number, seed: number): RequestRow[] {
  const rng = createRng(seed);
  const rows: RequestRow[] = [];
  let freeNs = 0;
  for (let at = 0; at < untilNs; ) {
    at += (-Math.log(1 - rng.next()) * 1e9) / ratePerSec;
    freeNs = Math.max(freeNs, at) + serviceNs;
    rows.push({ intended: at, received: freeNs });
  }
  return rows;
}

describe('the time in flight', () => {
  it('is what each slice saw, a request counting for the part of it that it was there', () => {
    const columns = columnsOf([
      { intended: 0, received: 15 },
      { intended: 5, received: 40 },
      { intended: 12, received: 13 },
      { intended: 12, received: 13, outcome: outcomeCodes.dropped },
    ]);
    const { means, dueCount, meanLatencyNs } = inFlightTime(columns, instant(0), instant(40), 4);
    expect([...means]).toEqual([1.5, 1.6, 1, 1]);
    expect(dueCount).toBe(3);
    expect(meanLatencyNs).toBe((15 + 35 + 1) / 3);
  });

  it('adds up to the time that all requests were there', () => {
    const row = fc.tuple(fc.integer({ min: 0, max: 900 }), fc.integer({ min: 1, max: 500 }));
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 50 }), fc.integer({ min: 1, max: 12 }), (spans, slices) => {
        const columns = columnsOf(spans.map(([intended, time]) => ({ intended, received: intended + time })));
        const { means } = inFlightTime(columns, instant(100), instant(1000), slices);
        const seen = means.reduce((sum, mean) => sum + mean, 0) * (900 / slices);
        const truth = spans.reduce((sum, [intended, time]) => {
          return sum + Math.max(0, Math.min(1000, intended + time) - Math.max(100, intended));
        }, 0);
        expect(seen).toBeCloseTo(truth, 6);
      }),
    );
  });
});

describe('a growing backlog', () => {
  it('is not found in a queue that only fluctuates, even at nine tenths of its capacity', () => {
    let found = 0;
    for (let seed = 0; seed < 100; seed++) {
      const time = inFlightTime(columnsOf(fixedQueue(900, 1e6, 6e9, seed)), instant(1e9), instant(6e9));
      if (backlogGrowth(time) !== undefined) found++;
    }
    expect(found).toBeLessThanOrEqual(2);
  });

  it('is found where five in a hundred requests come too many', () => {
    for (let seed = 0; seed < 20; seed++) {
      const time = inFlightTime(columnsOf(fixedQueue(1050, 1e6, 6e9, seed)), instant(1e9), instant(6e9));
      expect(backlogGrowth(time)).toBeGreaterThan(0.02);
    }
  });
});

describe('waiting times under a scripted clock', () => {
  it.each([0.5, 0.7, 0.9])('are those of M/D/1 theory at load %f, and Little’s law holds', (load) => {
    const rows = fixedQueue(1000 * load, 1e6, 1000e9 * load, 11);
    const time = inFlightTime(columnsOf(rows), instant(0), instant(1000e9 * load));
    const theoryNs = 1e6 * (1 + load / (2 * (1 - load)));
    expect(Math.abs(time.meanLatencyNs / theoryNs - 1)).toBeLessThan(0.03);
    expect(littleDeviation(time, (1000 * load * time.meanLatencyNs) / 1e9, 1000e9 * load)).toBeUndefined();
    expect(littleDeviation(time, (1100 * load * time.meanLatencyNs) / 1e9, 1000e9 * load)).toBeLessThan(-0.05);
  });

  it('allows for the seams of a window that is made of several visits', () => {
    // 8% more than expected, of requests of 0.1 s in a window of 4 s: three more edges of 2.5% each explain it.
    const time = { means: Float64Array.of(10.8), dueCount: 500, meanLatencyNs: 0.1e9 };
    expect(littleDeviation(time, 10, 4e9)).toBeCloseTo(0.08);
    expect(littleDeviation({ ...time, visitCount: 4 }, 10, 4e9)).toBeUndefined();
    expect(littleDeviation({ ...time, means: Float64Array.of(14), visitCount: 4 }, 10, 4e9)).toBeCloseTo(0.4);
  });
});
