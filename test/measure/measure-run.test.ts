import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/common/random.js';
import { millis, seconds } from '../../src/common/units.js';
import { type MeasureRunOptions, measureRun } from '../../src/measure/measure-run.js';
import { type LoadPlan, levelValue } from '../../src/plan/load-plan.js';
import { loadAmount } from '../../src/record/load-name.js';
import { concurrencyOf } from '../support/concurrency-of.js';
import { ManualClock } from '../support/manual-clock.js';
import { createSilentAdmin } from '../support/silent-admin.js';
import { createSimulatedPool } from '../support/simulated-pool.js';

const plan: LoadPlan = {
  models: [{ model: 'model', modelVersion: '', weight: 1, hasBatchDimension: true, shapeVariants: [[]] }],
  protocol: 'grpc',
  endpoint: '127.0.0.1:1',
  client: 'grpc-wire',
  load: { kind: 'closed' },
  sequence: { kind: 'stepped', values: [1, 2, 4] },
  batchSizes: [2],
  stopRule: { minDuration: seconds(2), maxDuration: seconds(4), targetHalfWidth: 0.05 },
  maxErrorRatio: 0.01,
  requestTimeout: seconds(30),
  workerCount: 1,
  seed: 1,
};

function start(changes: Partial<LoadPlan> = {}, options: Partial<MeasureRunOptions> = {}) {
  const clock = new ManualClock(7e12);
  const rng = createRng(1);
  const pool = createSimulatedPool(clock, {
    serviceNs: () => 5e6 * (1 + 0.03 * rng.normal()),
    parallel: 2,
    horizonNs: 6e9,
  });
  const events: string[] = [];
  const result = measureRun({
    plan: { ...plan, ...changes },
    pool,
    admin: createSilentAdmin(),
    clock,
    signal: new AbortController().signal,
    readPressure: () => ({
      totalTicks: undefined,
      stolenTicks: undefined,
      idleTicks: undefined,
      throttledNs: undefined,
    }),
    listener: {
      onProgress: ({ level, levelIndex, levelCount }) => {
        const event = `run ${levelValue(level)} ${levelIndex}/${levelCount}`;
        if (events.at(-1) !== event) events.push(event);
      },
      onLevel: (level) => void events.push(`done ${loadAmount(level.load)}`),
    },
    ...options,
  });
  return { clock, pool, events, result };
}

/** Moves the clock in small steps, so that all the code between two levels can run, until the run has ended. */
async function playOut<T>(clock: ManualClock, result: Promise<T>): Promise<T> {
  let isOver = false;
  const over = result.finally(() => {
    isOver = true;
  });
  for (let step = 0; step < 10_000 && !isOver; step++) await clock.advanceAsync(20e6);
  return over;
}

describe('measuring a run', () => {
  it('measures the levels in order and hands each over before the next starts', async () => {
    const { clock, pool, events, result } = start();
    const { levels, state } = await playOut(clock, result);
    expect(state).toBe('complete');
    expect(events).toEqual(['run 1 0/3', 'done 1', 'run 2 1/3', 'done 2', 'run 4 2/3', 'done 4']);
    expect(levels.map(({ load }) => concurrencyOf(load))).toEqual([1, 2, 4]);
    // Two servers of 5 ms and two rows a request: 400 inferences a second, then 800 whatever the concurrency.
    const throughputs = levels.map(({ throughputPerSec }) => Math.round(throughputPerSec.value / 40) * 40);
    expect(throughputs).toEqual([400, 800, 800]);
    expect(pool.stopCount()).toBe(3);
  });

  it('ends at the first level past the latency limit', async () => {
    const { clock, result } = start({ latencyLimit: millis(8), sequence: { kind: 'stepped', values: [1, 2, 4, 8] } });
    const { levels } = await playOut(clock, result);
    expect(levels.map(({ load }) => concurrencyOf(load))).toEqual([1, 2, 4]);
  });

  it('refines an adaptive range around its knee', async () => {
    const { clock, result } = start({ sequence: { kind: 'adaptive', start: 1, end: 8 } });
    const { levels } = await playOut(clock, result);
    expect(levels.slice(0, 4).map(({ load }) => concurrencyOf(load))).toEqual([1, 2, 4, 8]);
    expect(levels.length).toBeGreaterThan(4);
  });

  it('keeps the finished levels and the running one when it is interrupted late', async () => {
    const abort = new AbortController();
    const { clock, pool, events, result } = start({}, { signal: abort.signal });
    for (let step = 0; step < 180; step++) await clock.advanceAsync(20e6);
    abort.abort();
    const { levels, state } = await playOut(clock, result);
    expect(state).toBe('interrupted');
    expect(levels.map(({ endReason }) => endReason)).toEqual(['target-met', 'interrupted']);
    expect(events.at(-1)).toBe('done 2');
    expect(pool.stopCount()).toBe(2);
  });

  it('drops an interrupted level that has nothing to say', async () => {
    const abort = new AbortController();
    const { clock, events, result } = start({}, { signal: abort.signal });
    for (let step = 0; step < 103; step++) await clock.advanceAsync(20e6);
    abort.abort();
    const { levels, state } = await playOut(clock, result);
    expect(state).toBe('interrupted');
    expect(levels.map(({ load }) => concurrencyOf(load))).toEqual([1]);
    expect(events.filter((event) => event.startsWith('done'))).toEqual(['done 1']);
  });

  it('measures nothing when it was interrupted before', async () => {
    const { pool, result } = start({}, { signal: AbortSignal.abort() });
    expect(await result).toMatchObject({ levels: [], state: 'interrupted' });
    expect(pool.started).toEqual([]);
  });

  it('goes through the sequence for every batch size and shape, and names the shapes that differ', async () => {
    const input = (width: number) => ({
      name: 'in',
      dataType: 'FP32' as const,
      shape: [1, width],
      source: { kind: 'zero' as const },
      stringLengthBytes: 1,
    });
    const models = [{ ...plan.models[0]!, shapeVariants: [[input(50)], [input(100)]] }];
    const { clock, result } = start({ models, batchSizes: [1, 4], sequence: { kind: 'stepped', values: [1, 2] } });
    const { levels } = await playOut(clock, result);
    expect(levels.map(({ load }) => [load.shapes, load.batchSize, concurrencyOf(load)])).toEqual([
      ['in:1,50', 1, 1],
      ['in:1,50', 1, 2],
      ['in:1,50', 4, 1],
      ['in:1,50', 4, 2],
      ['in:1,100', 1, 1],
      ['in:1,100', 1, 2],
      ['in:1,100', 4, 1],
      ['in:1,100', 4, 2],
    ]);
  });

  it('halves the range where the latency limit stops holding', async () => {
    // Latency is 5 ms for two at once, and 2.5 ms for each further one: 20 ms at 8.
    const sequence = { kind: 'binary-search', start: 1, end: 32, step: 1 } as const;
    const { clock, result } = start({ sequence, latencyLimit: millis(20.5) });
    const { levels, searches } = await playOut(clock, result);
    expect(levels.map(({ load }) => concurrencyOf(load))).toEqual([1, 32, 16, 8, 12, 10, 9]);
    expect(searches).toMatchObject([{ result: 'found', highestHeld: 8, lowestFailed: 9, metric: 'latency_mean' }]);
    expect(searches![0]).toMatchObject({ load: 'concurrency', start: 1, end: 32, step: 1, latencyLimitNs: 20.5e6 });
  });

  it.each([
    ['all-hold', 1000, { highestHeld: 4, lowestFailed: null }],
    ['none-holds', 1, { highestHeld: null, lowestFailed: 1 }],
  ])('says of a binary search that it came to %s', async (outcome, limitMs, ends) => {
    const sequence = { kind: 'binary-search', start: 1, end: 4, step: 1 } as const;
    const { clock, result } = start({ sequence, latencyLimit: millis(limitMs), batchSizes: [1, 2] });
    const { searches } = await playOut(clock, result);
    expect(searches).toMatchObject([
      { result: outcome, batchSize: 1, ...ends },
      { result: outcome, batchSize: 2, ...ends },
    ]);
  });

  it('says of a binary search that it was cut short', async () => {
    const ending = new AbortController();
    const sequence = { kind: 'binary-search', start: 1, end: 32, step: 1 } as const;
    const { clock, result } = start({ sequence, latencyLimit: millis(20.5) }, { signal: ending.signal });
    await clock.advanceAsync(3e9);
    ending.abort();
    const { searches } = await playOut(clock, result);
    expect(searches).toMatchObject([{ result: 'interrupted', highestHeld: 1, lowestFailed: null }]);
  });

  it('says nothing of searching where a range is gone through', async () => {
    const { clock, result } = start();
    expect(await playOut(clock, result)).not.toHaveProperty('searches');
  });

  it('sends exactly the requests asked for, and ends with the last answer', async () => {
    const { clock, pool, result } = start({ sequence: { kind: 'stepped', values: [4] }, requestCount: 101 });
    const { levels } = await playOut(clock, result);
    expect(levels).toMatchObject([{ endReason: 'request-count', requestCount: 101, warmupNs: 0 }]);
    expect(pool.started).toMatchObject([{ requestCount: 101 }]);
    // Two servers of about 5 ms: 101 requests take 51 rounds.
    expect(levels[0]!.durationNs / 1e6).toBeGreaterThan(240);
    expect(levels[0]!.durationNs / 1e6).toBeLessThan(270);
  });

  it('has the warm-up requests answered before the level begins', async () => {
    const { clock, pool, result } = start({ sequence: { kind: 'stepped', values: [2] }, warmupRequestCount: 20 });
    const { levels } = await playOut(clock, result);
    expect(pool.started).toMatchObject([{ requestCount: 20 }, { warmupRequestCount: 20 }]);
    expect(levels).toHaveLength(1);
  });

  it('follows a profile to its end', async () => {
    const segments = [
      { duration: seconds(1), startPerSec: 50, endPerSec: 50 },
      { duration: seconds(1), startPerSec: 50, endPerSec: 350 },
    ];
    const load = { kind: 'open', arrival: { kind: 'profile', segments, isPoisson: false }, maxInFlight: 1000 } as const;
    const { clock, result } = start({ load, sequence: { kind: 'stepped', values: [125] } });
    const { levels } = await playOut(clock, result);
    expect(levels).toMatchObject([
      {
        endReason: 'schedule-over',
        requestCount: 250,
        load: { kind: 'open', arrival: 'profile', requestRatePerSec: 125 },
      },
    ]);
  });

  it('ends an adaptive range of rates at the first that is more than the server takes', async () => {
    const load = { kind: 'open', arrival: { kind: 'poisson' }, maxInFlight: 200 } as const;
    const { clock, result } = start({ load, sequence: { kind: 'adaptive', start: 100, end: 6400 } });
    const { levels } = await playOut(clock, result);
    const rates = levels.map((level) => loadAmount(level.load));
    // Two servers of 5 ms take 400 a second.
    expect(rates.slice(0, 4)).toEqual([100, 200, 400, 800].slice(0, Math.min(4, rates.length)));
    expect(Math.max(...rates)).toBeLessThanOrEqual(800);
  });

  it('finds the peak of a server of known speed within 3 %', async () => {
    const load = { kind: 'open', arrival: { kind: 'constant' }, maxInFlight: 16_384 } as const;
    const { clock, result } = start({ load, sequence: { kind: 'peak' } });
    const { levels, peak } = await playOut(clock, result);
    expect(peak).toMatchObject({ isConfirmed: true, metric: 'served', latencyLimitNs: null });
    expect(Math.abs(peak!.requestRatePerSec!.value - 400) / 400).toBeLessThan(0.03);
    // The closed loop that told where to begin is not a result.
    expect(levels.every((level) => level.load.kind === 'open')).toBe(true);
    expect(levels).toHaveLength(peak!.probes.length);
  });
});
