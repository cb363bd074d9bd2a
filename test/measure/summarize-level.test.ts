import { describe, expect, it } from 'vitest';
import { outcomeCodes } from '../../src/client/outcome.js';
import { instant, seconds } from '../../src/common/units.js';
import { LongLevel } from '../../src/measure/long/long-level.js';
import { limitLatency } from '../../src/measure/peak/limit-latency.js';
import { type LevelSamples, summarizeLevel } from '../../src/measure/summarize-level.js';
import { levelRecordSchema } from '../../src/record/run-record.js';
import { columnsOf, consecutiveRows, type RequestRow } from '../support/request-rows.js';
import { simulateRows } from '../support/simulated-pool.js';

const rule = { minDuration: seconds(2), maxDuration: seconds(10), targetHalfWidth: 0.05 };

function summarize(rows: readonly RequestRow[], changes: Partial<LevelSamples> = {}) {
  const samples: LevelSamples = {
    level: { kind: 'closed', concurrency: 1, batchSize: 1 },
    rule,
    columns: columnsOf(rows),
    begin: instant(0),
    end: instant(10e9),
    endReason: 'target-met',
    errors: {},
    maxBusyRatio: 0.1,
    cpuNs: 1e9,
    ...changes,
  };
  return levelRecordSchema.parse(summarizeLevel(samples, () => undefined));
}

describe('the record of a level', () => {
  it('has the exact numbers of a server that takes 10 ms for each request', () => {
    const record = summarize(consecutiveRows(0, 10e9, () => 10e6));
    expect(record).toMatchObject({
      verdict: 'VALID',
      throughputPerSec: { value: 100, low: 100, high: 100 },
      requestsPerSec: 100,
      latencyNs: { mean: 10e6, p50: 10e6, p90: 10e6, p95: 10e6, p99: 10e6, p99_9: 10e6, max: 10e6 },
      requestCount: 1000,
      errorCount: 0,
      durationNs: 10e9,
      warmupNs: 0,
      clientCpuNsPerRequest: 1e6,
      server: null,
    });
  });

  it.each([97, 99.5])('takes p%s from the measured window, of a long level too', (percentile) => {
    // A second of slow requests to warm up, then latencies of 1.00 to 10.99 ms, a thousandth of the requests each.
    const slow = consecutiveRows(0, 2e9, () => 200e6);
    let index = 0;
    const rows = [...slow, ...consecutiveRows(2e9, 40e9, () => 1e6 + ((index++ * 617) % 1000) * 1e4)];
    const expected = 1e6 + (percentile / 100) * 1000 * 1e4;
    const own = summarize(rows, { end: instant(40e9), percentile });
    expect(own.warmupNs).toBeGreaterThanOrEqual(1.5e9);
    expect(own.otherPercentile).toMatchObject({ percentile });
    expect(own.otherPercentile!.latencyNs / expected).toBeCloseTo(1, 2);

    const long = new LongLevel(instant(2e9), 64);
    long.absorb(columnsOf(rows));
    const found = summarize([], { columns: long.sample(), long, end: instant(40e9), percentile });
    expect(found.requestCount).toBe(rows.length - slow.length);
    expect(found.otherPercentile!.latencyNs / expected).toBeCloseTo(1, 2);
    expect(limitLatency(found, percentile)).toBe(found.otherPercentile!.latencyNs);
    // Those that every record has need no second place.
    expect(summarize(rows, { percentile: 99 })).not.toHaveProperty('otherPercentile');
  });

  it('counts inferences as requests times batch size', () => {
    const record = summarize(
      consecutiveRows(0, 10e9, () => 10e6),
      {
        level: { kind: 'closed', concurrency: 1, batchSize: 8 },
      },
    );
    expect(record.throughputPerSec.value).toBeCloseTo(800, 9);
    expect(record.requestsPerSec).toBeCloseTo(100, 9);
    expect(record.timeline[5]!.throughputPerSec).toBeCloseTo(800, 9);
  });

  it('counts latency from the intended start and service from the send', () => {
    const rows = consecutiveRows(0, 10e9, () => 10e6).map((row) => ({ ...row, sent: row.intended + 0.3e6 }));
    const record = summarize(rows);
    expect(record.latencyNs!.p50).toBe(10e6);
    expect(record.serviceNs!.p50).toBe(9.7e6);
    expect(record.sendLagNs).toEqual({ p50: 0.3e6, p99: 0.3e6, max: 0.3e6 });
  });

  it('takes figures of speed from successful requests only, and counts failures of the whole level by cause', () => {
    const rows = consecutiveRows(0, 10e9, () => 10e6).map((row, i) =>
      i % 10 === 0 ? { ...row, received: row.intended + 1e6, outcome: outcomeCodes.timeout } : row,
    );
    const record = summarize(rows, { errors: { 'DEADLINE_EXCEEDED: too late': 60, 'UNAVAILABLE: busy': 40 } });
    expect(record.throughputPerSec.value).toBeCloseTo(90, 0);
    expect(record.latencyNs!.mean).toBe(10e6);
    expect(record.errorCount).toBe(100);
    expect(record.errors).toEqual({ 'DEADLINE_EXCEEDED: too late': 60, 'UNAVAILABLE: busy': 40 });
  });

  it('follows a request sent inside the window to its end, so a server that hangs at the end shows', () => {
    const rows = [...consecutiveRows(0, 8e9, () => 10e6), { intended: 8e9, received: 12e9 }];
    const record = summarize(rows);
    expect(record.latencyNs!.max).toBe(4e9);
    expect(record.throughputPerSec.value).toBeLessThan(81);
  });

  it('leaves out what was sent after the end', () => {
    const record = summarize(consecutiveRows(0, 10.5e9, () => 10e6));
    expect(record.requestCount).toBe(1000);
  });

  it('cuts the warm-up and says how much', () => {
    const record = summarize(consecutiveRows(0, 10e9, (at) => (at < 1e9 ? 50e6 : 10e6)));
    expect(record.warmupNs).toBeGreaterThanOrEqual(1e9);
    expect(record.warmupNs).toBeLessThan(1.6e9);
    expect(record.warmupNs + record.durationNs).toBe(10e9);
    expect(record.warmupRequestCount).toBeGreaterThanOrEqual(20);
    expect(record.latencyNs!.max).toBe(10e6);
    expect(record.throughputPerSec.value).toBeCloseTo(100, 6);
  });

  it('agrees with the law of the closed loop: concurrency = throughput x mean latency', () => {
    const columns = simulateRows({ serviceNs: (i) => 4e6 + (i % 5) * 1e6, parallel: 2, horizonNs: 12e9 }, 16, 0);
    const record = summarize([], { columns, level: { kind: 'closed', concurrency: 16, batchSize: 1 } });
    expect((record.requestsPerSec * record.latencyNs!.mean) / 1e9).toBeCloseTo(16, 1);
    expect(record.throughputPerSec.value).toBeCloseTo(2 / 0.006, 0);
  });

  it('shows a stall in the plot of its time and keeps it in the numbers', () => {
    const record = summarize(consecutiveRows(0, 10e9, (at) => (at === 5e9 ? 1e9 : 10e6)));
    expect(record.latencyNs!.max).toBe(1e9);
    const slow = record.timeline.filter(({ throughputPerSec }) => throughputPerSec < 50);
    expect(slow.length).toBeGreaterThanOrEqual(5);
    expect(slow[0]!.startNs + record.warmupNs).toBeGreaterThan(4.8e9);
  });

  it('has no interval and no latency where there is nothing to take them from', () => {
    expect(summarize([], { errors: { timeout: 3 }, endReason: 'failed' })).toMatchObject({
      verdict: 'INVALID',
      endReason: 'failed',
      throughputPerSec: { value: 0, low: null, high: null },
      latencyNs: null,
      latencyIntervalNs: null,
      serviceNs: null,
      sendLagNs: null,
      clientCpuNsPerRequest: null,
      timeline: [{ throughputPerSec: 0, latencyMeanNs: null }],
    });
  });

  it('survives a level that was ended in the instant it began', () => {
    expect(summarize([], { end: instant(0), endReason: 'interrupted' }).verdict).toBe('INVALID');
  });
});
