/** Levels whose time is spread over the run in visits: their order, their sums, and what their intervals are of. */
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/common/random.js';
import { seconds } from '../../src/common/units.js';
import type { LoadWorkerPool } from '../../src/load/load-session.js';
import { type MeasureRunOptions, measureRun } from '../../src/measure/measure-run.js';
import type { LevelMonitor, LevelProgress, VisitNews } from '../../src/measure/measurement.js';
import { type LoadPlan, levelValue } from '../../src/plan/load-plan.js';
import { loadAmount } from '../../src/record/load-name.js';
import { type LevelRecord, levelRecordSchema } from '../../src/record/run-record.js';
import { ManualClock } from '../support/manual-clock.js';
import { statisticsOf } from '../support/model-statistics.js';
import { createSilentAdmin } from '../support/silent-admin.js';
import { createSimulatedPool, type SimulatedServer } from '../support/simulated-pool.js';

const plan: LoadPlan = {
  models: [{ model: 'model', modelVersion: '', weight: 1, hasBatchDimension: true, shapeVariants: [[]] }],
  protocol: 'grpc',
  endpoint: '127.0.0.1:1',
  client: 'grpc-wire',
  load: { kind: 'closed' },
  sequence: { kind: 'stepped', values: [1, 2, 4] },
  batchSizes: [1],
  stopRule: { minDuration: seconds(4), maxDuration: seconds(6), targetHalfWidth: 0.05, visitCount: 4 },
  requestTimeout: seconds(30),
  maxErrorRatio: 0.01,
  workerCount: 1,
  seed: 1,
};

interface Told {
  readonly level: LevelRecord;
  readonly rowCount: number;
  readonly news: VisitNews | undefined;
}

function start(
  changes: Partial<LoadPlan> = {},
  options: Partial<MeasureRunOptions> = {},
  server: Partial<SimulatedServer> = {},
) {
  const clock = new ManualClock(7e12);
  const rng = createRng(1);
  const pool = createSimulatedPool(clock, {
    serviceNs: () => 5e6 * (1 + 0.03 * rng.normal()),
    parallel: 2,
    horizonNs: 8e9,
    ...server,
  });
  const told: Told[] = [];
  const progress: LevelProgress[] = [];
  const nothing = { totalTicks: undefined, stolenTicks: undefined, idleTicks: undefined, throttledNs: undefined };
  const result = measureRun({
    plan: { ...plan, ...changes },
    pool,
    admin: createSilentAdmin(),
    clock,
    signal: new AbortController().signal,
    readPressure: () => nothing,
    listener: {
      onProgress: (one) => void progress.push(one),
      onLevel: (level, columns, _, news) => void told.push({ level, rowCount: columns.length, news }),
    },
    ...options,
  });
  return { clock, pool, told, progress, result };
}

async function playOut<T>(clock: ManualClock, result: Promise<T>): Promise<T> {
  let isOver = false;
  const over = result.finally(() => {
    isOver = true;
  });
  for (let step = 0; step < 10_000 && !isOver; step++) await clock.advanceAsync(20e6);
  return over;
}

const order = (pool: { readonly started: readonly Parameters<LoadWorkerPool['startLevel']>[0][] }): number[] =>
  pool.started.map(levelValue);

describe('visits', () => {
  it('go round the levels, so that each is spread over the run, and add up to a record', async () => {
    const { clock, pool, told, result } = start();
    const { levels, state } = await playOut(clock, result);
    expect(state).toBe('complete');
    expect(order(pool)).toEqual([1, 2, 4, 1, 2, 4, 1, 2, 4, 1, 2, 4]);
    for (const level of levels) {
      expect(() => levelRecordSchema.parse(level)).not.toThrow();
      expect(level).toMatchObject({ verdict: 'VALID', endReason: 'target-met', warnings: [] });
      const { visits } = level.repeat!;
      expect(visits).toHaveLength(4);
      expect(level.requestCount).toBe(visits.reduce((sum, { requestCount }) => sum + requestCount, 0));
      expect(level.durationNs).toBeCloseTo(
        visits.reduce((sum, { durationNs }) => sum + durationNs, 0),
        -1,
      );
      expect(level.warmupNs + level.durationNs).toBeGreaterThan(3.9e9);
      expect(level.warmupNs + level.durationNs).toBeLessThan(4.2e9);
      // Others' visits lie between two of a level.
      expect(visits[1]!.startNs - visits[0]!.startNs).toBeGreaterThan(2.5e9);
    }
    expect(levels.map(({ throughputPerSec }) => Math.round(throughputPerSec.value / 20) * 20)).toEqual([200, 400, 400]);
    // Told after each visit, the same place each time, with all rows so far.
    expect(told.map(({ news }) => news!.levelIndex)).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]);
    expect(told.map(({ news }) => news!.isLast)).toEqual([...Array(9).fill(false), true, true, true]);
    const first = told.filter(({ news }) => news!.levelIndex === 0);
    expect(first.map(({ rowCount }) => rowCount)).toEqual(
      first.map(({ rowCount }) => rowCount).toSorted((a, b) => a - b),
    );
    expect(first.reduce((sum, { news }) => sum + news!.visitColumns!.length, 0)).toBe(first.at(-1)!.rowCount);
    for (const { level } of told) expect(() => levelRecordSchema.parse(level)).not.toThrow();
  });

  it('claim a wider interval for a repeat than for the run itself', async () => {
    const { clock, result } = start();
    const { levels } = await playOut(clock, result);
    const [level] = levels;
    const width = ({ low, high }: { low: number | null; high: number | null }) => high! - low!;
    const { withinRun, drift } = level!.repeat!;
    expect(drift).toMatchObject({ isMeasured: false });
    expect(width(level!.throughputPerSec)).toBeGreaterThan(5 * width(withinRun.throughputPerSec));
    const [low, high] = level!.latencyIntervalNs!.p50!;
    const [lowWithin, highWithin] = withinRun.latencyIntervalNs!.p50!;
    expect(high - low).toBeGreaterThan(5 * (highWithin - lowWithin));
    expect(low).toBeLessThan(level!.latencyNs!.p50);
    expect(high).toBeGreaterThan(level!.latencyNs!.p50);
  });

  it('use the drift that was measured on this host', async () => {
    const drift = { ratio: 0.005, correlationNs: 20e9, freedom: 20, isMeasured: true };
    const { clock, result } = start({}, { drift });
    const { levels } = await playOut(clock, result);
    const { low, high, value } = levels[0]!.throughputPerSec;
    expect((high! - low!) / value).toBeLessThan(0.05);
    expect(levels[0]!.repeat!.drift).toEqual({ ratio: 0.005, correlationNs: 20e9, isMeasured: true });
  });

  it('lie apart for a level alone too, within half as much time again', async () => {
    const { clock, pool, result } = start({ sequence: { kind: 'stepped', values: [4] } });
    const begun = clock.now();
    let ended = 0;
    await playOut(
      clock,
      result.finally(() => {
        ended = clock.now();
      }),
    );
    expect(order(pool)).toEqual([4, 4, 4, 4]);
    expect(ended - begun).toBeLessThan(1.5 * 4e9);
    expect(ended - begun).toBeGreaterThan(5e9);
  });

  it('that differ make the level unsteady, and are the reason', async () => {
    let visit = 0;
    const rng = createRng(2);
    const clock = new ManualClock(7e12);
    const speeds = [1, 2, 1, 2];
    const pools = speeds.map((speed) =>
      createSimulatedPool(clock, { serviceNs: () => 2e6 * speed * (1 + 0.03 * rng.normal()), horizonNs: 8e9 }),
    );
    const pool: LoadWorkerPool = {
      startLevel: (level) => pools[visit++ % 4]!.startLevel(level),
      close: async () => undefined,
    };
    const { result } = start({ sequence: { kind: 'stepped', values: [4] } }, { pool, clock });
    const [level] = (await playOut(clock, result)).levels;
    expect(level).toMatchObject({ verdict: 'UNSTABLE', isSteady: false, warnings: [{ code: 'VISITS_DIFFER' }] });
    expect(level!.warnings[0]!.message).toContain('4 visits to the level found 249 to 500 inferences/s');
    const { low, high } = level!.throughputPerSec;
    expect(low).toBeLessThan(250);
    expect(high).toBeGreaterThan(450);
  });

  it('go on until the target is met or the most time is over', async () => {
    const rng = createRng(3);
    const { clock, pool, result } = start(
      { sequence: { kind: 'stepped', values: [1] } },
      {},
      { serviceNs: () => 1.5e6 * Math.exp(1.5 * rng.normal()), parallel: 1 },
    );
    const [level] = (await playOut(clock, result)).levels;
    expect(level).toMatchObject({ endReason: 'time-over', isSteady: false });
    expect(pool.started.length).toBeGreaterThan(4);
    expect(level!.warmupNs + level!.durationNs).toBeGreaterThan(5.9e9);
    expect(level!.warmupNs + level!.durationNs).toBeLessThan(6.5e9);
  });

  it('are one only where a level is too slow for more', async () => {
    const { clock, pool, result } = start(
      { sequence: { kind: 'stepped', values: [1, 2] }, stopRule: { ...plan.stopRule, targetHalfWidth: 0.1 } },
      {},
      { serviceNs: (index) => 60e6 + (index % 3) * 1e5 },
    );
    const { levels } = await playOut(clock, result);
    expect(order(pool)).toEqual([1, 2]);
    for (const level of levels) {
      expect(level.repeat!.visits).toHaveLength(1);
      expect(level.warnings).toEqual([]);
    }
  });

  it.each([
    ['an exact number of requests', { requestCount: 300 }],
    ['a search', { sequence: { kind: 'binary-search', start: 1, end: 3, step: 1 } }],
    ['kept tensors', { keepsTensors: true }],
    [
      'a plan without visits',
      { stopRule: { minDuration: seconds(4), maxDuration: seconds(6), targetHalfWidth: 0.05 } },
    ],
    [
      'a fixed duration in a plan without visits',
      { stopRule: { minDuration: seconds(4), maxDuration: seconds(4), targetHalfWidth: 0.05 } },
    ],
  ] satisfies [string, Partial<LoadPlan>][])('are none for %s', async (_, changes) => {
    const { clock, told, result } = start(changes);
    const { levels } = await playOut(clock, result);
    expect(levels.every(({ repeat }) => repeat === undefined)).toBe(true);
    expect(told.every(({ news }) => news === undefined)).toBe(true);
  });

  it('that were made are kept when the run is interrupted', async () => {
    const abort = new AbortController();
    const { clock, told, result } = start({}, { signal: abort.signal });
    for (let step = 0; step < 220; step++) await clock.advanceAsync(20e6);
    abort.abort();
    const { levels, state } = await playOut(clock, result);
    expect(state).toBe('interrupted');
    expect(levels.map(({ load }) => loadAmount(load))).toEqual([1, 2, 4]);
    for (const level of levels) {
      expect(() => levelRecordSchema.parse(level)).not.toThrow();
      expect(level).toMatchObject({ endReason: 'interrupted', isSteady: false });
      expect(level.warnings.map(({ code }) => code)).toContain('INTERRUPTED');
      expect(level.requestCount).toBeGreaterThan(100);
    }
    const last = [0, 1, 2].map((index) => told.findLast(({ news }) => news!.levelIndex === index)!);
    expect(last.every(({ news }) => news!.isLast)).toBe(true);
    expect(last.map(({ level }) => level)).toEqual(levels);
  });

  it('sum failures, and server times weigh by requests', async () => {
    const clock = new ManualClock(7e12);
    const admin = createSilentAdmin(() => {
      const requests = Math.round((clock.now() - 7e12) / 5e6);
      return statisticsOf({ requests, queueNs: requests * 1e6 });
    });
    const pool = createSimulatedPool(clock, {
      serviceNs: (index) => 5e6 + (index % 5) * 1e4,
      outcome: (index) => (index % 200 === 100 ? 2 : 1),
      horizonNs: 8e9,
    });
    const { result } = start({ sequence: { kind: 'stepped', values: [1, 2] } }, { clock, pool, admin });
    const { levels } = await playOut(clock, result);
    for (const level of levels) {
      expect(level.errors).toEqual({ 'UNAVAILABLE: scripted': level.errorCount });
      expect(level.errorCount).toBeGreaterThanOrEqual(4);
      expect(level.server!.queueNs).toBeCloseTo(1e6, -4);
      expect(level.server!.inferenceCount).toBeGreaterThan(700);
    }
  });

  it('are watched one after the other, and what was watched adds up', async () => {
    let ended = 0;
    const monitor: LevelMonitor = {
      begin: () => undefined,
      pause: () => undefined,
      end: async () => {
        ended++;
        return {
          serverCpuCount: ended % 2,
          serverMemoryBytes: ended * 100,
          gpus: [
            {
              id: 'a',
              name: 'gpu',
              utilizationRatio: 0.5,
              powerWatts: 100,
              memoryUsedBytes: 7,
              memoryTotalBytes: 9,
              energyJoules: 10,
            },
          ],
          energyPerInferenceJoules: 0.1,
          serverMetrics: { count: 10, load: ended, 'max load': ended },
        };
      },
    };
    const { clock, result } = start({ sequence: { kind: 'stepped', values: [4] } }, { monitor });
    const [level] = (await playOut(clock, result)).levels;
    expect(ended).toBe(4);
    expect(level!.monitors!.serverCpuCount).toBeCloseTo(0.5, 1);
    expect(level!.monitors!.energyPerInferenceJoules).toBeCloseTo(0.1);
    expect(level!.monitors).toMatchObject({
      serverMemoryBytes: 400,
      gpus: [{ energyJoules: 40, memoryUsedBytes: 7 }],
      serverMetrics: { count: 40, 'max load': 4 },
    });
    expect(level!.monitors!.serverMetrics!.load).toBeCloseTo(2.5, 1);
  });

  it('tell which they are and how long the run may still take', async () => {
    const { clock, progress, result } = start({ sequence: { kind: 'stepped', values: [2, 4] } });
    await playOut(clock, result);
    expect(progress[0]).toMatchObject({ levelIndex: 0, levelCount: 2, visit: { index: 0, count: 4 } });
    expect(progress[0]!.leftNs! / 1e9).toBeCloseTo(11.8, 1);
    expect(progress.at(-1)).toMatchObject({ levelIndex: 1, levelCount: 2, visit: { index: 3, count: 4 } });
    expect(progress.at(-1)!.elapsedNs / 1e9).toBeCloseTo(4, 0);
    const left = progress.map(({ leftNs }) => leftNs!);
    expect(left.every((ns, at) => at === 0 || ns <= left[at - 1]! + 0.3e9)).toBe(true);
  });

  it('stop at a level whose server stopped answering', async () => {
    const { clock, pool, result } = start(
      { sequence: { kind: 'stepped', values: [2] } },
      {},
      { outcome: (index) => (index < 250 ? 1 : 2) },
    );
    const [level] = (await playOut(clock, result)).levels;
    expect(level).toMatchObject({ verdict: 'INVALID' });
    expect(level!.warnings.map(({ code }) => code)).toContain('SERVER_STOPPED');
    expect(pool.started).toHaveLength(1);
  });

  it('stop too where the server answers none of a later visit', async () => {
    const clock = new ManualClock(7e12);
    const rng = createRng(4);
    const serviceNs = (): number => 5e6 * (1 + 0.03 * rng.normal());
    const good = createSimulatedPool(clock, { serviceNs, horizonNs: 8e9 });
    const bad = createSimulatedPool(clock, { serviceNs, outcome: () => 3, horizonNs: 8e9 });
    let visits = 0;
    const pool: LoadWorkerPool = {
      startLevel: (level) => (++visits <= 2 ? good : bad).startLevel(level),
      close: async () => undefined,
    };
    const { result } = start({ sequence: { kind: 'stepped', values: [2] } }, { pool, clock });
    const [level] = (await playOut(clock, result)).levels;
    expect(visits).toBe(3);
    expect(() => levelRecordSchema.parse(level)).not.toThrow();
    expect(level).toMatchObject({ verdict: 'INVALID', isSteady: false, repeat: { visits: [{}, {}] } });
    expect(level!.warnings.map(({ code }) => code)).toContain('SERVER_STOPPED');
    expect(level!.warnings.map(({ message }) => message).join()).toMatch(/stopped answering (1\.9|2|2\.0)/);
    expect(Math.round(level!.throughputPerSec.value / 10)).toBe(20);
  });

  it('serve open loops, whose rate is the schedule’s and whose latencies drift with the host', async () => {
    const load = { kind: 'open', arrival: { kind: 'poisson' }, maxInFlight: 200 } as const;
    const { clock, pool, result } = start({ load, sequence: { kind: 'stepped', values: [150, 200] } });
    const { levels } = await playOut(clock, result);
    expect(order(pool).slice(0, 8)).toEqual([150, 200, 150, 200, 150, 200, 150, 200]);
    // Each with arrivals of its own.
    expect(new Set(pool.started.map((level) => level.kind === 'open' && level.seed)).size).toBeGreaterThanOrEqual(4);
    for (const level of levels) {
      expect(level.throughputPerSec).toEqual(level.repeat!.withinRun.throughputPerSec);
      expect(level.latencyIntervalNs!.mean![1]).toBeGreaterThan(level.repeat!.withinRun.latencyIntervalNs!.mean![1]);
    }
  });
});
