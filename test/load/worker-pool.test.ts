import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { outcomeCodes } from '../../src/client/outcome.js';
import { packageRoot } from '../../src/common/package-root.js';
import { millis, seconds } from '../../src/common/units.js';
import { createSchedule } from '../../src/load/arrival-schedule.js';
import type { LevelRun, LoadWorkerPool } from '../../src/load/load-session.js';
import { shareOf, startLoadWorkers } from '../../src/load/worker-pool.js';
import type { LoadLevel, LoadPlan } from '../../src/plan/load-plan.js';
import { sampleInput, sampleModel, samplePlan } from '../support/sample-plan.js';
import { startScriptedGrpcServer } from '../support/scripted-grpc-server.js';
import { startScriptedHttpServer } from '../support/scripted-http-server.js';

const dyingWorker = pathToFileURL(join(packageRoot, 'test/support/dying-worker.mjs'));
const closed = (concurrency: number) => ({ kind: 'closed', concurrency, batchSize: 1 }) as const;

describe('load workers', () => {
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const closable of open.splice(0).reverse()) await closable.close();
  });

  async function start(plan: LoadPlan, entry?: URL): Promise<LoadWorkerPool> {
    const pool = await startLoadWorkers(plan, entry);
    open.push(pool);
    return pool;
  }

  async function serve(protocol: LoadPlan['protocol'], changes: Partial<LoadPlan> = {}) {
    const server = await (protocol === 'grpc' ? startScriptedGrpcServer() : startScriptedHttpServer());
    open.push(server);
    return { server, plan: samplePlan({ protocol, endpoint: server.endpoint, ...changes }) };
  }

  async function waitFor(isDone: () => boolean): Promise<void> {
    while (!isDone()) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  const rows = (run: LevelRun): number => run.columns().length;

  it.each(['grpc', 'http'] as const)('drive a %s server and show the rows while they come', async (protocol) => {
    const { server, plan } = await serve(protocol, { workerCount: 2 });
    const pool = await start(plan);
    const run = await pool.startLevel(closed(5));
    await waitFor(() => rows(run) > 100);
    const early = rows(run);
    await waitFor(() => rows(run) > early);
    await run.stop();
    const { length, intendedNs, sentNs, receivedNs, outcomes } = run.columns();
    // One request of each worker checked the target before the level.
    expect(length).toBe(server.received() - 2);
    expect([...outcomes].every((outcome) => outcome === outcomeCodes.ok)).toBe(true);
    for (let row = 0; row < length; row++) {
      expect(sentNs[row]!).toBeGreaterThanOrEqual(intendedNs[row]!);
      expect(receivedNs[row]!).toBeGreaterThan(sentNs[row]!);
      expect(receivedNs[row]!).toBeGreaterThanOrEqual(receivedNs[Math.max(0, row - 1)]!);
    }
    expect(run.errors()).toEqual({});
    const { cpuNs, maxBusyRatio } = run.usage();
    expect(cpuNs).toBeGreaterThan(0);
    expect(maxBusyRatio).toBeGreaterThan(0);
    expect(maxBusyRatio).toBeLessThanOrEqual(1);
  });

  it.each(['grpc', 'http'] as const)(
    'tell what went in and out of every %s request, where it is kept',
    async (protocol) => {
      const { plan } = await serve(protocol, { workerCount: 2, keepsTensors: true });
      const pool = await start(plan);
      const run = await pool.startLevel({ ...closed(4), requestCount: 40 });
      await waitFor(() => run.isFinished!());
      await run.stop();
      const { contents, intendedNs, receivedNs, indices } = run.exchanges!()!;
      const columns = run.columns();
      const keys = (intended: ArrayLike<number>, received: ArrayLike<number>): string[] =>
        Array.from({ length: intended.length }, (_, row) => `${intended[row]} ${received[row]}`).sort();
      expect(keys(intendedNs, receivedNs)).toEqual(keys(columns.intendedNs, columns.receivedNs));
      expect(indices).toHaveLength(40);
      expect(indices.every((index) => contents[index]!.inputs[0]!.bytes.byteLength > 0)).toBe(true);
      const unkept = await start({ ...plan, keepsTensors: false });
      const other = await unkept.startLevel(closed(1));
      await other.stop();
      expect(other.exchanges!()).toBeUndefined();
    },
  );

  it('send a schedule between them exactly as it is planned, with its count of requests', async () => {
    const { server, plan } = await serve('http', { workerCount: 3 });
    const pool = await start(plan);
    const level: LoadLevel = {
      kind: 'open',
      requestRatePerSec: 2000,
      arrival: { kind: 'poisson' },
      maxInFlight: 1000,
      seed: 4,
      batchSize: 1,
      requestCount: 301,
    };
    const run = await pool.startLevel(level);
    await waitFor(() => run.isFinished!());
    await run.stop();
    const schedule = createSchedule(level);
    const planned = Array.from({ length: 301 }, () => Math.round(run.begin! + schedule.next()));
    expect([...run.columns().intendedNs].sort((a, b) => a - b)).toEqual(planned);
    expect(run.arrivals!().droppedCount).toBe(0);
    expect(server.received()).toBe(301 + 3);
  });

  it('share models by weight and count exactly, over all workers, and keep their rows apart', async () => {
    const models = [sampleModel({ weight: 3 }), sampleModel({ modelVersion: '1', weight: 1 })];
    const { plan } = await serve('http', { workerCount: 2, models });
    const pool = await start(plan);
    const run = await pool.startLevel({ ...closed(5), requestCount: 200 });
    await waitFor(() => run.isFinished!());
    await run.stop();
    expect([run.columns(0).length, run.columns(1).length, rows(run)]).toEqual([150, 50, 200]);
  });

  it('end a count of requests that leaves some workers without any', async () => {
    const { plan } = await serve('http', { workerCount: 3 });
    const pool = await start(plan);
    for (const [concurrency, requestCount] of [
      [1, 4],
      [6, 2],
    ] as const) {
      const run = await pool.startLevel({ ...closed(concurrency), requestCount });
      await waitFor(() => run.isFinished!());
      await run.stop();
      expect(rows(run)).toBe(requestCount);
    }
  });

  it('change the batch size and shape between levels', async () => {
    const shapeVariants = [[sampleInput()], [sampleInput({ shape: [9] })]];
    const { plan } = await serve('http', { models: [sampleModel({ shapeVariants })] });
    const pool = await start(plan);
    for (const [batchSize, shapeIndex] of [
      [1, 0],
      [4, 0],
      [4, 1],
    ] as const) {
      const run = await pool.startLevel({ ...closed(1), batchSize, shapeIndex, requestCount: 5 });
      await waitFor(() => run.isFinished!());
      await run.stop();
      expect([rows(run), run.errors()]).toEqual([5, {}]);
    }
  });

  it('share the concurrency out evenly and completely', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 1, max: 64 }), (concurrency, workers) => {
        const shares = Array.from({ length: workers }, (_, index) => shareOf(concurrency, index, workers));
        expect(shares.reduce((sum, share) => sum + share, 0)).toBe(concurrency);
        expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('start each level with no rows and no failures of the one before', async () => {
    const { plan } = await serve('grpc');
    const pool = await start(plan);
    const first = await pool.startLevel(closed(4));
    await waitFor(() => rows(first) > 50);
    await first.stop();
    const before = first.columns();
    const second = await pool.startLevel(closed(1));
    await waitFor(() => rows(second) > 5);
    await second.stop();
    const after = second.columns();
    expect(after.intendedNs[0]!).toBeGreaterThan(before.receivedNs[before.length - 1]!);
    expect(rows(first)).toBe(before.length);
  });

  it('refuse to run two levels at once', async () => {
    const { plan } = await serve('grpc');
    const pool = await start(plan);
    const run = await pool.startLevel(closed(1));
    await expect(pool.startLevel(closed(1))).rejects.toThrow('stop it first');
    await run.stop();
  });

  it('count the failures of a server that goes away, and still stop in order', async () => {
    const { server, plan } = await serve('http');
    const pool = await start(plan);
    const run = await pool.startLevel(closed(3));
    await waitFor(() => rows(run) > 20);
    await server.vanish();
    await waitFor(() => Object.keys(run.errors()).length > 0);
    await run.stop();
    const failed = [...run.columns().outcomes].filter((outcome) => outcome === outcomeCodes.error).length;
    const errors = run.errors();
    expect(failed).toBeGreaterThan(0);
    expect(Object.values(errors).reduce((sum, count) => sum + count, 0)).toBe(failed);
    expect(Object.keys(errors).every((cause) => cause.startsWith('UNAVAILABLE: connection '))).toBe(true);
  });

  it("throw the target's refusal before any load, as the same error as on this thread", async () => {
    const { plan } = await serve('grpc', { workerCount: 2 });
    await expect(startLoadWorkers({ ...plan, models: [sampleModel({ model: 'nobody' })] })).rejects.toMatchObject({
      name: 'PerfTsError',
      code: 'TARGET_REFUSED',
      problems: [{ where: plan.endpoint, what: expect.stringContaining("'nobody' is not found") }],
    });
    await expect(startLoadWorkers({ ...plan, endpoint: '127.0.0.1:1' })).rejects.toMatchObject({
      code: 'TARGET_UNREACHABLE',
    });
  });

  it('tell that the target takes too long when it does not answer the first request', async () => {
    const { plan } = await serve('grpc', { models: [sampleModel({ model: 'silent' })], requestTimeout: millis(100) });
    await expect(startLoadWorkers(plan)).rejects.toMatchObject({ code: 'TARGET_UNREACHABLE' });
  });

  it('turn a worker that throws into an error of the call that waits for it', async () => {
    const pool = await start(
      samplePlan({ models: [sampleModel({ model: 'throws-at-start' })], workerCount: 2 }),
      dyingWorker,
    );
    await expect(pool.startLevel(closed(2))).rejects.toMatchObject({
      code: 'LOAD_FAILED',
      problems: [{ what: expect.stringContaining('out of luck') }],
    });
  });

  it('turn a worker that dies in mid-level into an error at the next look and on stop', async () => {
    const pool = await start(
      samplePlan({ models: [sampleModel({ model: 'exits-later' })], workerCount: 2 }),
      dyingWorker,
    );
    const run = await pool.startLevel(closed(2));
    const look = async (): Promise<never> => {
      for (;;) {
        run.columns();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    await expect(look()).rejects.toMatchObject({
      code: 'LOAD_FAILED',
      message: expect.stringContaining('code 7'),
    });
    expect(() => run.errors()).toThrow('code 7');
    await expect(run.stop()).rejects.toThrow('code 7');
  });

  it('end by force when a worker does not end by itself', async () => {
    const pool = await startLoadWorkers(
      samplePlan({ models: [sampleModel({ model: 'ignores-close' })] }),
      pathToFileURL(join(packageRoot, 'test/support/deaf-worker.mjs')),
    );
    await pool.close();
    await pool.close();
  });

  it('close in the middle of a level, which lets a stop under way resolve', async () => {
    const { server, plan } = await serve('grpc', { requestTimeout: seconds(30) });
    const pool = await start(plan);
    const run = await pool.startLevel(closed(2));
    await waitFor(() => rows(run) > 10);
    await pool.close();
    await run.stop();
    expect(rows(run)).toBeLessThanOrEqual(server.received());
    await expect(pool.startLevel(closed(1))).rejects.toBeDefined();
  });
});
