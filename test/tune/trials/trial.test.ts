import { describe, expect, it } from 'vitest';
import { PerfTsError } from '../../../src/common/errors.js';
import { seconds } from '../../../src/common/units.js';
import type { LoadLevel } from '../../../src/plan/load-plan.js';
import type { LaunchedVariant, LaunchVariant } from '../../../src/tune/launchers/launched-variant.js';
import { parseConstraint } from '../../../src/tune/objectives/constraint.js';
import { withErrorLimit } from '../../../src/tune/objectives/error-limit.js';
import { parseObjective } from '../../../src/tune/objectives/objective.js';
import { runTrial, type TrialOptions } from '../../../src/tune/trials/trial.js';
import { LevelRises } from '../../../src/tune/trials/trial-watch.js';
import { concurrencyOf } from '../../support/concurrency-of.js';
import { ManualClock } from '../../support/manual-clock.js';
import { simulatedLevel } from '../../support/simulated-variants.js';

const options: TrialOptions = {
  id: 'trial-1',
  variant: { id: 'v-1', parameters: { instance_count: 2 }, changed: ['instance_count'], config: {}, configPbtxt: '' },
  phase: 'search',
  concurrency: 8,
  busyInFlight: 4,
  mayStepDown: true,
  duration: seconds(2),
  effort: 1,
  startedNs: seconds(0),
  rises: new LevelRises(),
  comparesAnswers: false,
  limit: seconds(30),
  limitReason: 'took too long',
  seed: 1,
  objective: parseObjective('throughput'),
  constraints: [],
};

interface Bench {
  readonly clock?: ManualClock;
  readonly signal?: AbortSignal;
  readonly launch?: LaunchVariant;
  readonly measure?: LaunchedVariant['measure'];
  readonly close?: () => Promise<void>;
}

function run(change: Partial<TrialOptions>, { clock = new ManualClock(), ...bench }: Bench = {}) {
  const launchVariant: LaunchVariant =
    bench.launch ??
    (async () => ({
      loadTimeNs: seconds(1),
      measure:
        bench.measure ??
        (async ({ load }) => simulatedLevel({ throughputPerSec: 100 }, concurrencyOf(load), seconds(2))),
      close: bench.close ?? (async () => {}),
    }));
  const signal = bench.signal ?? new AbortController().signal;
  return runTrial({ ...options, ...change }, { launchVariant, clock, signal, onProgress() {} });
}

describe('a trial in which requests fail', () => {
  const failing = (errorCount: number, requestCount = 100) =>
    run(
      { constraints: withErrorLimit([]) },
      {
        measure: async ({ load }) => ({
          ...simulatedLevel(
            { throughputPerSec: 100, verdict: errorCount > 1 ? 'INVALID' : 'VALID' },
            concurrencyOf(load),
            seconds(2),
          ),
          requestCount,
          errorCount,
          errors: { 'INTERNAL: no room': errorCount },
        }),
      },
    );

  it('is infeasible beyond the limit on failures, whatever the others reached', async () => {
    expect((await failing(25))?.record).toMatchObject({
      state: 'infeasible',
      cause: 'requests_failed',
      score: null,
      reason: 'error_rate <= 1%: was 20 %, 20 times the limit (mostly INTERNAL: no room)',
    });
  });

  it('is complete within it', async () => {
    expect((await failing(1))?.record.state).toBe('complete');
  });

  it('is failed where nothing succeeded', async () => {
    expect((await failing(25, 0))?.record).toMatchObject({ state: 'failed', cause: 'requests_failed' });
  });

  it('is judged by the study’s own limit where there is one', () => {
    const own = [parseConstraint('error_rate <= 30%')];
    expect(withErrorLimit(own)).toEqual(own);
    expect(withErrorLimit([], 0.05).map(({ text }) => text)).toEqual(['error_rate <= 5%']);
  });
});

describe('a trial', () => {
  it('ends early when its level cannot catch up with the best, and still says where it stands', async () => {
    let wasEnded = false;
    const trial = await run(
      { rival: { throughputPerSec: 400, error: 0 } },
      {
        measure: async ({ load, duration, signal, onProgress }) => {
          for (let look = 0; look <= 12 && !signal.aborted; look++) {
            onProgress({
              level: load,
              levelIndex: 0,
              levelCount: 1,
              elapsedNs: look * 200e6,
              maxDurationNs: duration,
              requestCount: look * 20,
              errorCount: 0,
              throughputPerSec: 100,
              latencyP50Ns: undefined,
              latencyP99Ns: undefined,
              halfWidth: undefined,
            });
          }
          wasEnded = signal.aborted;
          return simulatedLevel({ throughputPerSec: 100 }, concurrencyOf(load), seconds(1));
        },
      },
    );
    expect(wasEnded).toBe(true);
    expect(trial?.record).toMatchObject({
      state: 'pruned',
      cause: 'early_abort',
      score: null,
      reason: 'ended early: at 25% of the best so far, it could not catch up',
    });
    expect(trial?.result).toMatchObject({ state: 'complete', score: Math.log(100) });
  });

  it.each([
    ['a server that refuses it', new PerfTsError('TARGET_REFUSED', { what: 'unknown field' }), 'load_refused'],
    ['a server that dies', new PerfTsError('ENGINE_FAILED', { what: 'ended with signal SIGSEGV' }), 'crash'],
    [
      'a server that is killed',
      new PerfTsError('ENGINE_FAILED', { what: 'ended with signal SIGKILL' }),
      'out_of_memory',
    ],
    ['a load that needs more than there is', new Error('bad_alloc'), 'out_of_memory'],
  ])('has a cause: %s', async (_, thrown, cause) => {
    const trial = await run({}, { launch: () => Promise.reject(thrown) });
    expect(trial?.record).toMatchObject({ state: 'failed', cause, level: null });
  });

  it('keeps a good level although the server did not stop well', async () => {
    const trial = await run({}, { close: () => Promise.reject(new Error('no answer')) });
    expect(trial?.record).toMatchObject({
      state: 'complete',
      score: 100,
      reason: 'the server did not stop: no answer',
    });
  });

  it('is pruned when its time is over, and the server is closed', async () => {
    const clock = new ManualClock();
    let closed = 0;
    const trial = run(
      {},
      {
        clock,
        measure: ({ signal }) =>
          new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped')))),
        close: async () => {
          closed++;
        },
      },
    );
    await clock.advanceAsync(seconds(31));
    expect((await trial)?.record).toMatchObject({ state: 'pruned', score: null, reason: 'took too long', level: null });
    expect(closed).toBe(1);
    expect(clock.waiting).toBe(0);
  });

  it('leaves no timer behind', async () => {
    const clock = new ManualClock();
    await run({}, { clock });
    expect(clock.waiting).toBe(0);
  });

  it('measures a slow model once more, for as long as enough of its requests take', async () => {
    const durations: number[] = [];
    const trial = await run(
      { concurrency: 2 },
      {
        measure: async ({ duration }) => {
          durations.push(duration);
          const level = simulatedLevel({ throughputPerSec: 1 }, 2, duration);
          return durations.length > 1
            ? { ...level, requestCount: 16 }
            : { ...level, verdict: 'INVALID', requestCount: 0, warmupRequestCount: 4, durationNs: 0, warmupNs: 2e9 };
        },
      },
    );
    expect(durations).toEqual([seconds(2), seconds(8)]);
    expect(trial?.record).toMatchObject({ state: 'complete', score: 1 });
  });

  it('does not measure failures for longer', async () => {
    let levels = 0;
    const trial = await run(
      {},
      {
        measure: async ({ duration }) => {
          levels++;
          const level = simulatedLevel({ throughputPerSec: 0 }, 8, duration);
          return { ...level, verdict: 'INVALID', requestCount: 0, errorCount: 9, errors: { refused: 9 } };
        },
      },
    );
    expect(levels).toBe(1);
    expect(trial?.record.state).toBe('failed');
  });

  it('tries at most two lower loads for a latency limit, and keeps the nearest miss', async () => {
    const loads: number[] = [];
    const trial = await run(
      { constraints: [parseConstraint('latency_p99 <= 1ms')], concurrency: 64 },
      {
        measure: async ({ load }) => {
          loads.push(concurrencyOf(load));
          return simulatedLevel(
            { throughputPerSec: 100, latencyNs: 2e6 + concurrencyOf(load) * 1e5 },
            concurrencyOf(load),
            seconds(2),
          );
        },
      },
    );
    expect(loads).toHaveLength(3);
    expect(loads).toEqual(loads.toSorted((a, b) => b - a));
    expect(trial?.record).toMatchObject({
      state: 'infeasible',
      score: null,
      level: { load: { concurrency: loads[2] } },
    });
    expect(trial?.value).toBe(100);
  });

  it('tells a search how far each limit was missed or kept, and how fast it was all the same', async () => {
    const constraints = ['latency_p99 <= 1ms', 'throughput >= 50', 'error_rate <= 0%'].map((text) =>
      parseConstraint(text),
    );
    const trial = await run(
      { constraints, mayStepDown: false },
      { measure: async () => simulatedLevel({ throughputPerSec: 100, latencyNs: 2e6 }, 8, seconds(2)) },
    );
    const { state, score, margins = {} } = trial!.result;
    expect([state, score]).toEqual(['infeasible', Math.log(100)]);
    expect(Object.keys(margins)).toEqual(['latency_p99 <= 1ms', 'throughput >= 50']);
    expect(margins['latency_p99 <= 1ms']).toBeGreaterThan(0);
    expect(margins['throughput >= 50']).toBeCloseTo(Math.log(0.5));
  });

  it('does not lower the load for a limit that a lower load cannot keep', async () => {
    let levels = 0;
    await run(
      { constraints: [parseConstraint('throughput >= 1000')] },
      {
        measure: async () => {
          levels++;
          return simulatedLevel({ throughputPerSec: 100 }, 8, seconds(2));
        },
      },
    );
    expect(levels).toBe(1);
  });

  it('of an interrupted study is no result', async () => {
    const abort = new AbortController();
    const trial = await run(
      {},
      {
        signal: abort.signal,
        measure: async () => {
          abort.abort();
          return simulatedLevel({ throughputPerSec: 100 }, 8, seconds(2));
        },
      },
    );
    expect(trial).toBeUndefined();
  });
});

describe('the first trial of a slow model', () => {
  /** A server that answers one request after the other. */
  function serveSlowly(inferenceSeconds: number, change: Partial<TrialOptions> = {}) {
    const clock = new ManualClock();
    const loads: LoadLevel[] = [];
    const launch: LaunchVariant = async () => ({
      loadTimeNs: seconds(1),
      firstResponseNs: seconds(inferenceSeconds + 0.3),
      async measure({ load }) {
        loads.push(load);
        const time = seconds(inferenceSeconds * (load.requestCount ?? 1));
        await clock.advanceAsync(time);
        const latencyNs = inferenceSeconds * concurrencyOf(load) * 1e9;
        return simulatedLevel({ throughputPerSec: 1 / inferenceSeconds, latencyNs }, concurrencyOf(load), time);
      },
      async close() {},
    });
    const result = run(
      {
        concurrency: 16,
        slowLevelTime: seconds(3),
        firstOfBudget: { budget: seconds(45), isLoadFixed: false },
        ...change,
      },
      { clock, launch },
    );
    return { clock, loads, result };
  }

  it('times one inference, and sends whole rounds of as few requests as its time affords', async () => {
    const { loads, result } = serveSlowly(4);
    expect((await result)?.record).toMatchObject({ state: 'complete', inferenceNs: 4e9 });
    expect(loads).toMatchObject([
      { concurrency: 1, requestCount: 1 },
      { concurrency: 2, requestCount: 4 },
    ]);
  });

  it('keeps the load of a model whose first response alone was slow', async () => {
    const { loads, result } = serveSlowly(0.01, { concurrency: 8 });
    await result;
    expect(loads.at(-1)?.requestCount).toBeUndefined();
  });

  it('says what a trial takes, and measures nothing, where not one fits', async () => {
    const { loads, result } = serveSlowly(20, { limit: seconds(45) });
    expect((await result)?.record).toMatchObject({
      state: 'failed',
      cause: 'timeout',
      reason:
        'one inference takes 20.0 s: a trial takes about 1 min 40 s, and the budget of 45.0 s does not fit one; give --budget 900s',
    });
    expect(loads).toHaveLength(1);
  });

  it('measures later trials at that load without timing anything', async () => {
    const { loads, result } = serveSlowly(4, { concurrency: 2, inferenceNs: seconds(4), firstOfBudget: undefined });
    await result;
    expect(loads).toMatchObject([{ concurrency: 2, requestCount: 4 }]);
  });
});
