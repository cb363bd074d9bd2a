import { describe, expect, it } from 'vitest';
import type { ModelStatistics } from '../../../src/kserve/metadata.js';
import { type PossibleCount, serverTimesBetween } from '../../../src/measure/server/server-times.js';
import { statisticsOf } from '../../support/model-statistics.js';

describe('server times', () => {
  it('are averages over the requests between two snapshots', () => {
    const before = statisticsOf({ requests: 10, queueNs: 100, inputNs: 10, inferNs: 1000, outputNs: 5, executions: 4 });
    const after = statisticsOf({
      requests: 30,
      queueNs: 2100,
      inputNs: 50,
      inferNs: 41_000,
      outputNs: 45,
      executions: 12,
    });
    expect(serverTimesBetween(before, after).times).toMatchObject({
      queueNs: 100,
      computeInputNs: 2,
      computeInferNs: 2000,
      computeOutputNs: 2,
      inferenceCount: 20,
      executionCount: 8,
      successCount: 20,
    });
  });

  it('are unknown without both snapshots, or where nothing succeeded', () => {
    const one = statisticsOf({ requests: 3 });
    expect(serverTimesBetween(undefined, one)).toEqual({});
    expect(serverTimesBetween(one, undefined)).toEqual({});
    expect(serverTimesBetween(one, one)).toEqual({});
  });

  const before = statisticsOf({ requests: 10, queueNs: 50 });
  const codeOf = (after: ModelStatistics, ...more: [PossibleCount?, number?]): string | undefined => {
    const { times, doubt } = serverTimesBetween(before, after, ...more);
    if (doubt !== undefined) {
      expect(times).toBeUndefined();
      expect(doubt.message).toMatch(/^The server's statistics .*, so its queue and compute times are left out\.$/);
    }
    return doubt?.code;
  };

  it('are left out, and why is said, where the counters cannot be those of one server', () => {
    expect(codeOf(statisticsOf({ requests: 20, queueNs: 90, version: '2' }))).toBe('STATISTICS_OTHER_VERSION');
    expect(codeOf(statisticsOf({ requests: 4, queueNs: 9 }))).toBe('STATISTICS_RESET');
    expect(codeOf(statisticsOf({ requests: 20, executions: 5, queueNs: 90 }))).toBe('STATISTICS_RESET');
    // A time that ran backwards, as one that went below zero and wrapped around does too.
    expect(codeOf(statisticsOf({ requests: 20, queueNs: 9 }))).toBe('STATISTICS_NONSENSE');
    expect(codeOf(statisticsOf({ requests: 20, queueNs: 2 ** 64 }))).toBe('STATISTICS_NONSENSE');
    expect(codeOf(statisticsOf({ requests: 20, queueNs: Number.NaN }))).toBe('STATISTICS_NONSENSE');
    expect(codeOf(statisticsOf({ requests: 20, queueNs: -90 }))).toBe('STATISTICS_NONSENSE');
    expect(codeOf(statisticsOf({ requests: 20, queueNs: 90, inferNs: 5e12 }), undefined, 10e9)).toBe(
      'STATISTICS_NONSENSE',
    );
  });

  it('are left out where the server counted more requests than were sent, or fewer than were answered', () => {
    const after = statisticsOf({ requests: 110, queueNs: 5050 });
    expect(codeOf(after, { least: 90, most: 110 })).toBeUndefined();
    expect(codeOf(after, { least: 30, most: 60 })).toBe('STATISTICS_OTHER_CLIENTS');
    expect(codeOf(after, { least: 190, most: 210 })).toBe('STATISTICS_MISCOUNTED');
    // None at all, where some were answered.
    expect(codeOf(before, { least: 190, most: 210 })).toBe('STATISTICS_MISCOUNTED');
  });

  it('are shared by all requests that a server counts, failed ones included', () => {
    const after = statisticsOf({ requests: 110, queueNs: 50 + 4000, inferNs: 2000 });
    const counted = {
      ...after,
      inference_stats: {
        ...after.inference_stats,
        queue: { count: 210, ns: 4050 },
        compute_infer: { count: 60, ns: 2000 },
      },
    };
    // A cached answer has no compute, but is a success all the same.
    expect(serverTimesBetween(before, counted).times).toMatchObject({ queueNs: 20, computeInferNs: 20 });
  });
});
