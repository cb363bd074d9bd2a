import { describe, expect, it } from 'vitest';
import { levelRecordSchema } from '../../src/record/run-record.js';
import { insideNs } from '../../src/record/server-fit.js';
import { levelColumns } from '../../src/report/level-table.js';
import { partsTable } from '../../src/report/tables/parts-table.js';
import { sampleRun } from '../support/sample-records.js';

const times = { queueNs: 9.44e6, computeInputNs: 0, computeInferNs: 96.4e6, computeOutputNs: 0 };
const scaled = { queueNs: 4.9e6, computeInputNs: 0, computeInferNs: 50.2e6, computeOutputNs: 0 };

describe('server times in a record of before they were scaled there', () => {
  const level = sampleRun.levels[0]!;
  const latencyNs = { ...level.latencyNs!, mean: 55.4e6 };
  const server = { ...times, inferenceCount: 10, executionCount: 10 };

  it('are those of the account of the latency, in every table', () => {
    const account = { totalNs: 55.4e6, sendNs: 0.3e6, networkAndFrontEndNs: 0, ...scaled, receiveNs: null };
    const read = levelRecordSchema.parse({ ...level, latencyNs, server, latencyParts: account });
    expect(insideNs(read.server!)).toBeLessThanOrEqual(55.1e6);
    expect(read.server!.scaledBy).toBeCloseTo(55.1 / 105.84, 6);
    const cells = (key: string) => Number(levelColumns([read]).find((column) => column.key === key)!.cells[0]!.text);
    expect(cells('queue') + cells('compute')).toBeLessThanOrEqual(cells('mean'));
    expect(partsTable([read])!.note).toContain('scaled to fit');
    // Read again, nothing changes.
    expect(levelRecordSchema.parse(read)).toEqual(read);
  });

  it('fit the latency where no account was kept, and stay as they are where they did anyway', () => {
    const read = levelRecordSchema.parse({ ...level, latencyNs, server, latencyParts: null });
    expect(insideNs(read.server!)).toBeLessThanOrEqual(55.4e6);
    const fitting = levelRecordSchema.parse({
      ...level,
      latencyNs,
      server: { ...server, ...scaled },
      latencyParts: null,
    });
    expect(fitting.server).toEqual({ ...server, ...scaled });
    expect(partsTable([fitting])!.note).not.toContain('scaled');
  });
});
