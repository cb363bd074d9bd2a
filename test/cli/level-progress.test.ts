import { describe, expect, it } from 'vitest';
import { describeProgress } from '../../src/cli/level-progress.js';
import { columnsOf, wantsColor } from '../../src/cli/terminal.js';
import { nanos } from '../../src/common/units.js';
import { fitLines } from '../../src/common/wrap-text.js';
import type { LevelProgress } from '../../src/measure/measurement.js';

const progress: LevelProgress = {
  level: { kind: 'closed', concurrency: 128, batchSize: 32, seed: 1, thinkTime: nanos(0) } as never,
  levelIndex: 11,
  levelCount: 12,
  elapsedNs: 3e9,
  maxDurationNs: 7e9,
  requestCount: 123_456,
  errorCount: 12_345,
  throughputPerSec: 123_456,
  latencyP50Ns: 5e6,
  latencyP99Ns: 1.234e9,
  halfWidth: 0.123,
  visit: { index: 3, count: 4 },
};

describe('the progress line', () => {
  it('is whole where nothing is known of the terminal', () => {
    const line = describeProgress(progress);
    expect(line).toContain('██');
    for (const part of ['[12/12]', 'concurrency 128', '±12.3%', 'p99 1.23 s', '12,345 errors', 'at most 4 s left'])
      expect(line).toContain(part);
  });

  it.each([20, 40, 60, 80, 100, 120])('keeps below %i columns', (columns) => {
    const line = describeProgress(progress, columns);
    expect(line.length).toBeLessThan(columns);
    expect(line).toMatch(/^\[12\/12\] /);
  });

  it('lets go of the bar first, and never of throughput on 80 columns', () => {
    expect(describeProgress(progress, 80)).toContain('123,456 infer/s');
  });
});

describe('a line on a terminal', () => {
  it('breaks between words, keeping its indent, and is left alone where it fits', () => {
    const table = 'a    1\nb    2';
    expect(fitLines(table, 80)).toBe(table);
    const fitted = fitLines(`  ${'word '.repeat(40)}end`, 40);
    for (const line of fitted.split('\n')) {
      expect(line.length).toBeLessThanOrEqual(40);
      expect(line).toMatch(/^ {2}(word ?)+(end)?$/);
    }
  });

  it('counts no colours', () => {
    const painted = `\u001b[31m${'x'.repeat(40)}\u001b[39m`;
    expect(fitLines(painted, 40)).toBe(painted);
  });
});

describe('a terminal', () => {
  it.each([
    [undefined, undefined],
    [0, undefined],
    [80, 80],
  ])('that says %s is %s columns wide', (columns, expected) => {
    expect(columnsOf({ columns })).toBe(expected);
  });

  it('has colour where FORCE_COLOR says so, and none where it says not', () => {
    expect(wantsColor(true, '0')).toBe(false);
    expect(wantsColor(true, 'false')).toBe(false);
    expect(wantsColor(false, undefined)).toBe(false);
    expect(wantsColor(false, '')).toBe(false);
  });
});
