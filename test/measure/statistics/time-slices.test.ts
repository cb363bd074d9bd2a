import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outcomeCodes } from '../../../src/client/outcome.js';
import { instant } from '../../../src/common/units.js';
import { sliceTime } from '../../../src/measure/statistics/time-slices.js';
import { columnsOf } from '../../support/request-rows.js';

describe('slices of time', () => {
  it('share a completion by the time of its request in each', () => {
    // From 75 to 125: half of its time lies in either slice.
    const slices = sliceTime(columnsOf([{ intended: 75, received: 125 }]), instant(0), instant(200), 2);
    expect([...slices.completions]).toEqual([0.5, 0.5]);
    expect([...slices.received]).toEqual([0, 1]);
    expect([...slices.latencySumNs]).toEqual([0, 50]);
  });

  it('spread a request that is longer than a slice over one slice before its receipt', () => {
    const slices = sliceTime(columnsOf([{ intended: 0, received: 325 }]), instant(0), instant(400), 4);
    expect([...slices.completions]).toEqual([0, 0, 0.75, 0.25]);
  });

  it('count what ends after the last slice by the part that lies inside', () => {
    const slices = sliceTime(columnsOf([{ intended: 160, received: 240 }]), instant(0), instant(200), 2);
    expect([...slices.completions]).toEqual([0, 0.5]);
    expect([...slices.received]).toEqual([0, 0]);
  });

  it('count nothing that failed, or that ended before the first', () => {
    const rows = [
      { intended: 0, received: 90 },
      { intended: 110, received: 150, outcome: outcomeCodes.error },
    ];
    const slices = sliceTime(columnsOf(rows), instant(100), instant(200), 1);
    expect([...slices.completions]).toEqual([0]);
  });

  it('show a steady server as steady although it completes eight requests at a time', () => {
    const rows = Array.from({ length: 800 }, (_, i) => ({
      intended: Math.floor(i / 8) * 100,
      received: (Math.floor(i / 8) + 1) * 100,
    }));
    const slices = sliceTime(columnsOf(rows), instant(0), instant(10_000), 64);
    for (const completed of slices.completions) expect(completed).toBeCloseTo(800 / 64, 9);
  });

  it('lose no completion that lies within them, however they are cut', () => {
    const row = fc.record({ start: fc.integer({ min: 0, max: 900 }), time: fc.integer({ min: 0, max: 100 }) });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 60 }), fc.integer({ min: 1, max: 40 }), (rows, count) => {
        const columns = columnsOf(rows.map(({ start, time }) => ({ intended: start, received: start + time })));
        const { completions } = sliceTime(columns, instant(0), instant(1001), count);
        expect(completions.reduce((sum, share) => sum + share, 0)).toBeCloseTo(rows.length, 9);
      }),
    );
  });
});
