import { describe, expect, it } from 'vitest';
import { outcomeCodes } from '../../../src/client/outcome.js';
import { instant, millis, seconds } from '../../../src/common/units.js';
import type { RequestColumns } from '../../../src/load/request-columns.js';
import {
  cutWindows,
  judgeWindows,
  mergeWindows,
  nearestPercentile,
  standardDeviation,
  type WindowFigures,
} from '../../../src/measure/windows/window-stability.js';
import { summarizeWindows } from '../../../src/measure/windows/window-summary.js';
import type { WindowRule } from '../../../src/plan/load-plan.js';
import { sampleLevel } from '../../support/sample-records.js';

const MS = 1e6;

const rule: WindowRule = {
  kind: 'time',
  interval: seconds(1),
  requestCount: 50,
  stabilityRatio: 0.1,
  maxWindows: 10,
  acceptsThroughputAlone: false,
};

/** Answers at these milliseconds, each after `latencyMs`. */
function answeredAt(timesMs: readonly number[], latencyMs = 5, failed: readonly number[] = []): RequestColumns {
  const received = timesMs.map((at) => at * MS);
  return {
    length: received.length,
    intendedNs: Float64Array.from(received, (at) => at - latencyMs * MS),
    sentNs: Float64Array.from(received, (at) => at - latencyMs * MS),
    receivedNs: Float64Array.from(received),
    outcomes: Uint8Array.from(received, (_, row) => (failed.includes(row) ? outcomeCodes.error : outcomeCodes.ok)),
  };
}

const every = (stepMs: number, untilMs: number): number[] =>
  Array.from({ length: Math.floor(untilMs / stepMs) }, (_, index) => (index + 1) * stepMs);

const at = (ms: number) => instant(ms * MS);

/** A window of one second with so many answers of one latency. */
const window = (requestCount: number, latencyMs: number, index = 0): WindowFigures => ({
  from: at(index * 1000),
  to: at((index + 1) * 1000),
  requestCount,
  requestsPerSec: requestCount,
  latencyNs: requestCount === 0 ? undefined : latencyMs * MS,
  latenciesNs: new Float64Array(requestCount).fill(latencyMs * MS),
});
const windows = (...figures: readonly (readonly [requestCount: number, latencyMs: number])[]): WindowFigures[] =>
  figures.map(([requestCount, latencyMs], index) => window(requestCount, latencyMs, index));

describe('windows of time', () => {
  it('last 1.2 times the interval and follow one another without a gap', () => {
    const cut = cutWindows(answeredAt(every(10, 4000)), at(0), at(4000), rule);
    expect(cut.map(({ from, to }) => [from / MS, to / MS])).toEqual([
      [0, 1200],
      [1200, 2400],
      [2400, 3600],
    ]);
    expect(cut.map(({ requestCount }) => requestCount)).toEqual([120, 120, 120]);
    expect(cut[0]?.requestsPerSec).toBeCloseTo(100, 9);
  });

  it('hold what was answered in them, however early it was sent', () => {
    const columns = answeredAt([100, 1300], 1000);
    const [first, second] = cutWindows(columns, at(0), at(2400), rule);
    expect([first?.requestCount, second?.requestCount]).toEqual([1, 1]);
    expect(second?.latencyNs).toBe(1000 * MS);
  });

  it('count no failed request', () => {
    const [first] = cutWindows(answeredAt(every(100, 1200), 5, [0, 3]), at(0), at(1200), rule);
    expect(first?.requestCount).toBe(10);
  });

  it('are at most as many as the trials', () => {
    expect(cutWindows(answeredAt(every(10, 4000)), at(0), at(4000), { ...rule, maxWindows: 2 })).toHaveLength(2);
  });
});

describe('windows of requests', () => {
  const counted: WindowRule = { ...rule, kind: 'count', requestCount: 50 };

  it('end with the answer that makes them full', () => {
    const cut = cutWindows(answeredAt(every(10, 1230)), at(0), at(5000), counted);
    expect(cut.map(({ to }) => to / MS)).toEqual([500, 1000]);
    expect(cut.map(({ requestsPerSec }) => requestsPerSec)).toEqual([100, 100]);
  });

  it('hold nothing that was answered after now', () => {
    expect(cutWindows(answeredAt(every(10, 1000)), at(0), at(990), counted)).toHaveLength(1);
  });
});

describe('three windows', () => {
  it('are stable when rate and latency each lie within the share of their smallest', () => {
    expect(judgeWindows(windows([100, 10], [110, 11], [105, 10]), rule)).toEqual({ kind: 'stable' });
  });

  it('are not stable beyond it, in rate or in latency', () => {
    expect(judgeWindows(windows([100, 10], [111, 10], [105, 10]), rule).kind).toBe('continue');
    expect(judgeWindows(windows([100, 10], [100, 11.1], [100, 10]), rule).kind).toBe('continue');
  });

  it('are never stable with an empty one among them', () => {
    expect(judgeWindows(windows([0, 0], [0, 0], [0, 0]), rule).kind).toBe('continue');
    expect(judgeWindows(windows([100, 10], [0, 0], [100, 10]), { ...rule, stabilityRatio: 1000 }).kind).toBe(
      'continue',
    );
  });

  it('are needed: two that agree say nothing', () => {
    expect(judgeWindows(windows([100, 10], [100, 10]), rule).kind).toBe('continue');
  });

  it('are the last ones: an unsteady start is forgotten', () => {
    expect(judgeWindows(windows([10, 90], [100, 10], [100, 10], [100, 10]), rule).kind).toBe('stable');
  });

  it('end the level when one is over the latency limit', () => {
    const limited: WindowRule = { ...rule, latencyLimit: millis(20) };
    expect(judgeWindows(windows([100, 10], [100, 20], [100, 10]), limited).kind).toBe('over-limit');
    expect(judgeWindows(windows([100, 10], [100, 19], [100, 10]), limited).kind).toBe('continue');
  });

  it('end the level unstable after the last trial', () => {
    const last: WindowRule = { ...rule, maxWindows: 3 };
    expect(judgeWindows(windows([100, 10], [200, 10], [100, 10]), last).kind).toBe('not-stable');
    expect(judgeWindows(windows([100, 10], [100, 50], [100, 10]), last).kind).toBe('not-stable');
  });

  it('are accepted by their rate alone after the last trial of asynchronous load', () => {
    const last: WindowRule = { ...rule, maxWindows: 3, acceptsThroughputAlone: true };
    expect(judgeWindows(windows([100, 10], [100, 50], [100, 10]), last).kind).toBe('throughput-only');
    expect(judgeWindows(windows([100, 10], [200, 10], [100, 10]), last).kind).toBe('not-stable');
  });

  it('merge into one: latencies pooled, rate over the whole time', () => {
    const merged = mergeWindows(windows([7, 9], [100, 10], [50, 20], [150, 30]), rule);
    expect(merged).toMatchObject({ from: at(1000), to: at(4000), requestCount: 300, requestsPerSec: 100 });
    expect(merged?.latencyNs).toBeCloseTo(((100 * 10 + 50 * 20 + 150 * 30) / 300) * MS, 6);
  });
});

describe('figures of a window', () => {
  it('take the percentile at the nearest rank without interpolation', () => {
    const sorted = Float64Array.from([10, 20, 30, 40]);
    expect([50, 90, 95, 99].map((percentile) => nearestPercentile(sorted, percentile))).toEqual([30, 40, 40, 40]);
    expect(nearestPercentile(new Float64Array(), 50)).toBeUndefined();
  });

  it('have the standard deviation of a sample, where squares are large too', () => {
    expect(standardDeviation(Float64Array.from([2, 4, 4, 4, 5, 5, 7, 9]))).toBeCloseTo(Math.sqrt(32 / 7), 12);
    const many = Float64Array.from({ length: 100_000 }, (_, index) => 60 * MS + (index % 2 === 0 ? 20 : -20) * MS);
    expect(standardDeviation(many) / MS).toBeCloseTo(20, 2);
    expect(standardDeviation(Float64Array.from([5]))).toBe(0);
  });
});

describe('a level judged by windows', () => {
  const level = { ...sampleLevel({ concurrency: 1, throughput: 100 }), endReason: 'target-met' as const };
  const columns = answeredAt(every(10, 3600));

  it('reports the last three windows and nothing else', () => {
    const summary = summarizeWindows(level, { rule, columns, begin: at(0), end: at(3600) });
    expect(summary).toMatchObject({ verdict: 'VALID', requestCount: 360, durationNs: 3600 * MS, warnings: [] });
    expect(summary.throughputPerSec).toEqual({ value: expect.closeTo(100, 6), low: null, high: null });
    expect(summary.latencyNs?.mean).toBe(5 * MS);
    expect(summary.windowed?.windows).toHaveLength(3);
  });

  it('is UNSTABLE with its windows when they never agreed, and keeps a limit of the generator', () => {
    const uneven = answeredAt([
      ...every(10, 1200),
      ...every(40, 1200).map((ms) => 1200 + ms),
      ...every(10, 1200).map((ms) => 2400 + ms),
    ]);
    const last = { rule: { ...rule, maxWindows: 3 }, columns: uneven, begin: at(0), end: at(3600) };
    const summary = summarizeWindows(level, last);
    expect(summary.verdict).toBe('UNSTABLE');
    expect(summary.warnings[0]?.message).toContain('last three of 3 windows differ by more than 10 %');
    expect(summary.windowed?.isStable).toBe(false);
    const limited = summarizeWindows({ ...level, verdict: 'CLIENT_LIMITED', isClientLimited: true }, last);
    expect([limited.verdict, limited.isSteady, limited.isClientLimited]).toEqual(['UNSTABLE', false, true]);
  });

  it('of an exact number of requests is one window, as long as they took', () => {
    const counted = { ...level, endReason: 'request-count' as const };
    const summary = summarizeWindows(counted, {
      rule,
      columns: answeredAt(every(10, 500)),
      begin: at(0),
      end: at(2000),
    });
    expect(summary.windowed?.windows).toHaveLength(1);
    expect(summary.requestCount).toBe(50);
    expect(summary.throughputPerSec.value).toBeCloseTo(100, 1);
  });
});
