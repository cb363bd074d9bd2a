import { describe, expect, it } from 'vitest';
import { loadAmount } from '../../src/record/load-name.js';
import type { LevelRecord } from '../../src/record/run-record.js';
import { type LevelColumnKey, levelColumns } from '../../src/report/level-table.js';
import { buildRunView } from '../../src/report/run-view.js';
import { sampleLevel, sampleRun } from '../support/sample-records.js';

const unitNs: Readonly<Record<string, number>> = { '': 1, ns: 1, µs: 1e3, ms: 1e6, s: 1e9 };

/** What each numeric column must show, straight from the record. */
const truth: Partial<Record<LevelColumnKey, (level: LevelRecord) => number | undefined>> = {
  load: (level) => loadAmount(level.load),
  throughput: (level) => level.throughputPerSec.value,
  mean: (level) => level.latencyNs?.mean,
  p50: (level) => level.latencyNs?.p50,
  p90: (level) => level.latencyNs?.p90,
  p95: (level) => level.latencyNs?.p95,
  p99: (level) => level.latencyNs?.p99,
  queue: (level) => level.server?.queueNs,
  compute: ({ server }) => server!.computeInputNs + server!.computeInferNs + server!.computeOutputNs,
  errors: (level) => level.errorCount,
};

describe('the table of levels', () => {
  it('shows every number of the record, to its last shown digit', () => {
    const columns = levelColumns(sampleRun.levels);
    for (const [key, read] of Object.entries(truth)) {
      const column = columns.find((candidate) => candidate.key === key);
      expect(column, key).toBeDefined();
      sampleRun.levels.forEach((level, row) => {
        const text = column!.cells[row]!.text;
        const decimals = text.split('.')[1]?.length ?? 0;
        const expected = read(level)! / unitNs[column!.unit]!;
        expect(Math.abs(Number(text.replaceAll(',', '')) - expected), `${key} ${text}`).toBeLessThanOrEqual(
          0.5000001 * 10 ** -decimals,
        );
      });
    }
  });

  it('shows verdicts as they are', () => {
    const verdicts = levelColumns(sampleRun.levels).find(({ key }) => key === 'verdict');
    expect(verdicts?.cells.map(({ text }) => text)).toEqual(sampleRun.levels.map(({ verdict }) => verdict));
  });

  it('goes by rising load, also where the levels were measured in another order', () => {
    const [first, second, third, ...others] = sampleRun.levels;
    const record = { ...sampleRun, levels: [third!, first!, ...others, second!] };
    expect(buildRunView(record).columns).toEqual(buildRunView(sampleRun).columns);
  });

  it('has one unit for all columns of times', () => {
    const units = levelColumns(sampleRun.levels).filter(({ unit }) => unit !== '');
    expect(new Set(units.map(({ unit }) => unit))).toEqual(new Set(['ms']));
    expect(units.map(({ key }) => key)).toEqual([
      'mean',
      'p50',
      'p90',
      'p95',
      'p99',
      'p99_9',
      'max',
      'queue',
      'compute',
    ]);
  });

  it('shows the batch size and errors only where they say something', () => {
    const keys = (levels: LevelRecord[]) => levelColumns(levels).map(({ key }) => key);
    const level = sampleLevel({ concurrency: 2, throughput: 350 });
    expect(keys([level])).not.toContain('batchSize');
    expect(keys([level])).not.toContain('errors');
    expect(keys([{ ...level, load: { ...level.load, batchSize: 8 } }])).toContain('batchSize');
    expect(keys([level, { ...level, errorCount: 1, errors: { timeout: 1 } }])).toContain('errors');
  });

  it('marks what was not measured instead of showing zero', () => {
    const level = {
      ...sampleLevel({ concurrency: 2, throughput: 350 }),
      latencyNs: null,
      latencyIntervalNs: null,
      server: null,
    };
    const cells = levelColumns([level]).filter(({ key }) => ['mean', 'p99', 'queue', 'compute'].includes(key));
    expect(cells.map((column) => column.cells[0]?.text)).toEqual(['–', '–', '–', '–']);
  });
});
