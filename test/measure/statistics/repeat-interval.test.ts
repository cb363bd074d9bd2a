/** Twenty identical runs on a host that drifts: how many intervals hold the mean of all? */
import { describe, expect, it } from 'vitest';
import { estimateMean } from '../../../src/measure/statistics/batch-means.js';
import {
  assumedDrift,
  type HostDrift,
  repeatInterval,
  visitSpread,
} from '../../../src/measure/statistics/repeat-interval.js';
import { BATCH_SEC, createDriftingHost, type DriftingHost } from '../../support/drifting-host.js';

const RUNS = 20;
const HOSTS = 60;
/** Between the starts of two runs: a run, its server's start and its report. */
const GAP_SEC = 12;

interface Schedule {
  readonly visitCount: number;
  readonly visitSec: number;
  /** From the begin of a visit to that of the next. */
  readonly everySec: number;
}

interface Measured {
  readonly mean: number;
  readonly within: readonly [number, number];
  readonly repeat: readonly [number, number];
}

function measure(host: (atSec: number) => number, beginSec: number, schedule: Schedule, drift: HostDrift): Measured {
  const { visitCount, visitSec, everySec } = schedule;
  const visits = Array.from({ length: visitCount }, (_, visit) => {
    const at = beginSec + visit * everySec;
    const batches = Float64Array.from({ length: visitSec / BATCH_SEC }, (_, batch) => host(at + batch * BATCH_SEC));
    return { atNs: (at + visitSec / 2) * 1e9, batches, value: meanOf(batches) };
  });
  const mean = meanOf(visits.map(({ value }) => value));
  const centred = Float64Array.from(
    visits.flatMap(({ batches, value }) => [...batches].map((rate) => rate - value + mean)),
  );
  const [low, high] = estimateMean(centred, 0.95).interval;
  return { mean, within: [low, high], repeat: repeatInterval(visits, { value: mean, low, high }, drift) };
}

const meanOf = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

/** Of twenty runs on each of sixty hosts, how many intervals hold the mean of their twenty, on which share of hosts 17 do, and their mean half width. */
function coverage(kind: DriftingHost, schedule: Schedule, drift = assumedDrift) {
  let [within, repeat, width, hosts] = [0, 0, 0, 0];
  for (let seed = 1; seed <= HOSTS; seed++) {
    const host = createDriftingHost(kind, seed);
    const runs = Array.from({ length: RUNS }, (_, run) =>
      measure(host, run * (GAP_SEC + schedule.visitCount * schedule.everySec), schedule, drift),
    );
    const all = meanOf(runs.map(({ mean }) => mean));
    const holds = ([low, high]: readonly [number, number]): boolean => low <= all && all <= high;
    const held = runs.filter((run) => holds(run.repeat)).length;
    within += runs.filter((run) => holds(run.within)).length;
    repeat += held;
    if (held >= 17) hosts++;
    width += meanOf(runs.map((run) => (run.repeat[1] - run.repeat[0]) / 2 / run.mean));
  }
  return { within: within / HOSTS, repeat: repeat / HOSTS, width: width / HOSTS, shareOfHosts: hosts / HOSTS };
}

/** As hosts were found: runs differ by 7%, and stretches of five seconds by far less. */
const usual: DriftingHost = { driftRatio: 0.07, correlationSec: 30, batchNoise: 0.03 };
const oneStretch: Schedule = { visitCount: 1, visitSec: 5, everySec: 5 };
/** One level alone: four visits of 1.25 s within 7.5 s. */
const alone: Schedule = { visitCount: 4, visitSec: 1.25, everySec: 2 };
/** One of seven levels: the others lie between its visits. */
const interleaved: Schedule = { visitCount: 4, visitSec: 1.25, everySec: 8.75 };
const measured = (ratio: number, correlationSec: number): HostDrift => ({
  ratio,
  correlationNs: correlationSec * 1e9,
  freedom: 6,
  isMeasured: true,
});

describe('the interval of a repeat', () => {
  it('is needed: one stretch of five seconds shows little of the drift', () => {
    expect(coverage(usual, oneStretch).within).toBeLessThan(8);
    expect(coverage(usual, alone).within).toBeLessThan(8);
  });

  it.each([
    ['a level alone', alone, assumedDrift],
    ['a level among six others', interleaved, assumedDrift],
    ['a level alone on a calibrated host', alone, measured(0.07, 30)],
    ['a level among six others on a calibrated host', interleaved, measured(0.07, 30)],
    ['a level too slow for more than one visit', oneStretch, assumedDrift],
  ] as const)('holds the mean of twenty runs in at least 17 of them, on 19 hosts of 20: %s', (_, schedule, drift) => {
    const found = coverage(usual, schedule, drift);
    expect(found.repeat).toBeGreaterThanOrEqual(19);
    expect(found.shareOfHosts).toBeGreaterThanOrEqual(0.95);
  });

  it.each([
    [0.07, 10],
    [0.07, 60],
    [0.1, 30],
    [0.15, 30],
    [0.03, 30],
  ])('holds it on a calibrated host that drifts by %f over %i s', (ratio, correlationSec) => {
    const found = coverage({ ...usual, driftRatio: ratio, correlationSec }, alone, measured(ratio, correlationSec));
    expect(found.repeat).toBeGreaterThanOrEqual(19);
    expect(found.shareOfHosts).toBeGreaterThanOrEqual(0.95);
  });

  it('claims more where the host was found to be quiet', () => {
    const quiet = { ...usual, driftRatio: 0.01 };
    const found = coverage(quiet, alone, measured(0.01, 30));
    expect(found.repeat).toBeGreaterThanOrEqual(19);
    expect(found.width).toBeLessThan(0.03);
    expect(coverage(quiet, alone).width).toBeGreaterThan(0.1);
  });

  it('is widened by visits that differ more than the kept drift', () => {
    const at = (values: readonly number[]) => values.map((value, index) => ({ atNs: index * 60e9, value }));
    const within = { value: 100, low: 98, high: 102 };
    const halfWidth = ([low, high]: readonly [number, number]): number => (high - low) / 200;
    const calm = halfWidth(repeatInterval(at([99, 101, 100, 100]), within, measured(0.02, 30)));
    const torn = halfWidth(repeatInterval(at([70, 130, 80, 120]), within, measured(0.02, 30)));
    expect(calm).toBeLessThan(0.05);
    expect(torn).toBeGreaterThan(0.4);
    expect(visitSpread(at([70, 130, 80, 120]))).toBeGreaterThan(0.25);
    expect(visitSpread(at([70]))).toBe(0);
  });

  it('never falls below zero', () => {
    const [low] = repeatInterval(
      [
        { atNs: 0, value: 1 },
        { atNs: 1e9, value: 100 },
      ],
      { value: 50, low: -30, high: 90 },
      assumedDrift,
    );
    expect(low).toBe(0);
  });
});
