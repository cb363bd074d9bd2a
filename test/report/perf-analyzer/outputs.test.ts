/** The golden files here were printed by perf_analyzer 2.55 itself, measuring a real Triton. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/common/package-root.js';
import type { LevelRecord } from '../../../src/record/run-record.js';
import type { PerfAnalyzerSettings } from '../../../src/report/perf-analyzer/console-header.js';
import { describeUnstableLevels, renderPerfAnalyzerText } from '../../../src/report/perf-analyzer/console-text.js';
import { renderRunCsv } from '../../../src/report/perf-analyzer/level-csv.js';
import { formatStreamNumber } from '../../../src/report/perf-analyzer/stream-number.js';
import { levelAsPrinted } from '../../support/perf-analyzer-level.js';
import { sampleOpenRun } from '../../support/sample-open-run.js';
import { sampleRun } from '../../support/sample-records.js';

const printed = (name: string): string =>
  readFileSync(join(packageRoot, 'test/report/golden/perf-analyzer', name), 'utf8');

const settings: PerfAnalyzerSettings = {
  protocol: 'http',
  batchSize: 1,
  measurementMode: 'time_windows',
  measurementIntervalMs: 1000,
  measurementRequestCount: 50,
  latencyLimitMs: 0,
  rangeEnd: 2,
  loadKind: 'concurrency',
  distribution: 'constant',
  isBinarySearch: false,
  isAsync: false,
  isVerbose: false,
  collectsMetrics: false,
};

const closed = (concurrency: number) => ({ kind: 'closed', concurrency, batchSize: 1 }) as const;
const open = (requestRatePerSec: number) =>
  ({ kind: 'open', requestRatePerSec, arrival: 'constant', batchSize: 1 }) as const;

const httpLevels = [
  levelAsPrinted({
    load: closed(1),
    throughput: 2605.26,
    requestCount: 9732,
    mean: 380,
    standardDeviation: 484,
    percentiles: [330, 449, 489, 977],
    send: 57,
    receive: 0,
    server: [24, 13, 107, 50],
    serverRequest: 196,
    serverCount: 9732,
  }),
  levelAsPrinted({
    load: closed(2),
    throughput: 3590.31,
    requestCount: 13016,
    mean: 554,
    standardDeviation: 319,
    percentiles: [516, 683, 760, 1306],
    send: 67,
    receive: 0,
    server: [87.5, 14.5, 145.5, 37.5],
    serverRequest: 287,
    serverCount: 13017,
  }),
];

const asVerbose = (level: LevelRecord): LevelRecord => ({
  ...level,
  generator: {
    ...sampleOpenRun.levels[0]!.generator!,
    busyRatio: 0.0159,
    gcPauseNs: 0,
    gcMaxPauseNs: 0,
    stealRatio: null,
    throttledNs: null,
  },
});

const rateLevels = (
  [
    [50, 49.9701, 180, [1037, 1170, 1243, 1296], [45.5, 34.5, 286.5, 193.5], 565],
    [100, 99.9319, 360, [1009, 1209, 1270, 2510], [45.25, 37.25, 296.25, 223.25], 606],
  ] as const
).map(([rate, throughput, requestCount, percentiles, server, serverRequest], index): LevelRecord => {
  const level = levelAsPrinted({
    load: open(rate),
    throughput,
    requestCount,
    mean: [1027, 1000][index]!,
    standardDeviation: 0,
    percentiles,
    send: [13, 11][index]!,
    receive: 3,
    server,
    serverRequest,
    serverCount: requestCount,
  });
  const percentile = { percentile: 95, latencyNs: percentiles[2] * 1000 };
  return { ...level, windowed: { ...level.windowed!, percentile } };
});

const recordOf = (levels: readonly LevelRecord[]) => ({ ...sampleRun, levels: [...levels] });

describe('perf_analyzer’s console text', () => {
  it('is word for word what perf_analyzer printed for the same figures', () => {
    // Its mean of the transport's own times leaves out what it spent around them, which ours has no part for.
    const text = printed('http.txt')
      .replace('Avg HTTP time: 375', 'Avg HTTP time: 380')
      .replace('318 usec)', '323 usec)');
    const expected = text.replace('Avg HTTP time: 548', 'Avg HTTP time: 554').replace('481 usec)', '487 usec)');
    expect(`${renderPerfAnalyzerText(recordOf(httpLevels), settings)}\n`).toBe(expected);
  });

  it('has the words of request rates, percentiles and metrics', () => {
    const rate: PerfAnalyzerSettings = {
      ...settings,
      protocol: 'grpc',
      percentile: 95,
      rangeEnd: 100,
      loadKind: 'request-rate',
      collectsMetrics: true,
    };
    expect(`${renderPerfAnalyzerText(recordOf(rateLevels), rate)}\n`).toBe(printed('rate.txt'));
  });

  it('lists the windows as passes, and the transport in three parts, with -v', () => {
    const [level] = httpLevels as [LevelRecord];
    const windows = [4138.14, 3882.32, 3552.26].map((requestsPerSec, index) => ({
      startNs: index * 1e9,
      endNs: (index + 1) * 1e9,
      requestCount: 1,
      requestsPerSec,
      latencyNs: [938, 994, 1088][index]! * 1000,
      standardDeviationNs: [225, 337, 431][index]! * 1000,
    }));
    const verbose = recordOf([asVerbose({ ...level, windowed: { ...level.windowed!, windows } })]);
    const lines = renderPerfAnalyzerText(verbose, { ...settings, isVerbose: true, protocol: 'grpc' }).split('\n');
    expect(lines).toContain('  Pass [1] throughput: 4138.14 infer/sec. Avg latency: 938 usec (std 225 usec). ');
    expect(lines).toContain('    Avg client overhead: 1.59%');
    expect(lines).toContain(
      '    Avg gRPC time: 380 usec (marshal 57 usec + response wait 323 usec + unmarshal 0 usec)',
    );
  });

  it('warns of delayed requests beyond one in a hundred', () => {
    const [level] = rateLevels as [LevelRecord];
    const late = (delayedCount: number) =>
      renderPerfAnalyzerText(recordOf([{ ...level, delayedCount }]), { ...settings, loadKind: 'request-rate' });
    expect(late(1)).not.toContain('[WARNING]');
    expect(late(45)).toContain(
      '    [WARNING] Perf Analyzer was not able to keep up with the desired request rate. 25% of the requests were delayed. \n',
    );
  });

  it('says the other settings that change what is measured', () => {
    const text = renderPerfAnalyzerText(recordOf([]), {
      ...settings,
      measurementMode: 'count_windows',
      measurementRequestCount: 200,
      rangeEnd: 4,
      latencyLimitMs: 1000,
      isBinarySearch: true,
      isAsync: true,
    });
    expect(text.split('\n')).toEqual([
      '*** Measurement Settings ***',
      '  Batch size: 1',
      '  Service Kind: TRITON',
      '  Using "count_windows" mode for stabilization',
      '  Stabilizing using average throughput',
      '  Minimum number of samples in each window: 200',
      '  Latency limit: 1000 msec',
      '  Concurrency limit: 4 concurrent requests',
      '  Using Binary Search algorithm',
      '  Using asynchronous calls for inference',
      '',
    ]);
    const counted = renderPerfAnalyzerText(recordOf([]), {
      ...settings,
      rangeEnd: undefined,
      requestCount: 200,
      warmupRequestCount: 10,
    });
    expect(counted).toContain(
      'TRITON\n  Sending 10 warmup requests\n  Sending 200 benchmark requests\n  Using synchronous',
    );
  });

  it('leaves out a level that never was stable, and tells of it apart', () => {
    const [level] = httpLevels as [LevelRecord];
    const unstable = { ...level, windowed: { ...level.windowed!, isStable: false } };
    const text = renderPerfAnalyzerText(recordOf([unstable]), { ...settings, rangeEnd: undefined });
    expect(text.endsWith('\n\nRequest concurrency: 1')).toBe(true);
    expect(describeUnstableLevels(recordOf([unstable]))[0]).toMatch(/^Failed to obtain stable measurement within 0 /);
    const csv = renderRunCsv(recordOf([unstable])).split('\n');
    expect(csv).toHaveLength(2);
    expect(csv[0]).toBe(renderRunCsv(recordOf([level])).split('\n')[0]);
  });
});

describe('perf_analyzer’s CSV', () => {
  it('has its columns in its order, and its figures', () => {
    const ours = renderRunCsv(recordOf(httpLevels), { isVerbose: true }).split('\n');
    const theirs = printed('http.csv').split('\n');
    expect(ours[0]).toBe(theirs[0]);
    // Its network share is of a mean that leaves out 5 and 6 microseconds of its own.
    expect(
      ours.map((row) =>
        row.replace('129,24', '127,24').replace('202,87', '200,87').replace(/,323$/, ',318').replace(/,487$/, ',481'),
      ),
    ).toEqual(theirs);
  });

  it('has the GPU columns beside the verbose ones when metrics are collected', () => {
    const csv = renderRunCsv(recordOf(rateLevels), { isVerbose: true, hasGpuMetrics: true });
    const [head, first] = csv.split('\n');
    const [theirHead, theirFirst] = printed('rate.csv').split('\n');
    expect(head).toBe(theirHead);
    // The share of network and server follows from a mean that it does not print.
    const cells = (row: string | undefined) => row?.split(',').filter((_, index) => index !== 3);
    expect(cells(first)).toEqual(cells(theirFirst));
  });

  it('writes one cell a GPU figure, each GPU by its id', () => {
    const gpu = {
      id: 'GPU-1',
      name: 'any',
      utilizationRatio: 0.33,
      powerWatts: 41.5,
      memoryUsedBytes: 1_048_576,
      memoryTotalBytes: 17_179_869_184,
      energyJoules: null,
    };
    const monitors = {
      serverCpuCount: null,
      serverMemoryBytes: null,
      gpus: [gpu, { ...gpu, id: 'GPU-2' }],
      energyPerInferenceJoules: null,
      serverMetrics: null,
    };
    const csv = renderRunCsv(recordOf([{ ...rateLevels[0]!, monitors }]), { isVerbose: true, hasGpuMetrics: true });
    expect(csv.split('\n')[1]).toMatch(
      /,GPU-1:0\.33;GPU-2:0\.33;,GPU-1:41\.5;GPU-2:41\.5;,GPU-1:1\.04858e\+06;GPU-2:1\.04858e\+06;,GPU-1:1\.71799e\+10;GPU-2:1\.71799e\+10;$/,
    );
  });

  it('has batch size, shapes where they vary and verdict behind its columns, and rows by load', () => {
    const [first, second] = sampleRun.levels as [LevelRecord, LevelRecord];
    const at = (level: LevelRecord, batchSize: number, shapes?: string): LevelRecord => ({
      ...level,
      load: { kind: 'closed', concurrency: level === first ? 1 : 2, batchSize, ...(shapes && { shapes }) },
    });
    const cells = (levels: readonly LevelRecord[]): (string | undefined)[][] =>
      renderRunCsv({ ...sampleRun, levels: [...levels] })
        .trim()
        .split('\n')
        .map((row) => [row.split(',')[0], ...row.split(',').slice(13)]);
    const batches = [4, 1, 2].flatMap((batchSize) => [at(second, batchSize), at(first, batchSize)]);
    expect(cells(batches)).toEqual([
      ['Concurrency', 'Batch Size', 'Verdict'],
      ...['1', '2', '4'].flatMap((batchSize) => [
        ['1', batchSize, 'VALID'],
        ['2', batchSize, 'VALID'],
      ]),
    ]);
    const shaped = [at(first, 1, 'x:10'), { ...at(first, 1, 'x:9'), verdict: 'UNSTABLE' as const }];
    expect(cells(shaped)).toEqual([
      ['Concurrency', 'Batch Size', 'Shapes', 'Verdict'],
      ['1', '1', 'x:9', 'UNSTABLE'],
      ['1', '1', 'x:10', 'VALID'],
    ]);
  });

  it('has its columns only, by throughput, for a run judged as it does', () => {
    const slow = { ...httpLevels[0]!, throughputPerSec: { value: 1, low: null, high: null } };
    const csv = renderRunCsv(recordOf([httpLevels[0]!, slow]));
    expect(csv).not.toContain('Verdict');
    expect(csv.split('\n')[1]).toMatch(/^1,1,/);
  });

  it('adds the judged percentile in numeric order', () => {
    const level = { ...httpLevels[0]! };
    const odd = { ...level, windowed: { ...level.windowed!, percentile: { percentile: 75, latencyNs: 400_500 } } };
    const [head, row] = renderRunCsv(recordOf([odd]), { isVerbose: true }).split('\n');
    expect(head).toContain('p50 latency,p75 latency,p90 latency,p95 latency,p99 latency,request/response');
    expect(row).toContain('330,400,449,');
  });
});

describe('a stream number', () => {
  it('has six significant digits as C’s %g', () => {
    const cases: readonly (readonly [number, string])[] = [
      [49.97012, '49.9701'],
      [12345.64, '12345.6'],
      [999999.5, '1e+06'],
      [1234567, '1.23457e+06'],
      [0.0001234567, '0.000123457'],
      [0.00001, '1e-05'],
      [100, '100'],
      [0, '0'],
    ];
    for (const [value, text] of cases) expect(formatStreamNumber(value)).toBe(text);
  });

  it('never strays from the value by more than its sixth digit', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-9, max: 1e12, noNaN: true }), (value) => {
        expect(Math.abs(Number(formatStreamNumber(value)) / value - 1)).toBeLessThan(6e-6);
      }),
    );
  });
});
