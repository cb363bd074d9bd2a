import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/common/random.js';
import { millis, seconds } from '../../src/common/units.js';
import { type MeasureRunOptions, measureRun } from '../../src/measure/measure-run.js';
import type { LoadPlan } from '../../src/plan/load-plan.js';
import { ManualClock } from '../support/manual-clock.js';
import { createSilentAdmin } from '../support/silent-admin.js';
import { createSimulatedPool } from '../support/simulated-pool.js';

const plan: LoadPlan = {
  model: 'model',
  modelVersion: '',
  protocol: 'grpc',
  endpoint: '127.0.0.1:1',
  sequence: { kind: 'stepped', values: [1, 2, 4] },
  batchSize: 2,
  inputs: [],
  stopRule: { minDuration: seconds(2), maxDuration: seconds(4), targetHalfWidth: 0.05 },
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
    readPressure: () => ({ totalTicks: undefined, stolenTicks: undefined, throttledNs: undefined }),
    listener: {
      onProgress: ({ level, levelIndex, levelCount }) => {
        const event = `run ${level.concurrency} ${levelIndex}/${levelCount}`;
        if (events.at(-1) !== event) events.push(event);
      },
      onLevel: (level) => void events.push(`done ${level.load.concurrency}`),
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
    expect(levels.map(({ load }) => load.concurrency)).toEqual([1, 2, 4]);
    // Two servers of 5 ms and two rows a request: 400 inferences a second, then 800 whatever the concurrency.
    const throughputs = levels.map(({ throughputPerSec }) => Math.round(throughputPerSec.value / 40) * 40);
    expect(throughputs).toEqual([400, 800, 800]);
    expect(pool.stopCount()).toBe(3);
  });

  it('ends at the first level past the latency limit', async () => {
    const { clock, result } = start({ latencyLimit: millis(8), sequence: { kind: 'stepped', values: [1, 2, 4, 8] } });
    const { levels } = await playOut(clock, result);
    expect(levels.map(({ load }) => load.concurrency)).toEqual([1, 2, 4]);
  });

  it('refines an adaptive range around its knee', async () => {
    const { clock, result } = start({ sequence: { kind: 'adaptive', start: 1, end: 8 } });
    const { levels } = await playOut(clock, result);
    expect(levels.slice(0, 4).map(({ load }) => load.concurrency)).toEqual([1, 2, 4, 8]);
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
    expect(levels.map(({ load }) => load.concurrency)).toEqual([1]);
    expect(events.filter((event) => event.startsWith('done'))).toEqual(['done 1']);
  });

  it('measures nothing when it was interrupted before', async () => {
    const { pool, result } = start({}, { signal: AbortSignal.abort() });
    expect(await result).toEqual({ levels: [], state: 'interrupted' });
    expect(pool.started).toEqual([]);
  });
});
