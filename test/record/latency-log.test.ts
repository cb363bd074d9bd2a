import { HistogramLogReader } from 'hdr-histogram-js';
import { describe, expect, it } from 'vitest';
import { createLatencyLog } from '../../src/record/latency-log.js';

const columns = (latenciesNs: readonly number[], outcomes: readonly number[]) => ({
  length: latenciesNs.length,
  intendedNs: Float64Array.from(latenciesNs, (_, row) => 1e9 * row),
  sentNs: Float64Array.from(latenciesNs, (_, row) => 1e9 * row),
  receivedNs: Float64Array.from(latenciesNs, (latency, row) => 1e9 * row + latency),
  outcomes: Uint8Array.from(outcomes),
});

describe('a latency log', () => {
  it('gives one tagged histogram a level that a reader of the format gets back', () => {
    const log = createLatencyLog(new Date('2026-01-01T00:00:00Z'));
    log.addLevel('concurrency 4', columns([1e6, 2e6, 9e6], [1, 1, 2]));
    log.addLevel('empty', columns([], []));
    log.addLevel('concurrency-8', columns([5e6], [1]));
    const reader = new HistogramLogReader(log.text());
    const first = reader.nextIntervalHistogram();
    const second = reader.nextIntervalHistogram();
    expect(first?.tag).toBe('concurrency_4');
    expect(first?.totalCount).toBe(2);
    expect(first?.maxValue).toBeGreaterThanOrEqual(2e6);
    expect(second?.tag).toBe('concurrency-8');
    expect(second?.totalCount).toBe(1);
    expect(reader.nextIntervalHistogram()).toBeNull();
  });
});
