import { describe, expect, it } from 'vitest';
import { createRng } from '../../../src/common/random.js';
import { instant, seconds } from '../../../src/common/units.js';
import type { LevelRun } from '../../../src/load/load-session.js';
import { sliceColumns } from '../../../src/load/request-columns.js';
import { LongLevel } from '../../../src/measure/long/long-level.js';
import { summarizeShares } from '../../../src/measure/model-shares.js';
import { summarizeLevel } from '../../../src/measure/summarize-level.js';
import { LevelRows } from '../../../src/measure/windows/level-rows.js';
import type { StopRule } from '../../../src/plan/load-plan.js';
import { levelRecordSchema } from '../../../src/record/run-record.js';
import { columnsOf, consecutiveRows } from '../../support/request-rows.js';

const noise = createRng(3);
const columns = columnsOf(consecutiveRows(0, 600e9, () => 2e6 * Math.exp(0.3 * noise.normal())));
const samples = {
  level: { kind: 'closed', concurrency: 1, batchSize: 1 },
  rule: { minDuration: seconds(600), maxDuration: seconds(600), targetHalfWidth: 0.05 },
  columns,
  begin: instant(0),
  end: instant(600e9),
  endReason: 'time-over',
  errors: {},
  maxBusyRatio: 0.1,
  cpuNs: 1e9,
} as const;

function reduce(): LongLevel {
  const long = new LongLevel(instant(0));
  for (let at = 0; at < 600e9; at += 7e9) long.absorb(sliceColumns(columns, instant(at), instant(at + 7e9)));
  long.absorb(sliceColumns(columns, instant(602e9)));
  return long;
}

describe('a long level', () => {
  const long = reduce();
  const raw = summarizeLevel(samples, () => undefined);
  const counted = summarizeLevel({ ...samples, columns: long.sample(), long }, () => undefined);

  it('counts every request once', () => {
    expect(long.requestCount).toBe(columns.length);
    expect(counted.requestCount).toBe(columns.length);
    expect(long.sample().length).toBeLessThanOrEqual(2 ** 18);
    expect(long.slices(instant(600e9)).slices.length).toBeLessThanOrEqual(240);
  });

  it('has the figures of the raw samples to a thousandth', () => {
    for (const name of ['mean', 'p50', 'p90', 'p99', 'p99_9', 'max'] as const) {
      expect(Math.abs(counted.latencyNs![name] / raw.latencyNs![name] - 1)).toBeLessThan(0.001);
    }
    expect(Math.abs(counted.throughputPerSec.value / raw.throughputPerSec.value - 1)).toBeLessThan(0.002);
    expect(levelRecordSchema.parse(counted).verdict).toBe('VALID');
  });

  it('has intervals about as wide as those of the raw samples', () => {
    const width = ([low, high]: readonly [number, number]): number => high - low;
    const ratio = width(counted.latencyIntervalNs!.mean!) / width(raw.latencyIntervalNs!.mean!);
    expect(ratio).toBeGreaterThan(0.4);
    expect(ratio).toBeLessThan(2.5);
  });

  it('takes its rows away from a run once there are half a million, and keeps what is not complete', () => {
    const all = columnsOf(consecutiveRows(0, 120e9, () => 200_000));
    let until = 0;
    let taken = 0;
    const between = (from: number, to: number) =>
      sliceColumns(all, instant(from * 200_000 + 1), instant(to * 200_000 + 1));
    const run = {
      columns: () => between(taken, until),
      takeFull() {
        const from = taken;
        taken = Math.floor(until / 1000) * 1000;
        return between(from, taken);
      },
    } as unknown as LevelRun;
    const rows = new LevelRows(run, samples.level, samples.rule, 1);
    const lookAt = (count: number) => {
      until = count;
      return rows.look(instant(0), instant(count * 200_000)).length;
    };
    expect([lookAt(499_999), rows.long]).toEqual([499_999, undefined]);
    expect([lookAt(500_300), lookAt(550_700), rows.long!.requestCount]).toEqual([300, 700, 550_000]);
    expect(rows.finish().length).toBe(2 ** 18);
    expect(rows.long!.requestCount).toBe(550_700);
  });

  it('of several models is reduced once there are half a million rows, and none is lost', () => {
    const all = columnsOf(consecutiveRows(0, 120e9, () => 200_000));
    const of = [sliceColumns(all, instant(0), instant(90e9)), sliceColumns(all, instant(90e9))];
    const left = [...of];
    const none = sliceColumns(all, instant(0), instant(0));
    const run = {
      columns: (model?: number) =>
        model !== undefined ? left[model]! : left.every((rows) => rows === none) ? none : all,
      takeFull(model: number) {
        const taken = left[model]!;
        left[model] = none;
        return taken;
      },
      errors: () => ({}),
    } as unknown as LevelRun;
    const rows = new LevelRows(run, samples.level, samples.rule, 2);
    expect(rows.look(instant(0), instant(120e9)).length).toBe(0);
    rows.finish();
    expect([0, 1].map((model) => rows.longOf(model)!.requestCount)).toEqual(of.map(({ length }) => length));
    expect(rows.long!.requestCount).toBe(all.length);
    const weighed = ['a', 'b'].map((model) => ({ model, modelVersion: '', weight: 1 }));
    const from = rows.long!.from;
    const shares = summarizeShares(weighed, run, 1, from, instant(120e9), (model) => rows.longOf(model));
    expect(shares.reduce((sum, { requestCount }) => sum + requestCount, 0)).toBe(rows.long!.latency.total);
    expect(shares.map(({ latencyNs }) => latencyNs!.p50)).toEqual([
      expect.closeTo(200_000, -3),
      expect.closeTo(200_000, -3),
    ]);
  });

  it('that windows judge is left whole', () => {
    const run = { columns: () => columns, takeFull: () => columns } as unknown as LevelRun;
    const windows = { kind: 'time' } as unknown as NonNullable<StopRule['windows']>;
    const rows = new LevelRows(run, samples.level, { ...samples.rule, windows }, 1);
    expect(rows.look(instant(0), instant(600e9)).length).toBe(columns.length);
    expect(rows.long).toBeUndefined();
  });
});
