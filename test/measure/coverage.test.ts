/** Do intervals contain the truth as often as they claim? Simulated runs whose true values are known exactly. */
import { describe, expect, it } from 'vitest';
import { createRng, type Rng } from '../../src/common/random.js';
import { batchMeans, estimateMean, estimateQuantile } from '../../src/measure/batch-means.js';
import { meanOf, sortSamples } from '../../src/measure/percentile.js';

const RUNS = 1000;

/** Time in system of successive customers of an M/M/1 queue with mean service 1, in its steady state (Lindley's recursion). */
function fillQueue(times: Float64Array, load: number, rng: Rng): void {
  const exponential = (): number => -Math.log(1 - rng.next());
  let wait = rng.next() < load ? exponential() / (1 - load) : 0;
  for (let i = 0; i < times.length; i++) {
    const time = wait + exponential();
    times[i] = time;
    wait = Math.max(0, time - exponential() / load);
  }
}

/** A first-order autoregressive series around 10 with unit noise, in its steady state. */
function fillAutoregressive(values: Float64Array, memory: number, rng: Rng): void {
  let x = rng.normal() / Math.sqrt(1 - memory ** 2);
  for (let i = 0; i < values.length; i++) {
    values[i] = 10 + x;
    x = memory * x + rng.normal();
  }
}

function coverage(contains: () => boolean): number {
  let count = 0;
  for (let run = 0; run < RUNS; run++) if (contains()) count++;
  return count / RUNS;
}

describe('the simulated queue', () => {
  it('has the mean time in system that theory gives, 1 / (1 - load)', () => {
    const times = new Float64Array(2_000_000);
    fillQueue(times, 0.6, createRng(3));
    expect(meanOf(times)).toBeGreaterThan(2.5 * 0.99);
    expect(meanOf(times)).toBeLessThan(2.5 * 1.01);
  });
});

describe('95 % intervals', () => {
  it.each([
    [0.3, 4000],
    [0.6, 8000],
    [0.8, 20_000],
  ])(
    'of the mean latency of a queue at load %f contain the truth in 93 to 97 of 100 runs',
    (load, length) => {
      const rng = createRng(17);
      const times = new Float64Array(length);
      const share = coverage(() => {
        fillQueue(times, load, rng);
        const { mean, halfWidth } = estimateMean(batchMeans(times, 20), 0.95);
        return Math.abs(mean - 1 / (1 - load)) <= halfWidth;
      });
      expect(share).toBeGreaterThanOrEqual(0.93);
      expect(share).toBeLessThanOrEqual(0.97);
    },
    60_000,
  );

  it.each([0.3, 0.6, 0.8])(
    'of the mean of an autoregressive series with memory %f do too',
    (memory) => {
      const rng = createRng(5);
      const values = new Float64Array(2000);
      const share = coverage(() => {
        fillAutoregressive(values, memory, rng);
        const { mean, halfWidth } = estimateMean(batchMeans(values, 20), 0.95);
        return Math.abs(mean - 10) <= halfWidth;
      });
      expect(share).toBeGreaterThanOrEqual(0.93);
      expect(share).toBeLessThanOrEqual(0.97);
    },
    60_000,
  );

  it.each([
    [0.3, 6000],
    [0.6, 20_000],
  ])(
    'of p50 and p95 of a queue at load %f do too',
    (load, length) => {
      const rng = createRng(29);
      const times = new Float64Array(length);
      const hits = { 50: 0, 95: 0 };
      for (let run = 0; run < RUNS; run++) {
        fillQueue(times, load, rng);
        const ordered = sortSamples(times);
        for (const percentile of [50, 95] as const) {
          const { interval } = estimateQuantile(times, ordered, percentile, 0.95);
          const truth = -Math.log(1 - percentile / 100) / (1 - load);
          if (interval !== undefined && interval[0] <= truth && truth <= interval[1]) hits[percentile]++;
        }
      }
      for (const count of Object.values(hits)) {
        expect(count / RUNS).toBeGreaterThanOrEqual(0.93);
        expect(count / RUNS).toBeLessThanOrEqual(0.975);
      }
    },
    60_000,
  );

  it('as independent samples would give them miss it far more often, so the batches are needed', () => {
    const rng = createRng(5);
    const values = new Float64Array(2000);
    const share = coverage(() => {
      fillAutoregressive(values, 0.8, rng);
      const mean = meanOf(values);
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
      return Math.abs(mean - 10) <= 1.96 * Math.sqrt(variance / values.length);
    });
    expect(share).toBeLessThan(0.6);
  });
});
