import { describe, expect, it } from 'vitest';
import { serverTimesBetween } from '../../../src/measure/server/server-times.js';
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
    expect(serverTimesBetween(before, after)).toMatchObject({
      queueNs: 100,
      computeInputNs: 2,
      computeInferNs: 2000,
      computeOutputNs: 2,
      inferenceCount: 20,
      executionCount: 8,
      successCount: 20,
    });
  });

  it('are unknown without both snapshots', () => {
    expect(serverTimesBetween(undefined, statisticsOf({ requests: 3 }))).toBeUndefined();
    expect(serverTimesBetween(statisticsOf({ requests: 3 }), undefined)).toBeUndefined();
  });

  it('are unknown when another version answered, the model was loaded again, or nothing succeeded', () => {
    const before = statisticsOf({ requests: 10, queueNs: 50 });
    expect(serverTimesBetween(before, statisticsOf({ requests: 20, queueNs: 90, version: '2' }))).toBeUndefined();
    expect(serverTimesBetween(before, statisticsOf({ requests: 4, queueNs: 9 }))).toBeUndefined();
    expect(serverTimesBetween(before, statisticsOf({ requests: 20, queueNs: 9 }))).toBeUndefined();
    expect(serverTimesBetween(before, before)).toBeUndefined();
  });
});
