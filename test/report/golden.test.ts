import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/common/package-root.js';
import { loadAmount } from '../../src/record/load-name.js';
import type { RunRecord } from '../../src/record/run-record.js';
import { renderRunTable } from '../../src/report/console-table.js';
import { renderMetricsCsv, renderStudyCsv } from '../../src/report/csv.js';
import { renderRunMarkdown, renderStudyMarkdown } from '../../src/report/markdown.js';
import { renderRunCsv } from '../../src/report/perf-analyzer/level-csv.js';
import { renderStudyReportText } from '../../src/report/study-console.js';
import { expectGolden } from '../support/golden.js';
import { fruitlessStudy, hostileName, sampleRun, sampleStudy } from '../support/sample-records.js';
import { fullStudy, infeasibleStudy } from '../support/sample-studies.js';

const golden = (name: string): string => join(packageRoot, 'test', 'report', 'golden', name);
const widthOf = (text: string): number => Math.max(...text.split('\n').map((line) => line.length));

describe('the console report', () => {
  it.each([80, 100, 120])('of a run keeps to %i columns', (width) => {
    const text = renderRunTable(sampleRun, { width, color: false });
    expectGolden(golden(`run-console-${width}.txt`), `${text}\n`);
    expect(widthOf(text)).toBeLessThanOrEqual(width);
  });

  it.each([80, 120])('of a sweep keeps its ranking to %i columns', (width) => {
    const text = renderStudyReportText(sampleStudy, { width, color: false });
    expectGolden(golden(`study-console-${width}.txt`), `${text}\n`);
    const [, ranking] = text.split('\n\n');
    expect(widthOf(ranking ?? '')).toBeLessThanOrEqual(width);
  });

  it.each([80, 120])('of a sweep with everything in it keeps its tables to %i columns', (width) => {
    const text = renderStudyReportText(fullStudy, { width, color: false });
    expectGolden(golden(`full-study-console-${width}.txt`), `${text}\n`);
    const tables = text.split('\n\n').filter((part) => !/^(Recommended|---|Measure)/.test(part));
    expect(widthOf(tables.join('\n'))).toBeLessThanOrEqual(width);
  });

  it('says so where no variant kept the limits, and how near the nearest came', () => {
    const text = renderStudyReportText(infeasibleStudy, { width: 120, color: false });
    expect(text).toContain('No variant kept the limits, the default included');
    expect(text).toContain('the nearest missed by 4 %');
    expect(text).toContain('limit missed');
    expect(text).not.toContain('better than the default');
  });

  it('shows every interval where there is room, and keeps prose to 120 columns', () => {
    const [subject = '', table = '', ...prose] = renderRunTable(sampleRun, { width: 170, color: false }).split('\n\n');
    expect(widthOf(table)).toBeLessThanOrEqual(170);
    const [, , secondLevel = ''] = table.split('\n');
    // Throughput, mean, p50, p90, p95 and p99; the first level has too few samples for a p99 interval.
    expect(secondLevel.match(/±/g)).toHaveLength(6);
    expect(widthOf([subject, ...prose].join('\n'))).toBeLessThanOrEqual(120);
  });

  it('has the same columns and units in a pipe, whatever the figures', () => {
    const scaledBy = (factor: number, errorCount: number): RunRecord => ({
      ...sampleRun,
      levels: sampleRun.levels.map((level) => ({
        ...level,
        errorCount,
        throughputPerSec: { value: level.throughputPerSec.value / factor, low: null, high: null },
        latencyNs: Object.fromEntries(
          Object.entries(level.latencyNs!).map(([name, value]) => [name, value * factor]),
        ) as never,
        latencyIntervalNs: null,
        ...(factor > 1 && { server: null }),
      })),
    });
    const headOf = (record: RunRecord): string[] =>
      renderRunTable(record, { width: 170, color: false, hasFixedColumns: true })
        .split('\n\n')[1]!
        .split('\n')[0]!
        .split(/ {2,}/)
        .filter(Boolean);
    const heads = [scaledBy(1, 0), scaledBy(0.0001, 3), scaledBy(5000, 0)].map(headOf);
    expect(new Set(heads.map(String)).size).toBe(1);
    expect(heads[0]).toEqual([
      'Concurrency',
      'Inferences/s',
      ...['Avg', 'p50', 'p90', 'p95', 'p99', 'p99.9', 'Max', 'Queue', 'Compute'].map((title) => `${title} ms`),
      'Errors',
      'Unfinished',
      'Verdict',
    ]);
  });

  it('shows the interval of throughput on 80 columns, and says what it is', () => {
    const text = renderRunTable(sampleRun, { width: 80, color: false });
    expect(text).toMatch(/ 350 ± +\d/);
    expect(text).toContain('± is half the width of the 95% interval.');
  });

  it('says plainly that a sweep found nothing better', () => {
    const text = renderStudyReportText(fruitlessStudy, { width: 100, color: false });
    expect(text).toContain('No better than the default');
    expect(text).not.toContain('Recommended');
  });

  it('uses colour only when asked, and the same text either way', () => {
    for (const render of [
      (color: boolean) => renderRunTable(sampleRun, { width: 100, color }),
      (color: boolean) => renderStudyReportText(sampleStudy, { width: 100, color }),
    ]) {
      expect(render(true)).not.toBe(render(false));
      expect(stripVTControlCharacters(render(true))).toBe(render(false));
      expect(stripVTControlCharacters(render(false))).toBe(render(false));
    }
  });

  it('lets no name or message drive the terminal', () => {
    const warnings = [{ code: 'X', message: 'clear\u001b[2J\u0007 and \u009bmore' }];
    const text = renderRunTable(
      { ...sampleRun, model: 'a\u001b]0;title\u0007', warnings },
      { width: 100, color: false },
    );
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  });
});

describe('the CSV', () => {
  it('of a run has perf_analyzer’s columns in microseconds, its own behind them, and rows by load', () => {
    expectGolden(golden('run.csv'), renderRunCsv(sampleRun));
  });

  it('leaves the server columns out where the server offers no statistics', () => {
    const levels = sampleRun.levels.map((level) => ({ ...level, server: null }));
    const [head] = renderRunCsv({ ...sampleRun, levels }).split('\n');
    expect(head).toBe(
      'Concurrency,Inferences/Second,Client Send,Client Recv,p50 latency,p90 latency,p95 latency,p99 latency,Batch Size,Verdict',
    );
  });

  it('has empty times, not zeros, for a level without an answer', () => {
    const level = { ...sampleRun.levels[0]!, latencyNs: null, serviceNs: null, server: null };
    const levels = [{ ...level, throughputPerSec: { value: 0, low: null, high: null } }, sampleRun.levels[1]!];
    expect(renderRunCsv({ ...sampleRun, levels }).split('\n')[1]).toBe('1,0,,,,,,,,,,,,1,VALID');
  });

  it('adds up: the parts of a row make the mean latency', () => {
    const rows = renderRunCsv(sampleRun).trim().split('\n').slice(1);
    for (const row of rows) {
      const [concurrency, , ...times] = row.split(',').map(Number);
      const level = sampleRun.levels.find(({ load }) => loadAmount(load) === concurrency);
      const sum = times.slice(0, 7).reduce((total, value) => total + value, 0);
      expect(Math.abs(sum - (level?.latencyNs?.mean ?? 0) / 1000)).toBeLessThan(4);
    }
  });

  it('of a run has every figure under perf-ts’s own names', () => {
    expectGolden(golden('run-metrics.csv'), renderMetricsCsv(sampleRun));
  });

  it('of a sweep has one row a trial and quotes what needs it', () => {
    const trials = sampleStudy.trials.map((trial) => (trial.reason ? { ...trial, reason: 'a, "b"\nc' } : trial));
    expectGolden(golden('study.csv'), renderStudyCsv(sampleStudy));
    expect(renderStudyCsv({ ...sampleStudy, trials })).toContain(',"a, ""b""\nc"\n');
  });
});

describe('the Markdown', () => {
  it('of a run and of a sweep is as agreed', () => {
    expectGolden(golden('run.md.txt'), renderRunMarkdown(sampleRun));
    expectGolden(golden('study.md.txt'), renderStudyMarkdown(sampleStudy));
    expectGolden(golden('full-study.md.txt'), renderStudyMarkdown(fullStudy));
  });

  it('shows hostile names as text', () => {
    const text = renderRunMarkdown({ ...sampleRun, model: `${hostileName} | [x](http://y) \`code\`` });
    expect(text.split('\n')[0]).toBe('## &lt;img src=x onerror=alert(1)\\> \\| \\[x\\](http://y) \\`code\\`');
  });

  it('fences a command that holds a fence', () => {
    const text = renderRunMarkdown({ ...sampleRun, tool: { version: '1', command: ['perf-ts', '```', '-m', "it's"] } });
    expect(text).toContain("````sh\nperf-ts '```' -m 'it'\\''s'\n````");
  });
});
