import { describe, expect, it } from 'vitest';
import { createRng } from '../../../src/common/random.js';
import { instant, millis, seconds } from '../../../src/common/units.js';
import { judgeRate, neededRequests } from '../../../src/measure/peak/judge-rate.js';
import { measurePeak } from '../../../src/measure/peak/measure-peak.js';
import type { LevelBase, MeasureOne } from '../../../src/measure/run-levels.js';
import { summarizeLevel } from '../../../src/measure/summarize-level.js';
import type { LoadPlan, OpenLevel, StopRule } from '../../../src/plan/load-plan.js';
import type { LevelRecord } from '../../../src/record/run-record.js';
import { columnsOf, type RequestRow } from '../../support/request-rows.js';
import { samplePlan } from '../../support/sample-plan.js';
import { sampleLevel } from '../../support/sample-records.js';

const rule: StopRule = { minDuration: seconds(5), maxDuration: seconds(7), targetHalfWidth: 0.1 };
const SERVED_PER_SEC = 1000;
const LIMIT = millis(20);
/** Sojourn times of M/M/1 are exponential with the rate mu - lambda. */
const TRUTH = SERVED_PER_SEC - Math.log(100) / (LIMIT / 1e9);

interface Server {
  readonly servedPerSec: number;
  /** Chance that a level is hit by one stall of `stallNs`. */
  readonly stallChance: number;
  readonly stallNs: number;
}

/** One level of Poisson arrivals at a queue with exponential service times, by Lindley's recursion. */
function simulate(level: OpenLevel, lengthNs: number, server: Server): LevelRecord {
  const rng = createRng(level.seed);
  const exponential = (ratePerSec: number): number => (-Math.log(1 - rng.next()) / ratePerSec) * 1e9;
  const stallAt = rng.next() < server.stallChance ? lengthNs * (0.2 + 0.6 * rng.next()) : Infinity;
  const rows: RequestRow[] = [];
  let free = 0;
  for (let at = exponential(level.requestRatePerSec); at < lengthNs; at += exponential(level.requestRatePerSec)) {
    let start = Math.max(at, free);
    if (start >= stallAt && start < stallAt + server.stallNs) start = stallAt + server.stallNs;
    free = start + exponential(server.servedPerSec);
    rows.push({ intended: at, received: free });
  }
  rows.sort((a, b) => a.received - b.received);
  return summarizeLevel(
    {
      level,
      rule,
      columns: columnsOf(rows),
      begin: instant(0),
      end: instant(lengthNs),
      endReason: 'time-over',
      errors: {},
      maxBusyRatio: 0.1,
      cpuNs: 0,
    },
    () => undefined,
  );
}

const planOf = (seed: number): LoadPlan => ({
  ...samplePlan({
    load: { kind: 'open', arrival: { kind: 'poisson' }, maxInFlight: 16_384 },
    sequence: { kind: 'peak' },
    stopRule: rule,
    latencyLimit: LIMIT,
    latencyPercentile: 99,
  }),
  seed,
});

async function search(seed: number, server: Server, startPerSec?: number) {
  const plan = planOf(seed);
  const base: LevelBase = { batchSize: 1 };
  const lengths: number[] = [];
  const measureOne: MeasureOne = (level, { rule: own = rule }) => {
    const open =
      level.kind === 'open'
        ? level
        : ({
            ...level,
            kind: 'open',
            requestRatePerSec: 2 * server.servedPerSec,
            arrival: { kind: 'poisson' },
            maxInFlight: 16,
            seed,
          } as OpenLevel);
    lengths.push(own.minDuration);
    const record = simulate(open, own.minDuration, server);
    return Promise.resolve({ level: record, latencyNs: record.latencyNs?.p99 });
  };
  const sequence = { kind: 'peak' as const, ...(startPerSec !== undefined && { start: startPerSec }) };
  return { found: (await measurePeak(plan, sequence, base, measureOne))!, lengths };
}

describe('the highest rate of a simulated server', () => {
  it('is found within 8% of the truth for 20 seeds, though a stall hits every tenth level', {
    timeout: 120_000,
  }, async () => {
    const rates: number[] = [];
    for (let seed = 1; seed <= 20; seed++) {
      const { found } = await search(seed, { servedPerSec: SERVED_PER_SEC, stallChance: 0.1, stallNs: 200e6 }, 300);
      expect(found.record.isConfirmed).toBe(true);
      rates.push(found.record.requestRatePerSec!.value);
    }
    const errors = rates.map((rate) => rate / TRUTH - 1);
    expect(Math.max(...errors)).toBeLessThan(0.08);
    expect(Math.min(...errors)).toBeGreaterThan(-0.08);
  });

  it('lets a probe last until its percentile has enough requests', async () => {
    const { found, lengths } = await search(3, { servedPerSec: 60, stallChance: 0, stallNs: 0 }, 20);
    expect(Math.max(...lengths)).toBe(4 * rule.maxDuration);
    expect(found.record.probes.length).toBeLessThan(40);
  });

  it('stays undecided, with what it would take, where even that is too short', async () => {
    const { found } = await search(3, { servedPerSec: 4, stallChance: 0, stallNs: 0 }, 1);
    expect(found.record).toMatchObject({ requestRatePerSec: null, isConfirmed: false });
  });
});

describe('the judgement of a probe', () => {
  const limit = { latencyLimit: millis(50), percentile: 99, maxErrorRatio: 0.01 };
  const level = (changes: Partial<LevelRecord> = {}): LevelRecord => ({
    ...sampleLevel({ concurrency: 4, throughput: 391.2 }),
    load: { kind: 'open', requestRatePerSec: 391.2, arrival: 'constant', batchSize: 1 },
    ...changes,
  });

  it('needs five requests beyond the percentile, and thirty for anything', () => {
    expect(neededRequests(limit)).toBe(500);
    expect(neededRequests({ ...limit, percentile: 50 })).toBe(30);
    expect(neededRequests({ ...limit, percentile: undefined })).toBe(30);
    expect(judgeRate(level(), limit, false)).toBe('pass');
    expect(judgeRate(level({ requestCount: 499 }), limit, true)).toBe('unclear');
  });

  it('fails with few requests where half of them took longer than the limit', () => {
    expect(judgeRate(level({ requestCount: 12 }), { ...limit, latencyLimit: millis(5) }, false)).toBe('fail');
    expect(judgeRate(level({ requestCount: 9 }), { ...limit, latencyLimit: millis(5) }, false)).toBe('unclear');
  });

  it('is not held against the server where the host was busy or perf-ts stood still', () => {
    const late = { ...limit, latencyLimit: millis(8) };
    const warnings = [{ code: 'HOST_BUSY', message: 'busy' }];
    expect(judgeRate(level(), late, true)).toBe('fail');
    expect(judgeRate(level({ warnings, isSteady: false, verdict: 'UNSTABLE' }), late, true)).toBe('unclear');
    expect(judgeRate(level({ warnings }), late, true)).toBe('fail');
  });

  it('fails beyond the one limit of failed requests', () => {
    expect(judgeRate(level({ errorRatio: 0.009 }), limit, false)).toBe('pass');
    expect(judgeRate(level({ errorRatio: 0.011 }), limit, false)).toBe('fail');
  });
});
