import { describe, expect, it } from 'vitest';
import { seconds } from '../../../src/common/units.js';
import type { LevelRecord } from '../../../src/record/run-record.js';
import { parseObjective } from '../../../src/tune/objectives/objective.js';
import { isHeldBackByClient } from '../../../src/tune/trials/client-limit.js';
import { simulatedLevel } from '../../support/simulated-variants.js';

const throughput = parseObjective('throughput');

/** A client-limited level at concurrency 8 whose requests spent `lagShare` of their time before they were sent. */
function limited(lagShare: number, ...codes: readonly string[]): LevelRecord {
  const level = simulatedLevel({ throughputPerSec: 100, verdict: 'CLIENT_LIMITED' }, 8, seconds(2));
  const shorten = (ns: number): number => ns * (1 - lagShare);
  const { mean, p50, p90, p95, p99, p99_9, max } = level.latencyNs!;
  return {
    ...level,
    warnings: codes.map((code) => ({ code, message: code })),
    serviceNs: {
      mean: shorten(mean),
      p50: shorten(p50),
      p90: shorten(p90),
      p95: shorten(p95),
      p99: shorten(p99),
      p99_9: shorten(p99_9),
      max: shorten(max),
    },
  };
}

describe('a client-limited level', () => {
  it('is a lower bound when the load generator was busy', () => {
    expect(isHeldBackByClient(limited(0, 'CLIENT_BUSY'), throughput, 4)).toBe(true);
    expect(isHeldBackByClient(limited(0, 'CLIENT_BUSY', 'SEND_LAG'), throughput, 4)).toBe(true);
  });

  it('is one for a reason that is not known here', () => {
    expect(isHeldBackByClient(limited(0), throughput, 4)).toBe(true);
  });

  it('is none when sends were late but the server had work waiting all the same', () => {
    expect(isHeldBackByClient(limited(0.2, 'SEND_LAG'), throughput, 4)).toBe(false);
    expect(isHeldBackByClient(limited(0.3, 'SEND_LAG'), throughput, 4)).toBe(true);
  });

  it('is none when late sends could not matter, however little waits', () => {
    expect(isHeldBackByClient(limited(0.04, 'SEND_LAG'), throughput, 8)).toBe(false);
    expect(isHeldBackByClient(limited(0.06, 'SEND_LAG'), throughput, 8)).toBe(true);
  });

  it('spoils a latency when late sends are more than a tenth of it', () => {
    const latency = parseObjective('latency_p99');
    expect(isHeldBackByClient(limited(0.08, 'SEND_LAG'), latency, 4)).toBe(false);
    expect(isHeldBackByClient(limited(0.12, 'SEND_LAG'), latency, 4)).toBe(true);
  });
});

describe('any other level', () => {
  it('is not held back', () => {
    expect(isHeldBackByClient(simulatedLevel({ throughputPerSec: 100 }, 8, seconds(2)), throughput, 4)).toBe(false);
  });
});
