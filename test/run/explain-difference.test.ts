import { describe, expect, it } from 'vitest';
import type { LevelRecord } from '../../src/record/run-record.js';
import { comparableLevel } from '../../src/run/compare-clients.js';
import { explainDifference, meanOfRounds, type PathFigures } from '../../src/run/explain-difference.js';
import { sampleBatchRun, sampleOpenRun, sampleShapesRun } from '../support/sample-open-run.js';

const US = 1000;

const parts = {
  totalNs: 500 * US,
  sendNs: 10 * US,
  networkAndFrontEndNs: 150 * US,
  queueNs: 100 * US,
  computeInputNs: 20 * US,
  computeInferNs: 200 * US,
  computeOutputNs: 10 * US,
  receiveNs: 10 * US,
};

const latency = (mean: number) => ({ mean, p50: mean, p90: mean, p95: mean, p99: mean, p99_9: mean, max: mean });

const fastest: PathFigures = {
  requestsPerSec: 2000,
  latencyNs: latency(500 * US),
  clientCpuNsPerRequest: 60 * US,
  latencyParts: parts,
  errorCount: 0,
};

describe('the difference between two ways of sending', () => {
  it('is explained by the client’s CPU and by the parts that grew, the largest first', () => {
    const slow: PathFigures = {
      ...fastest,
      latencyNs: latency(900 * US),
      clientCpuNsPerRequest: 310 * US,
      latencyParts: { ...parts, totalNs: 900 * US, sendNs: 110 * US, networkAndFrontEndNs: 450 * US },
    };
    expect(explainDifference(slow, fastest)).toBe(
      'The client spends 310 µs of CPU a request instead of 60.0 µs. A request takes 300 µs in network and front end, 100 µs in sending more.',
    );
  });

  it('leaves out what is within noise', () => {
    const alike: PathFigures = {
      ...fastest,
      latencyParts: { ...parts, sendNs: 15 * US },
      clientCpuNsPerRequest: 61 * US,
    };
    expect(explainDifference(alike, fastest)).toBe('No difference beyond noise.');
  });

  it('is not made up where nothing was measured', () => {
    const unknown: PathFigures = {
      ...fastest,
      latencyNs: latency(800 * US),
      clientCpuNsPerRequest: null,
      latencyParts: null,
    };
    expect(explainDifference(unknown, fastest)).toBe('A request takes 300 µs more, and nothing measured says where.');
  });

  it('does not blame the receiving of a client that cannot tell it', () => {
    const silent: PathFigures = { ...fastest, latencyParts: { ...parts, receiveNs: null } };
    expect(explainDifference(silent, fastest)).toBe('No difference beyond noise.');
    expect(explainDifference(fastest, silent)).toBe('No difference beyond noise.');
  });
});

describe('the figures of several rounds', () => {
  const round = (level: LevelRecord, factor: number): LevelRecord => ({
    ...level,
    requestsPerSec: 100 * factor,
    errorCount: factor,
    clientCpuNsPerRequest: 10 * factor,
    latencyParts: { ...parts, sendNs: 10 * factor, receiveNs: null },
  });
  const level = sampleBatchRun.levels[0]!;

  it('are their means, and errors are their sum', () => {
    const mean = meanOfRounds([round(level, 1), round(level, 3)]);
    expect(mean).toMatchObject({ requestsPerSec: 200, errorCount: 4, clientCpuNsPerRequest: 20 });
    expect(mean.latencyParts).toMatchObject({ sendNs: 20, queueNs: 100 * US, receiveNs: null });
  });

  it('are unknown where a round does not know them', () => {
    const mean = meanOfRounds([
      round(level, 1),
      { ...round(level, 1), latencyParts: null, clientCpuNsPerRequest: null },
    ]);
    expect([mean.latencyParts, mean.clientCpuNsPerRequest]).toEqual([null, null]);
  });
});

describe('the load that clients are compared at', () => {
  it('is the run’s best closed level, with its first shapes', () => {
    expect(comparableLevel(sampleBatchRun.levels)).toEqual({ kind: 'closed', concurrency: 8, batchSize: 8 });
    expect(comparableLevel(sampleShapesRun.levels)).toEqual({ kind: 'closed', concurrency: 4, batchSize: 1 });
    expect(comparableLevel(sampleOpenRun.levels)).toBeUndefined();
  });
});
