/** The files and texts of a real run of the bundled engine. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { percentileOf, sortSamples } from '../../src/measure/statistics/percentile.js';
import { nearestPercentile } from '../../src/measure/windows/window-stability.js';
import { type LevelRecord, runRecordSchema } from '../../src/record/run-record.js';
import { runPerfTs } from '../support/run-perf-ts.js';

interface Experiment {
  readonly requests: readonly { readonly timestamp: number; readonly response_timestamps: readonly number[] }[];
}

/** The file's times as a reader has them: doubles, which are 256 ns apart in this century. */
function expectFigures(
  { requests }: Experiment,
  level: LevelRecord,
  percentileOf: (sorted: Float64Array, percentile: number) => number,
): void {
  const latencies = Float64Array.from(requests, (one) => one.response_timestamps[0]! - one.timestamp).sort();
  expect(latencies).toHaveLength(level.requestCount);
  const mean = latencies.reduce((sum, value) => sum + value, 0) / latencies.length;
  expect(Math.abs(mean - level.latencyNs!.mean)).toBeLessThan(600);
  for (const [percentile, name] of [
    [50, 'p50'],
    [99, 'p99'],
  ] as const) {
    expect(Math.abs(percentileOf(latencies, percentile) - level.latencyNs![name])).toBeLessThan(600);
  }
}

const target = ['-m', 'identity', '--server', 'embedded'];

describe('a run as perf_analyzer', { timeout: 90_000 }, () => {
  it('prints its text, writes its files, and keeps every window in the record', async () => {
    const outputs = ['-f', 'out.csv', '--verbose-csv', '--profile-export-file', 'out.json'];
    const words = ['--concurrency-range', '1:2', '-p', '300', '-s', '90', '-r', '6', '-v', '--compat', 'perf_analyzer'];
    const run = await runPerfTs([...target, ...words, ...outputs]);
    expect(run.stdout.split('\n').slice(0, 9)).toEqual([
      '*** Measurement Settings ***',
      '  Batch size: 1',
      '  Service Kind: TRITON',
      '  Using "time_windows" mode for stabilization',
      '  Stabilizing using average latency and throughput',
      '  Measurement window: 300 msec',
      '  Latency limit: 0 msec',
      '  Concurrency limit: 2 concurrent requests',
      '  Using synchronous calls for inference',
    ]);
    expect(run.stdout).toMatch(/\nRequest concurrency: 1\n {2}Pass \[1\] throughput: /);
    expect(run.stderr).toContain('report.html');
    expect(run.survivors).toEqual([]);

    const [folder = ''] = readdirSync(join(run.folder, 'results'));
    const text = readFileSync(join(run.folder, 'results', folder, 'run.json'), 'utf8');
    const record = runRecordSchema.parse(JSON.parse(text));
    expect(record.target.protocol).toBe('http');
    expect(record.levels[0]?.load).toMatchObject({ kind: 'closed', concurrency: 1 });
    const windows = record.levels[0]?.windowed?.windows ?? [];
    expect(windows.length).toBeGreaterThanOrEqual(3);
    for (const { startNs, endNs } of windows) expect((endNs - startNs) / 1e6).toBeCloseTo(360, 0);

    const [head = ''] = readFileSync(join(run.folder, 'out.csv'), 'utf8').split('\n');
    expect(head).toMatch(/^Concurrency,Inferences\/Second,Client Send,Network\+Server Send\/Recv,.*,response wait$/);
    const profile = JSON.parse(readFileSync(join(run.folder, 'out.json'), 'utf8'));
    expect(profile.experiments).toHaveLength(record.levels.length);
    // Those that are reported.
    expect(profile.experiments[0].window_boundaries).toHaveLength(4);
    for (const [index, level] of record.levels.entries()) {
      expectFigures(profile.experiments[index], level, (sorted, percentile) => nearestPercentile(sorted, percentile)!);
    }
    const [first] = profile.experiments[0].requests;
    expect(Math.abs(first.timestamp / 1e6 - Date.now())).toBeLessThan(120_000);

    await runPerfTs(['report', join('results', folder), '-o', 'again.html'], { folder: run.folder });
    expect(readFileSync(join(run.folder, 'again.html'), 'utf8')).toMatch(/^<!doctype html>/);
    await runPerfTs(['report', join('results', folder), '-o', 'again.csv'], { folder: run.folder });
    expect(readFileSync(join(run.folder, 'again.csv'), 'utf8')).toMatch(/^Concurrency,/);
  });

  it.each([
    ['closed', ['--concurrency-range', '2']],
    ['open', ['--request-rate-range', '200', '--request-distribution', 'poisson']],
    ['several visits, which are without tensors', ['--concurrency-range', '2', '--profile-export-tensors', 'none']],
  ])('exports what its own figures are made of: %s', async (_, words) => {
    const outputs = ['--profile-export-file', 'out.json', '--json', '--max-time', '3s'];
    const run = await runPerfTs([...target, ...words, ...outputs]);
    const { levels } = runRecordSchema.parse(JSON.parse(run.stdout));
    const { experiments } = JSON.parse(readFileSync(join(run.folder, 'out.json'), 'utf8'));
    expect(experiments).toHaveLength(1);
    expect(levels[0]!.requestCount).toBeGreaterThan(100);
    expect('request_inputs' in experiments[0].requests[0]).toBe(!words.includes('none'));
    expectFigures(experiments[0], levels[0]!, (sorted, percentile) => percentileOf(sortSamples(sorted), percentile));
  });

  it('does not start when the profile export exists', async () => {
    const earlier = await runPerfTs(['--version']);
    writeFileSync(join(earlier.folder, 'mine.json'), 'mine');
    const words = [...target, '--profile-export-file', 'mine.json', '--max-time', '300ms'];
    const run = await runPerfTs(words, { folder: earlier.folder });
    expect(run.code).toBe(3);
    expect(run.stderr).toContain('--profile-export-file mine.json: exists already');
    expect(readdirSync(earlier.folder)).toEqual(['mine.json']);
  });
});

describe('the name alone', { timeout: 30_000 }, () => {
  it('says what to type first, in lines that fit a terminal, and that nothing was done', async () => {
    const run = await runPerfTs([]);
    expect(run.code).toBe(3);
    expect(run.stdout).toBe('');
    expect(run.stderr).toContain('perf-ts -m text_recognition');
    for (const line of run.stderr.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });
});

describe('a comparison of clients', { timeout: 120_000 }, () => {
  it('sends the same load through every client and says where the difference goes', async () => {
    const run = await runPerfTs([
      ...target,
      '--concurrency-range',
      '2',
      '--max-time',
      '300ms',
      '--compare-clients',
      '--json',
    ]);
    const record = runRecordSchema.parse(JSON.parse(run.stdout));
    const comparison = record.clientComparison;
    const names = comparison?.paths.map(({ path }) => path) ?? [];
    const skipped = comparison?.skipped.map(({ path }) => path) ?? [];
    expect([...names, ...skipped].sort()).toEqual([
      'grpc-js',
      'grpc-js-gzip',
      'grpc-js-new-channel',
      'grpc-wire',
      'grpc-wire-shared-memory',
      'http',
      'http-gzip',
      'http-shared-memory',
    ]);
    expect(names.length).toBeGreaterThanOrEqual(2);
    for (const { path, requestsPerSec, throughputRatio, explanation } of comparison?.paths ?? []) {
      expect(requestsPerSec).toBeGreaterThan(0);
      const isFastest = path === comparison?.fastest;
      expect(explanation === '').toBe(isFastest);
      if (isFastest) expect(throughputRatio.value).toBeCloseTo(1, 9);
    }
    expect(run.survivors).toEqual([]);
  });
});
