import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outcomeCodes } from '../../../src/client/outcome.js';
import { instant } from '../../../src/common/units.js';
import { findLastAnswer } from '../../../src/measure/windows/last-answer.js';
import { columnsOf, consecutiveRows, type RequestRow } from '../../support/request-rows.js';

const end = instant(10e9);
const good = (until: number, latencyNs = 10e6): RequestRow[] => consecutiveRows(0, until, () => latencyNs);
const failed = (from: number, until: number): RequestRow[] =>
  consecutiveRows(from, until, () => 50e6).map((row) => ({ ...row, outcome: outcomeCodes.error }));

describe('the last answer of a level', () => {
  it('is where only failures follow, whenever that is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 960 }), (centiseconds) => {
        const died = centiseconds * 10e6;
        const columns = columnsOf([...good(died), ...failed(died, 10e9)]);
        expect(findLastAnswer(columns, end, 1)).toBe(died + 1);
      }),
      { seed: 8 },
    );
  });

  it('is not told of a server that answers to the end, however often it fails', () => {
    const rows = good(10e9).map((row, index) =>
      index % 3 === 0 && index < 990 ? { ...row, outcome: outcomeCodes.error } : row,
    );
    expect(findLastAnswer(columnsOf(rows), end, 1)).toBeUndefined();
  });

  it('is not told while slow answers or too few failures explain the silence', () => {
    const slow = [...good(8e9, 1e9), ...failed(9.5e9, 9.9e9)];
    expect(findLastAnswer(columnsOf(slow), end, 1)).toBeUndefined();
    const few = [...good(9e9), ...failed(9e9, 9.1e9)];
    expect(findLastAnswer(columnsOf(few), end, 8)).toBeUndefined();
    expect(findLastAnswer(columnsOf(few), end, 2)).toBeDefined();
  });

  it('is not there where nothing was answered', () => {
    expect(findLastAnswer(columnsOf(failed(0, 10e9)), end, 1)).toBeUndefined();
  });
});
