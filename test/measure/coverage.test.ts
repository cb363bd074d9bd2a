/** Do intervals contain the truth as often as they claim? Simulated runs whose true values are known exactly. */
import { describe, expect, it } from 'vitest';
import { createRng, type Rng } from '../../src/common/random.js';
import { batchMeans, estimateMean, estimateQuantile } from '../../src/measure/statistics/batch-means.js';
import { meanOf, sortSamples } from '../../src/measure/statistics/percentile.js';

const RUNS = 2000;

type Fill = (values: Float64Array, load: number, rng: Rng) => void;

const exponential = (rng: Rng): number => -Math.log(1 - rng.next());

/** Time in system of successive customers of an M/M/1 queue with mean service 1, in its steady state (Lindley's recursion). */
const fillMarkovQueue: Fill = (times, load, rng) => {
  let wait = rng.next() < load ? exponential(rng) / (1 - load) : 0;
  for (let i = 0; i < times.length; i++) {
    const time = wait + exponential(rng);
    times[i] = time;
    wait = Math.max(0, time - exponential(rng) / load);
  }
};

/** Time in system of an M/D/1 queue with service 1; begins empty, so it runs for long enough to forget that. */
const fillFixedQueue: Fill = (times, load, rng) => {
  const lead = Math.ceil(20 * relaxation(load));
  let wait = 0;
  for (let i = -lead; i < times.length; i++) {
    wait = Math.max(0, wait + 1 - exponential(rng) / load);
    if (i >= 0) times[i] = wait + 1;
  }
};

/** A first-order autoregressive series around 10 with unit noise, in its steady state. */
const fillAutoregressive: Fill = (values, memory, rng) => {
  let x = rng.normal() / Math.sqrt(1 - memory ** 2);
  for (let i = 0; i < values.length; i++) {
    values[i] = 10 + x;
    x = memory * x + rng.normal();
  }
};

/** Requests after which a queue at `load` has forgotten a disturbance, by a factor of e. */
const relaxation = (load: number): number => 1 / (1 - Math.sqrt(load)) ** 2;

const markovMean = (load: number): number => 1 / (1 - load);
/** Pollaczek and Khinchine's formula for fixed service. */
const fixedMean = (load: number): number => 1 + load / (2 * (1 - load));

function meanCoverage(fill: Fill, load: number, length: number, truth: number): number {
  const rng = createRng(17);
  const values = new Float64Array(length);
  let count = 0;
  for (let run = 0; run < RUNS; run++) {
    fill(values, load, rng);
    const [low, high] = estimateMean(batchMeans(values, 20), 0.95).interval;
    if (low <= truth && truth <= high) count++;
  }
  return count / RUNS;
}

const expectNominal = (share: number): void => {
  expect(share).toBeGreaterThanOrEqual(0.935);
  expect(share).toBeLessThanOrEqual(0.965);
};

describe('the simulated queues', () => {
  it.each([
    ['M/M/1', fillMarkovQueue, markovMean(0.6)],
    ['M/D/1', fillFixedQueue, fixedMean(0.6)],
  ] as const)('have the mean time in system that theory gives: %s', (_, fill, truth) => {
    const times = new Float64Array(2_000_000);
    fill(times, 0.6, createRng(3));
    expect(Math.abs(meanOf(times) / truth - 1)).toBeLessThan(0.01);
  });
});

describe('95 % intervals of a mean contain the truth in 93.5 to 96.5 of 100 runs of at least 100 relaxation times', () => {
  it.each([
    [0.5, 3000],
    [0.8, 4000],
    [0.9, 4000],
  ])(
    'for an autoregressive series with memory %f',
    (memory, length) => {
      expectNominal(meanCoverage(fillAutoregressive, memory, length, 10));
    },
    60_000,
  );

  it.each([
    [0.5, 4000],
    [0.7, 8000],
    [0.8, 16_000],
    [0.9, 50_000],
  ])(
    'for the times in an M/M/1 queue at load %f',
    (load, length) => {
      expectNominal(meanCoverage(fillMarkovQueue, load, length, markovMean(load)));
    },
    60_000,
  );

  it.each([
    [0.5, 4000],
    [0.8, 20_000],
    [0.9, 50_000],
  ])(
    'for the times in an M/D/1 queue at load %f',
    (load, length) => {
      expectNominal(meanCoverage(fillFixedQueue, load, length, fixedMean(load)));
    },
    60_000,
  );
});

describe('95 % intervals of percentiles do too', () => {
  it.each([
    ['an autoregressive series with memory 0.8', fillAutoregressive, 0.8, 14_000, [50, 99]],
    ['the times in an M/M/1 queue at load 0.5', fillMarkovQueue, 0.5, 8000, [50, 95]],
  ] as const)(
    'for %s',
    (_, fill, load, length, percentiles) => {
      const rng = createRng(29);
      const times = new Float64Array(length);
      const given = percentiles.map(() => 0);
      const right = percentiles.map(() => 0);
      for (let run = 0; run < RUNS; run++) {
        fill(times, load, rng);
        const ordered = sortSamples(times);
        percentiles.forEach((percentile, index) => {
          const { interval } = estimateQuantile(times, ordered, percentile, 0.95);
          if (interval === undefined) return;
          given[index]!++;
          const truth = trueQuantile(fill, load, percentile);
          if (interval[0] <= truth && truth <= interval[1]) right[index]!++;
        });
      }
      // A percentile that is mostly withheld would be judged by the runs that happened to look calm.
      for (const count of given) expect(count / RUNS).toBeGreaterThan(0.95);
      right.forEach((count, index) => {
        expectNominal(count / given[index]!);
      });
    },
    60_000,
  );
});

const normalQuantiles: Readonly<Record<number, number>> = { 50: 0, 95: 1.644854, 99: 2.326348 };

function trueQuantile(fill: Fill, load: number, percentile: number): number {
  if (fill === fillAutoregressive) return 10 + normalQuantiles[percentile]! / Math.sqrt(1 - load ** 2);
  return -Math.log(1 - percentile / 100) / (1 - load);
}

describe('stopping at a precision', () => {
  it('does not make intervals miss more often, with few looks at a stricter confidence', () => {
    const rng = createRng(41);
    const looks = [4000, 5200, 6760, 8788, 11_424, 14_852, 19_307];
    const values = new Float64Array(looks.at(-1)!);
    const sizes = new Set<number>();
    let count = 0;
    for (let run = 0; run < RUNS; run++) {
      fillMarkovQueue(values, 0.5, rng);
      const stop = looks.find((length) => {
        const { mean, halfWidth } = estimateMean(batchMeans(values.subarray(0, length), 20), 1 - 0.05 / 8);
        return halfWidth / mean <= 0.11;
      });
      sizes.add(stop ?? 0);
      const [low, high] = estimateMean(batchMeans(values.subarray(0, stop ?? looks.at(-1)), 20), 0.95).interval;
      if (low <= 2 && 2 <= high) count++;
    }
    expect(sizes.size).toBeGreaterThan(4);
    expect(count / RUNS).toBeGreaterThanOrEqual(0.93);
  }, 60_000);
});

describe('intervals as independent samples would give them', () => {
  it('miss the truth far more often, so the batches are needed', () => {
    const rng = createRng(5);
    const values = new Float64Array(2000);
    let count = 0;
    for (let run = 0; run < RUNS; run++) {
      fillAutoregressive(values, 0.8, rng);
      const mean = meanOf(values);
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
      if (Math.abs(mean - 10) <= 1.96 * Math.sqrt(variance / values.length)) count++;
    }
    expect(count / RUNS).toBeLessThan(0.6);
  });
});
