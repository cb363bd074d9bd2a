/**
 * Measurements of a server whose behaviour is known, over real sockets. The truth is what the server itself recorded, so a
 * busy host, which delays both, does not make a true measurement look false.
 */
import { describe, expect, it } from 'vitest';
import { connectAdmin } from '../../src/client/connect-admin.js';
import { systemClock } from '../../src/common/clock.js';
import { type Nanos, seconds } from '../../src/common/units.js';
import type { RequestColumns } from '../../src/load/request-columns.js';
import { startLoadWorkers } from '../../src/load/worker-pool.js';
import { measureLevel } from '../../src/measure/measure-level.js';
import { launchNullServer } from '../../src/null-server/launch-null-server.js';
import { bytesModel, type NullBehavior, type NullServerReport } from '../../src/null-server/null-behavior.js';
import type { LoadLevel } from '../../src/plan/load-plan.js';
import { createLoadPlan } from '../../src/plan/plan.js';
import type { LevelRecord } from '../../src/record/run-record.js';

const TIMEOUT_MS = 60_000;

interface Measured {
  readonly record: LevelRecord;
  readonly columns: RequestColumns;
  readonly truth: NullServerReport;
}

const closed = (concurrency: number): LoadLevel => ({ kind: 'closed', concurrency, batchSize: 1 });
const open = (requestRatePerSec: number, maxInFlight = 1000): LoadLevel => ({
  kind: 'open',
  requestRatePerSec,
  arrival: { kind: 'constant' },
  maxInFlight,
  seed: 1,
  batchSize: 1,
});

/** One level against a null server that behaves so, over gRPC unless told otherwise. */
async function measure(
  behavior: NullBehavior,
  level: LoadLevel,
  options: { readonly time?: Nanos; readonly requestTimeout?: Nanos; readonly protocol?: 'grpc' | 'http' } = {},
): Promise<Measured> {
  const { time = seconds(2), requestTimeout = seconds(10), protocol = 'grpc' } = options;
  const server = await launchNullServer({ ...bytesModel(64, 64), behavior });
  const endpoint = server.endpoints[protocol];
  const admin = await connectAdmin({ endpoint, protocol });
  const metadata = await admin.modelMetadata('null');
  const rule = { minDuration: time, maxDuration: time, targetHalfWidth: 0.5 };
  const plan = createLoadPlan(
    {
      protocol,
      endpoint,
      ...(level.kind === 'open' && { load: { kind: 'open', arrival: level.arrival, maxInFlight: level.maxInFlight } }),
      sequence: { kind: 'stepped', values: [1] },
      stopRule: rule,
      requestTimeout,
      workerCount: 1,
    },
    [{ model: 'null', metadata, config: await admin.modelConfig('null') }],
  );
  const pool = await startLoadWorkers(plan);
  try {
    let columns: RequestColumns | undefined;
    const record = await measureLevel({
      pool,
      admin,
      model: 'null',
      modelVersion: '',
      level,
      rule,
      clock: systemClock,
      signal: new AbortController().signal,
      listener: {
        onLevel(_, rows) {
          columns = rows;
        },
      },
    });
    return { record, columns: columns!, truth: await server.report() };
  } finally {
    await pool.close();
    await admin.close();
    await server.close();
  }
}

const codesOf = ({ warnings }: LevelRecord): readonly string[] => warnings.map(({ code }) => code);

describe('a known service time is reported', () => {
  it.each([
    ['in a closed loop over gRPC', closed(4), 'grpc'],
    ['in a closed loop over HTTP', closed(4), 'http'],
    ['in an open loop over gRPC', open(200), 'grpc'],
  ] as const)(
    '%s, to 1 %% or 0.2 ms and what the client says that it is unsure by',
    async (_, level, protocol) => {
      const { record, truth } = await measure({ delay: { kind: 'fixed', delayNs: 10e6 } }, level, { protocol });
      const { p50 } = record.serviceNs!;
      const unsureNs = record.generator!.timestampUncertaintyNs! + record.sendLagNs!.p99;
      expect(p50).toBeGreaterThanOrEqual(truth.delayNs.p50 * 0.99 - unsureNs);
      expect(p50).toBeLessThanOrEqual(truth.delayNs.p50 + Math.max(0.2e6, truth.delayNs.p50 / 100) + unsureNs);
      expect(truth.answeredCount).toBeGreaterThan(100);
      expect(record.errorCount).toBe(0);
      expect(codesOf(record)).not.toContain('LITTLE_LAW');
    },
    TIMEOUT_MS,
  );

  it(
    'as exponential where it is, and its parts add up to the latency',
    async () => {
      const { record, truth } = await measure({ delay: { kind: 'exponential', meanNs: 5e6, seed: 9 } }, closed(4));
      expect(record.serviceNs!.mean / truth.delayNs.mean).toBeGreaterThan(0.9);
      expect(record.serviceNs!.p99 / record.serviceNs!.p50).toBeGreaterThan(3);
      const { totalNs, ...parts } = record.latencyParts!;
      expect(Object.values(parts).reduce((sum: number, part) => sum + (part ?? 0), 0)).toBe(totalNs);
      expect(parts.computeInferNs / totalNs).toBeGreaterThan(0.5);
      expect(parts.receiveNs).not.toBeNull();
    },
    TIMEOUT_MS,
  );
});

describe('a freeze of one second', () => {
  it(
    'shows as many late requests as were due in it, with latencies that count down from it',
    async () => {
      const ratePerSec = 200;
      const behavior: NullBehavior = {
        delay: { kind: 'fixed', delayNs: 1e6 },
        freeze: { afterNs: 1e9, durationNs: 1e9 },
      };
      const { record, columns } = await measure(behavior, open(ratePerSec), { time: seconds(3) });
      const late = Array.from(
        { length: columns.length },
        (_, row) => columns.receivedNs[row]! - columns.intendedNs[row]!,
      )
        .filter((latencyNs) => latencyNs > 0.1e9 && latencyNs < 1.2e9)
        .sort((a, b) => a - b);
      // Those due in the last tenth of a second wait for less.
      expect(late.length).toBeGreaterThan(0.9 * ratePerSec * 0.9);
      expect(late.length).toBeLessThan(0.9 * ratePerSec * 1.4);
      expect(late.at(-1)!).toBeGreaterThan(0.95e9);
      expect(late[Math.floor(late.length / 2)]!).toBeGreaterThan(0.4e9);
      expect(record.latencyNs!.max).toBeGreaterThan(0.95e9);
    },
    TIMEOUT_MS,
  );
});

describe('answers that never come', () => {
  it(
    'are counted exactly, and the run goes on',
    async () => {
      const behavior: NullBehavior = { delay: { kind: 'fixed', delayNs: 1e6 }, dropEvery: 100 };
      const { record, columns, truth } = await measure(behavior, open(300), { requestTimeout: seconds(0.5) });
      expect(truth.droppedCount).toBeGreaterThanOrEqual(4);
      // One of them may have been the request that each worker begins with.
      expect(Math.abs(record.errorCount - truth.droppedCount)).toBeLessThanOrEqual(1);
      expect(Object.keys(record.errors).every((cause) => cause.startsWith('DEADLINE_EXCEEDED'))).toBe(true);
      expect(columns.receivedNs.at(-1)! - columns.receivedNs[0]!).toBeGreaterThan(1.5e9);
      expect(record.requestCount).toBeGreaterThan(300);
    },
    TIMEOUT_MS,
  );
});

describe('a server limited to 500/s', () => {
  const limited: NullBehavior = { delay: { kind: 'none' }, limitPerSec: 500 };

  it(
    'gives a closed loop 500/s within 3 %, and Little’s law holds',
    async () => {
      const { record } = await measure(limited, closed(8), { time: seconds(3) });
      expect(Math.abs(record.requestsPerSec / 500 - 1)).toBeLessThan(0.03);
      expect(Math.abs((record.requestsPerSec * record.latencyNs!.mean) / 1e9 / 8 - 1)).toBeLessThan(0.05);
      expect(codesOf(record)).not.toContain('LITTLE_LAW');
    },
    TIMEOUT_MS,
  );

  it(
    'is told to be overloaded by an open loop at 650/s',
    async () => {
      const { record } = await measure(limited, open(650, 10_000), { time: seconds(3) });
      expect(codesOf(record)).toContain('OVERLOADED');
      expect(record.requestsPerSec).toBeLessThan(530);
      expect(record.verdict).not.toBe('VALID');
    },
    TIMEOUT_MS,
  );

  it(
    'makes arrivals beyond the cap be dropped and counted',
    async () => {
      const { record } = await measure(limited, open(1000, 20), { time: seconds(2) });
      expect(record.droppedCount).toBeGreaterThan(500);
      expect([record.verdict, record.warnings[0]!.code]).toEqual(['INVALID', 'REQUESTS_DROPPED']);
    },
    TIMEOUT_MS,
  );
});
