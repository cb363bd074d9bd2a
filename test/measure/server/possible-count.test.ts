import { describe, expect, it } from 'vitest';
import { outcomeCodes } from '../../../src/client/outcome.js';
import { instant } from '../../../src/common/units.js';
import { LongLevel } from '../../../src/measure/long/long-level.js';
import { possibleCount } from '../../../src/measure/server/possible-count.js';
import { columnsOf, consecutiveRows } from '../../support/request-rows.js';

const look = (sec: number, told = sec) => ({ asked: instant(sec * 1e9), told: instant(told * 1e9) });

describe('the count of requests that a server can have', () => {
  const rows = consecutiveRows(0, 10e9, () => 1e6);

  it('lies closely around what was answered between two looks', () => {
    const { least, most } = possibleCount(columnsOf(rows), look(2), look(8));
    expect(least).toBeLessThanOrEqual(6000);
    expect(least).toBeGreaterThan(5600);
    expect(most).toBeGreaterThanOrEqual(6000);
    expect(most).toBeLessThan(6400);
  });

  it('is wider by what was under way while a look took its time', () => {
    const { least, most } = possibleCount(columnsOf(rows), look(2, 3), look(8, 8.5));
    expect(least).toBeLessThanOrEqual(5000);
    expect(most).toBeGreaterThanOrEqual(6500);
  });

  it('holds what failed here and may have succeeded there', () => {
    const failing = rows.map((row, index) => ({ ...row, outcome: index % 2 ? outcomeCodes.ok : outcomeCodes.timeout }));
    const { least, most } = possibleCount(columnsOf(failing), look(2), look(8));
    expect(least).toBeLessThanOrEqual(3000);
    expect(most).toBeGreaterThanOrEqual(6000);
  });

  it('is that of all requests where a long level kept a sample', () => {
    const long = new LongLevel(instant(1e9), 64);
    long.absorb(columnsOf(rows));
    const all = possibleCount(long.sample(), look(0), look(10), long);
    expect(long.sample().length).toBeLessThan(9000);
    expect(all.least).toBeLessThanOrEqual(10_000);
    expect(all.least).toBeGreaterThan(7500);
    expect(all.most).toBeGreaterThanOrEqual(10_000);
    expect(all.most).toBeLessThan(11_500);
  });
});
