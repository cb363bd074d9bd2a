import { describe, expect, it } from 'vitest';
import { outcomeCodes } from '../../src/client/outcome.js';
import { createRng } from '../../src/common/random.js';
import { seconds } from '../../src/common/units.js';
import type { LoadWorkerPool } from '../../src/load/load-session.js';
import type { RequestColumns } from '../../src/load/request-columns.js';
import { type MeasureLevelOptions, measureLevel } from '../../src/measure/measure-level.js';
import type { LevelMonitor, LevelProgress } from '../../src/measure/measurement.js';
import { type LevelRecord, levelRecordSchema } from '../../src/record/run-record.js';
import { ManualClock } from '../support/manual-clock.js';
import { statisticsOf } from '../support/model-statistics.js';
import { createSilentAdmin } from '../support/silent-admin.js';
import { createSimulatedPool, type SimulatedServer } from '../support/simulated-pool.js';

const noPressure = { totalTicks: undefined, stolenTicks: undefined, idleTicks: undefined, throttledNs: undefined };

function start(server: SimulatedServer, changes: Partial<MeasureLevelOptions> = {}) {
  const clock = new ManualClock(5e12);
  const pool = createSimulatedPool(clock, server);
  const result = measureLevel({
    pool,
    admin: createSilentAdmin(),
    model: 'model',
    modelVersion: '',
    level: { kind: 'closed', concurrency: 4, batchSize: 1 },
    rule: { minDuration: seconds(2), maxDuration: seconds(7), targetHalfWidth: 0.05 },
    clock,
    signal: new AbortController().signal,
    readPressure: () => noPressure,
    ...changes,
  });
  return { clock, pool, result };
}

const noisy = (seed: number, noise: number): SimulatedServer => {
  const rng = createRng(seed);
  return { serviceNs: () => 2e6 * Math.exp(noise * rng.normal()), horizonNs: 10e9 };
};

describe('measuring a level', () => {
  it('ends a steady level at its least duration and drains it', async () => {
    const { clock, pool, result } = start(noisy(1, 0.05));
    await clock.advanceAsync(3e9);
    const record = levelRecordSchema.parse(await result);
    expect(record).toMatchObject({ verdict: 'VALID', endReason: 'target-met', warnings: [] });
    // Less what was still in flight at the look that ended it.
    expect(record.warmupNs + record.durationNs).toBeLessThanOrEqual(2e9);
    expect(record.warmupNs + record.durationNs).toBeGreaterThan(1.98e9);
    expect(record.throughputPerSec.value).toBeGreaterThan(490);
    expect(record.throughputPerSec.value).toBeLessThan(510);
    expect(pool.stopCount()).toBe(1);
    expect(clock.waiting).toBe(0);
  });

  it('lasts longer where not one request a slot has ended in its time', async () => {
    const { clock, result } = start({ serviceNs: () => 2.3e9, horizonNs: 60e9 });
    await clock.advanceAsync(40e9);
    const record = await result;
    expect(record.errorCount).toBe(0);
    expect(record.requestCount).toBeGreaterThan(0);
    expect(record.warmupNs + record.durationNs).toBeGreaterThan(9.1e9);
    expect(record.warmupNs + record.durationNs).toBeLessThan(10e9);
  });

  it('ends at three times its longest time where nothing is answered at all', async () => {
    const { clock, result } = start({ serviceNs: () => 1e12, horizonNs: 60e9 });
    await clock.advanceAsync(30e9);
    const record = await result;
    expect(record.verdict).toBe('INVALID');
    expect(record.warmupNs + record.durationNs).toBeLessThan(22e9);
  });

  it('gives a restless level all of its time and says UNSTABLE', async () => {
    const { clock, result } = start({ serviceNs: (_, at) => (at % 1e9 < 0.5e9 ? 1e6 : 9e6), horizonNs: 10e9 });
    await clock.advanceAsync(8e9);
    const record = await result;
    expect(record).toMatchObject({ verdict: 'UNSTABLE', endReason: 'time-over' });
    expect(record.warmupNs + record.durationNs).toBe(7e9);
  });

  it('tells its progress about five times a second', async () => {
    const told: LevelProgress[] = [];
    const { clock, result } = start(noisy(2, 0.05), {
      levelIndex: 2,
      levelCount: 7,
      listener: { onProgress: (progress) => told.push(progress) },
    });
    await clock.advanceAsync(3e9);
    await result;
    expect(told.length).toBeGreaterThanOrEqual(9);
    expect(told.length).toBeLessThanOrEqual(12);
    expect(told[4]).toMatchObject({ levelIndex: 2, levelCount: 7, elapsedNs: 1e9, maxDurationNs: 7e9, errorCount: 0 });
    expect(told[4]!.throughputPerSec).toBeGreaterThan(450);
    expect(told[4]!.latencyP50Ns).toBeGreaterThan(7e6);
    expect(told[4]!.halfWidth).toBeUndefined();
    expect(told.at(-1)!.halfWidth).toBeLessThan(0.05);
  });

  it('looks less often where a look takes long', async () => {
    const clock = new ManualClock();
    let looks = 0;
    const pool = createSimulatedPool(clock, noisy(3, 1));
    const costly = {
      ...pool,
      async startLevel(level: Parameters<typeof pool.startLevel>[0]) {
        const run = await pool.startLevel(level);
        const columns = (): RequestColumns => {
          looks++;
          clock.advance(50e6);
          return run.columns();
        };
        return { ...run, columns };
      },
    };
    const { result } = start(noisy(3, 1), { clock, pool: costly });
    await clock.advanceAsync(9e9);
    await result;
    expect(looks).toBeLessThan(14);
  });

  it('keeps what an interrupted level had', async () => {
    const abort = new AbortController();
    const { clock, pool, result } = start(noisy(4, 0.05), { signal: abort.signal });
    await clock.advanceAsync(1.1e9);
    abort.abort();
    await clock.advanceAsync(0);
    const record = await result;
    expect(record).toMatchObject({ verdict: 'UNSTABLE', endReason: 'interrupted' });
    expect(record.warnings.map(({ code }) => code)).toContain('INTERRUPTED');
    expect(record.requestCount).toBeGreaterThan(200);
    expect(pool.stopCount()).toBe(1);
  });

  it('gives up early on a server that fails every request', async () => {
    const { clock, result } = start({ serviceNs: () => 10e6, outcome: () => outcomeCodes.error, horizonNs: 10e9 });
    await clock.advanceAsync(3e9);
    const record = levelRecordSchema.parse(await result);
    expect(record).toMatchObject({ verdict: 'INVALID', endReason: 'failed', requestCount: 0, latencyNs: null });
    expect(record.errorCount).toBeGreaterThan(200);
    expect(record.errors).toEqual({ 'UNAVAILABLE: scripted': record.errorCount });
  });

  it('says when the generator was the limit', async () => {
    const { clock, result } = start({ ...noisy(5, 0.05), usage: { maxBusyRatio: 0.95 } });
    await clock.advanceAsync(3e9);
    expect((await result).verdict).toBe('CLIENT_LIMITED');
  });

  it("takes the server's times for the measured window, not for the warm-up before it", async () => {
    const clock = new ManualClock();
    // Twenty milliseconds in the queue during the first second, then one.
    const admin = createSilentAdmin(() => {
      const slow = Math.min(clock.now(), 1e9) / 1e7;
      const quick = Math.max(0, clock.now() - 1e9) / 2e6;
      return statisticsOf({ requests: slow + quick, queueNs: slow * 20e6 + quick * 1e6 });
    });
    const pool = createSimulatedPool(clock, {
      serviceNs: (index, at) => (at < 1e9 ? 10e6 : 2e6 + (index % 3) * 1e4),
      horizonNs: 10e9,
    });
    const { result } = start(noisy(1, 0), { clock, pool, admin });
    await clock.advanceAsync(8e9);
    const record = await result;
    expect(record.warmupNs).toBeGreaterThanOrEqual(0.9e9);
    expect(record.server!.queueNs).toBeLessThan(4e6);
    expect(record.server!.inferenceCount * 2e6).toBeLessThan(record.durationNs + 0.3e9);
  });

  it('leaves out the times of a server whose statistics cannot be of its requests, and says why', async () => {
    const clockOf = async (count: (requests: number) => number, queueNs: (requests: number) => number) => {
      const clock = new ManualClock();
      const admin = createSilentAdmin(() => {
        // One after the other, two milliseconds each; four are in flight, so each takes eight.
        const requests = Math.floor(clock.now() / 2e6);
        return statisticsOf({ requests: count(requests), queueNs: queueNs(requests) });
      });
      const pool = createSimulatedPool(clock, { serviceNs: () => 2e6, horizonNs: 10e9 });
      const { result } = start(noisy(1, 0), { clock, pool, admin });
      await clock.advanceAsync(8e9);
      const { server, latencyParts, warnings, latencyNs } = levelRecordSchema.parse(await result);
      if (server === null) expect(latencyParts).toBeNull();
      else expect(server.queueNs).toBeLessThanOrEqual(latencyNs!.mean);
      return { server, codes: warnings.map(({ code }) => code) };
    };
    const same = (requests: number): number => requests;
    expect(await clockOf(same, (requests) => requests * 1e6)).toMatchObject({ server: { queueNs: 1e6 }, codes: [] });
    expect(await clockOf(same, (requests) => requests * 10e6)).toMatchObject({
      server: { scaledBy: expect.closeTo(0.8, 2) },
      codes: ['STATISTICS_SCALED'],
    });
    const leftOut = (code: string) => ({ server: null, codes: [code] });
    expect(await clockOf(same, (requests) => requests * 20e6)).toEqual(leftOut('STATISTICS_NONSENSE'));
    expect(await clockOf(same, (requests) => (requests > 400 ? 2 ** 64 : 0))).toEqual(leftOut('STATISTICS_NONSENSE'));
    expect(await clockOf(same, (requests) => -requests)).toEqual(leftOut('STATISTICS_NONSENSE'));
    expect(await clockOf((requests) => 9000 - requests, same)).toEqual(leftOut('STATISTICS_RESET'));
    expect(await clockOf((requests) => requests * 2, same)).toEqual(leftOut('STATISTICS_OTHER_CLIENTS'));
    expect(await clockOf((requests) => Math.floor(requests / 2), same)).toEqual(leftOut('STATISTICS_MISCOUNTED'));
    expect(
      await clockOf(
        () => 7,
        () => 7,
      ),
    ).toEqual(leftOut('STATISTICS_MISCOUNTED'));
  });

  it('stops the load when a worker has died, and passes its error on', async () => {
    const clock = new ManualClock();
    const pool = createSimulatedPool(clock, noisy(6, 0.1));
    const dying = {
      ...pool,
      async startLevel(level: Parameters<typeof pool.startLevel>[0]) {
        const run = await pool.startLevel(level);
        return {
          ...run,
          columns: () => {
            throw new Error('worker 0 died');
          },
        };
      },
    };
    const { result } = start(noisy(6, 0.1), { clock, pool: dying });
    const rejection = expect(result).rejects.toThrow('worker 0 died');
    await clock.advanceAsync(1e9);
    await rejection;
    expect(pool.stopCount()).toBe(1);
  });

  it('stops watching the server when the load cannot begin', async () => {
    let watching = false;
    const monitor: LevelMonitor = {
      begin: () => {
        watching = true;
      },
      pause: () => {
        watching = false;
      },
      end: async () => null,
    };
    const pool: LoadWorkerPool = {
      startLevel: async () => {
        expect(watching).toBe(true);
        throw new Error('host does not answer');
      },
      close: async () => undefined,
    };
    await expect(start(noisy(1, 0.05), { pool, monitor }).result).rejects.toThrow('host does not answer');
    expect(watching).toBe(false);
  });

  it('hands the record and the raw samples over before it returns', async () => {
    const told: [LevelRecord, number][] = [];
    const { clock, result } = start(noisy(7, 0.05), {
      listener: { onLevel: (level, columns) => void told.push([level, columns.length]) },
    });
    await clock.advanceAsync(3e9);
    const record = await result;
    expect(told).toHaveLength(1);
    expect(told[0]![0]).toEqual(record);
    expect(told[0]![1]).toBeGreaterThanOrEqual(record.requestCount + record.warmupRequestCount);
  });

  it('warns of CPU time that the host was denied', async () => {
    const readings = [0, 100].map((stolenTicks) => ({
      totalTicks: stolenTicks * 10,
      stolenTicks,
      idleTicks: 0,
      throttledNs: 0,
    }));
    const { clock, result } = start(noisy(8, 0.05), { readPressure: () => readings.shift()! });
    await clock.advanceAsync(3e9);
    expect((await result).warnings.map(({ code }) => code)).toEqual(['CPU_STEAL']);
  });
});

describe('other programs beside a level', () => {
  /** Two CPUs that were busy all the time; ours used `oursSec` of the level's two seconds of each. */
  const busyHost = (oursSec: number) => {
    const readings = [0, 1].map((at) => ({
      byCpu: new Map([0, 1].map((id) => [id, { busy: at * 200, nice: 0, idle: 0, total: at * 200 }])),
      pressureNs: at * 1.5e9,
      use: { oursNs: at * oursSec * 1e9, others: new Map(), cpus: undefined },
    }));
    return () => readings.shift()!;
  };

  it('make it unsteady when they take much, and are the first reason', async () => {
    const { clock, result } = start(noisy(8, 0.05), { readHost: busyHost(3) });
    await clock.advanceAsync(3e9);
    const record = levelRecordSchema.parse(await result);
    expect(record).toMatchObject({ verdict: 'UNSTABLE', warnings: [{ code: 'HOST_BUSY' }] });
    expect(record.generator!.othersCpuCount).toBeCloseTo(0.5, 1);
    expect(record.generator!.cpuWaitRatio).toBeCloseTo(0.75, 1);
  });

  it('are told when they take a little', async () => {
    const { clock, result } = start(noisy(8, 0.05), { readHost: busyHost(3.72) });
    await clock.advanceAsync(3e9);
    expect(await result).toMatchObject({ verdict: 'VALID', warnings: [{ code: 'HOST_BUSY' }] });
  });

  it('are not what the load itself keeps busy', async () => {
    const { clock, result } = start(noisy(8, 0.05), { readHost: busyHost(4) });
    await clock.advanceAsync(3e9);
    expect(await result).toMatchObject({ verdict: 'VALID', warnings: [] });
  });
});
