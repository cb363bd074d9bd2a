import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/common/package-root.js';
import { describeLoad, loadTag } from '../../src/record/load-name.js';
import { runRecordSchema } from '../../src/record/run-record.js';
import { runFigures } from '../../src/report/charts/run-figures.js';
import { renderRunTable } from '../../src/report/console-table.js';
import { renderMetricsCsv } from '../../src/report/csv.js';
import { renderRunReport } from '../../src/report/html-report.js';
import { levelColumns } from '../../src/report/level-table.js';
import { loadAxis } from '../../src/report/load-axis.js';
import { renderRunMarkdown } from '../../src/report/markdown.js';
import { buildRunView } from '../../src/report/run-view.js';
import { expectGolden } from '../support/golden.js';
import { sampleBatchRun, sampleOpenRun, sampleShapesRun } from '../support/sample-open-run.js';
import { sampleRun } from '../support/sample-records.js';

const golden = (name: string): string => join(packageRoot, 'test/report/golden', name);
const keysOf = (record: typeof sampleRun): string[] => levelColumns(record.levels).map(({ key }) => key);

describe('the samples of open loops, batches and shapes', () => {
  it('are records as the schema has them', () => {
    for (const record of [sampleOpenRun, sampleBatchRun, sampleShapesRun]) {
      expect(runRecordSchema.parse(record)).toEqual(record);
    }
  });
});

describe('the name of a load', () => {
  it('says concurrency or rate, and batch and shapes where they say something', () => {
    expect(describeLoad({ kind: 'closed', concurrency: 4, batchSize: 1 })).toBe('concurrency 4');
    expect(describeLoad({ kind: 'closed', concurrency: 4, batchSize: 8, shapes: 'x:3' })).toBe(
      'concurrency 4 and batch size 8 with x:3',
    );
    const open = { kind: 'open', requestRatePerSec: 1500, batchSize: 1 } as const;
    expect(describeLoad({ ...open, arrival: 'constant' })).toBe('1,500/s');
    expect(describeLoad({ ...open, requestRatePerSec: 12.5, arrival: 'poisson' })).toBe('12.50/s poisson');
    expect(loadTag({ ...open, arrival: 'poisson', batchSize: 2, shapes: 'x:1,32' })).toBe('rate-1500-batch-2-x:1x32');
  });
});

describe('the axis of a run', () => {
  it('is what varies: concurrency, rate, batch size or shape', () => {
    expect(loadAxis(sampleRun.levels).kind).toBe('concurrency');
    expect(loadAxis(sampleOpenRun.levels).kind).toBe('rate');
    expect(loadAxis(sampleShapesRun.levels).kind).toBe('shapes');
    expect(
      loadAxis(sampleBatchRun.levels.filter(({ load }) => 'concurrency' in load && load.concurrency === 8)).kind,
    ).toBe('batch');
  });

  it('makes curves of what else varies', () => {
    expect(loadAxis(sampleBatchRun.levels).curves).toEqual(['batch size 1', 'batch size 8']);
    expect(loadAxis(sampleRun.levels).curves).toEqual(['']);
  });
});

describe('the table of levels', () => {
  it('has columns for what happened only', () => {
    expect(keysOf(sampleRun)).not.toEqual(expect.arrayContaining(['requests']));
    expect(keysOf(sampleOpenRun)).toEqual(expect.arrayContaining(['requests', 'dropped', 'delayed', 'mismatches']));
    expect(keysOf(sampleOpenRun)).not.toContain('errors');
    expect(keysOf(sampleShapesRun)).toContain('shapes');
  });
});

describe('a run of everything', () => {
  it('is as agreed on a terminal', () => {
    expectGolden(golden('open-console-140.txt'), renderRunTable(sampleOpenRun, { width: 140, color: false }));
    expectGolden(golden('batch-console-140.txt'), renderRunTable(sampleBatchRun, { width: 140, color: false }));
  });

  it('keeps to a narrow terminal', () => {
    for (const record of [sampleOpenRun, sampleBatchRun]) {
      const lines = renderRunTable(record, { width: 80, color: false }).split('\n');
      expect(lines.filter((line) => line.length > 80)).toEqual([]);
    }
  });

  it('is as agreed in Markdown and as metrics', () => {
    expectGolden(golden('open.md.txt'), renderRunMarkdown(sampleOpenRun));
    expectGolden(golden('open-metrics.csv'), renderMetricsCsv(sampleOpenRun));
  });

  it('accounts for every part of the latency, and the row adds up', () => {
    const table = buildRunView(sampleOpenRun).tables.find(({ id }) => id === 'latency-parts')!;
    const [, ...parts] = table.columns;
    const total = parts.pop()!;
    expect(parts.map(({ title }) => title)).toEqual([
      'Send',
      'Network + front end',
      'Queue',
      'Input',
      'Infer',
      'Output',
      'Receive',
    ]);
    total.cells.forEach((cell, row) => {
      const sum = parts.reduce((partial, { cells }) => partial + Number(cells[row]), 0);
      expect(Math.abs(sum - Number(cell))).toBeLessThan(0.05);
    });
  });

  it('leaves out the receiving that a client cannot tell from the network', () => {
    const levels = sampleOpenRun.levels.map((level) => ({
      ...level,
      latencyParts: level.latencyParts && { ...level.latencyParts, receiveNs: null },
    }));
    const table = buildRunView({ ...sampleOpenRun, levels }).tables.find(({ id }) => id === 'latency-parts')!;
    expect(table.columns.map(({ title }) => title)).not.toContain('Receive');
  });

  it('names its figures for the axis it has', () => {
    const titles = (record: typeof sampleRun) => runFigures(record).map(({ title }) => title);
    expect(titles(sampleOpenRun)).toEqual(
      expect.arrayContaining(['Latency against request rate', 'Served against offered']),
    );
    expect(titles(sampleBatchRun)).toEqual(expect.arrayContaining(['p99 latency against throughput']));
    expect(titles(sampleShapesRun)).toEqual(
      expect.arrayContaining(['Latency against shape', 'Throughput against shape']),
    );
  });

  it('has every table on its page, escaped', async () => {
    const levels = sampleOpenRun.levels.map((level) => ({
      ...level,
      models: level.models.map((share) => ({ ...share, model: '<b>bold</b>' })),
    }));
    const page = await renderRunReport({
      ...sampleOpenRun,
      levels,
      clientComparison: sampleBatchRun.clientComparison!,
    });
    for (const id of ['peak', 'models', 'latency-parts', 'resources', 'server-metrics', 'clients']) {
      expect(page).toContain(`id="table-${id}"`);
    }
    expect(page).toContain('&lt;b&gt;bold&lt;/b&gt;');
    expect(page).not.toContain('<b>bold</b>');
    expect(page).toContain('<li>http: A request takes 1.94 ms in network and front end more.</li>');
  });

  it('says when no rate held the limit, or a rate could not be confirmed', () => {
    const peak = sampleOpenRun.peak!;
    const headlineOf = (changed: Partial<typeof peak>) =>
      buildRunView({ ...sampleOpenRun, peak: { ...peak, ...changed } }).headline;
    expect(headlineOf({ requestRatePerSec: null })).toMatch(/^No rate was shown to hold p99 at most 20\.0 ms: /);
    expect(headlineOf({ isConfirmed: false })).toMatch(/^No rate was shown to hold .* did in a probe, but not again/);
    expect(headlineOf({ requestRatePerSec: null, probes: [] })).toBe('No rate was shown to hold p99 at most 20.0 ms.');
  });
});

describe('a run of one level', () => {
  it('shows throughput and latency over its whole width and time', () => {
    const figure = runFigures({ ...sampleOpenRun, levels: [sampleOpenRun.levels[2]!] }).find(
      ({ title }) => title === 'Over time',
    );
    expect(figure?.layout).toBe('wide');
    expect(figure?.charts.map(({ label }) => label)).toEqual(['Inferences/s', 'Mean latency (ms)']);
  });
});
