import { describe, expect, it } from 'vitest';
import { outcomeCodes } from '../../../src/client/outcome.js';
import { instant } from '../../../src/common/units.js';
import { recentFigures } from '../../../src/measure/windows/recent-figures.js';
import { columnsOf, consecutiveRows } from '../../support/request-rows.js';

describe('the figures of the progress line', () => {
  it('speak of the last two seconds only', () => {
    const rows = consecutiveRows(0, 10e9, (at) => (at < 8e9 ? 100e6 : 10e6));
    const figures = recentFigures(columnsOf(rows), instant(0), instant(10e9));
    expect(figures.requestsPerSec).toBeCloseTo(100, -1);
    expect(figures.latencyP50Ns).toBe(10e6);
  });

  it('speak of the time since the level began while that is shorter', () => {
    const figures = recentFigures(columnsOf(consecutiveRows(0, 0.5e9, () => 10e6)), instant(0), instant(0.5e9));
    expect(figures.requestsPerSec).toBeCloseTo(100, -1);
  });

  it('are absent before the first success', () => {
    const failed = columnsOf([{ intended: 0, received: 5, outcome: outcomeCodes.error }]);
    const none = { requestsPerSec: undefined, latencyP50Ns: undefined, latencyP99Ns: undefined };
    expect(recentFigures(failed, instant(0), instant(10))).toEqual(none);
    expect(recentFigures(columnsOf([]), instant(0), instant(0))).toEqual(none);
  });
});
