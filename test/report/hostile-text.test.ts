import { describe, expect, it } from 'vitest';
import { renderRunTable } from '../../src/report/console-table.js';
import { renderMetricsCsv, renderStudyCsv, toCsv } from '../../src/report/csv.js';
import { renderRunMarkdown, renderStudyMarkdown } from '../../src/report/markdown.js';
import { sampleRun, sampleStudy } from '../support/sample-records.js';

const hostile = '\u001b]0;t\u0007\u001b[2J\u009b31m\u202e\u2066\u2028<script>alert(1)</script><img src=x onerror=y>';
const unsafe = /(?!\n)[\p{Cc}\p{Zl}\p{Zp}\p{Cf}\p{Cs}]/u;

const level = sampleRun.levels[0]!;
const run = {
  ...sampleRun,
  model: hostile,
  target: { ...sampleRun.target, server: { name: hostile, version: hostile } },
  tool: { version: hostile, command: ['perf-ts', hostile] },
  warnings: [{ code: hostile, message: hostile }],
  levels: [{ ...level, errors: { [hostile]: 3 }, errorCount: 3, warnings: [{ code: 'X', message: hostile }] }],
};
const study = {
  ...sampleStudy,
  model: hostile,
  trials: sampleStudy.trials.map((trial) => ({
    ...trial,
    variantId: hostile,
    reason: hostile,
    parameters: { [hostile]: hostile },
  })),
};

describe('text from outside', () => {
  it.each([
    ['a run as Markdown', renderRunMarkdown(run)],
    ['a study as Markdown', renderStudyMarkdown(study)],
    ['a run as CSV', renderMetricsCsv(run)],
    ['a study as CSV', renderStudyCsv(study)],
    ['a run on the terminal', renderRunTable(run, { width: 120, color: false })],
  ])('leaves no character that drives a terminal in %s', (_, text) => {
    expect(text).not.toMatch(unsafe);
  });

  it('begins no tag in Markdown outside of a code block', () => {
    for (const text of [renderRunMarkdown(run), renderStudyMarkdown(study)]) {
      expect(text.replace(/(`{3,})[\s\S]*?\1/g, '')).not.toMatch(/<[a-z/]/i);
    }
  });

  it.each(['=HYPERLINK("http://x","y")', '+1+cmd', '-2+3', '@SUM(A1)', '\t=1', ' =1', '\n=1'])(
    'is no formula in a CSV cell: %j',
    (text) => {
      expect(toCsv([[text]])).toMatch(/^"?'/);
    },
  );

  it('leaves numbers in CSV cells alone', () => {
    expect(toCsv([[-1.5, '-1.5', '+3', '2e-3', 'a=b', null]])).toBe('-1.5,-1.5,+3,2e-3,a=b,\n');
  });
});
