import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HistogramLogReader } from 'hdr-histogram-js';
import { describe, expect, it } from 'vitest';
import { millis } from '../../src/common/units.js';
import { addZooModels } from '../../src/onnx/zoo/zoo.js';
import { samplesFile } from '../../src/record/run-store.js';
import { readSamples } from '../../src/record/samples-file.js';
import { type MeasurementOptions, runMeasurement } from '../../src/run/run-measurement.js';
import { concurrencyOf } from '../support/concurrency-of.js';

const listener = { say: () => undefined, onProgress: () => undefined, onLevel: () => undefined };

async function optionsFor(plan: Partial<MeasurementOptions['plan']> = {}): Promise<MeasurementOptions> {
  const folder = mkdtempSync(join(tmpdir(), 'perf-ts-run-'));
  await addZooModels(['identity'], join(folder, 'models'));
  return {
    target: {
      server: 'embedded',
      endpoint: undefined,
      protocol: 'http',
      model: 'identity',
      modelVersion: '',
      modelRepository: join(folder, 'models'),
    },
    plan: {
      sequence: { kind: 'stepped', values: [1, 2] },
      stopRule: { minDuration: millis(300), maxDuration: millis(600), targetHalfWidth: 0.5 },
      ...plan,
    },
    resultsFolder: join(folder, 'results'),
    command: ['perf-ts', '-m', 'identity'],
  };
}

describe('one measuring run', { timeout: 30_000 }, () => {
  it('keeps the record, every sample and the latencies of each level', async () => {
    const { record, store, failure } = await runMeasurement(await optionsFor(), listener, new AbortController().signal);
    expect(failure).toBeUndefined();
    expect(record).toMatchObject({ state: 'complete', target: { kind: 'embedded', protocol: 'http' } });
    expect(record.levels.map(({ load }) => concurrencyOf(load))).toEqual([1, 2]);
    const log = new HistogramLogReader(readFileSync(join(store.path, 'latency.hlog'), 'utf8'));
    for (const [index, level] of record.levels.entries()) {
      const samples = await readSamples(join(store.path, samplesFile(index)));
      const successCount = samples.outcomes.filter((outcome) => outcome === 1).length;
      expect(successCount).toBeGreaterThanOrEqual(level.requestCount);
      expect(log.nextIntervalHistogram()?.totalCount).toBe(successCount);
    }
  });

  it('leaves no folder behind when the plan is wrong', async () => {
    const options = await optionsFor({ batchSizes: [1000] });
    const run = runMeasurement(options, listener, new AbortController().signal);
    await expect(run).rejects.toMatchObject({ code: 'BAD_OPTION' });
    expect(existsSync(options.resultsFolder)).toBe(false);
  });
});
