import { describe, expect, it } from 'vitest';
import { studyRecordSchema } from '../../../src/record/study-record.js';
import type { VariantParameters } from '../../../src/tune/strategies/strategy.js';
import { concurrencyOf } from '../../support/concurrency-of.js';
import { runSimulatedStudy } from '../support/study-bench.js';

/** One thread an instance is worth 30 %, batching 20 %. */
const planted = ({ intra_op_threads: threads, dynamic_batching: batching }: VariantParameters): number =>
  100 * (threads === 1 ? 1.3 : 1) * (batching === true ? 1.2 : 1);

const noisy = { noise: 0.03, budgetSeconds: 60 };

describe('a study', () => {
  it('finds and proves a planted better variant', async () => {
    const { record } = await runSimulatedStudy({ landscape: planted, ...noisy });
    const portable = record.recommended.portable!;
    expect(portable.gain.low).toBeGreaterThan(1.3);
    expect(portable.gain.low).toBeLessThan(1.56);
    expect(portable.gain.high).toBeGreaterThan(1.56);
    expect(record.trials.find(({ variantId }) => variantId === portable.id)?.parameters).toMatchObject({
      intra_op_threads: 1,
      dynamic_batching: true,
    });
    expect(record.state).toBe('complete');
    expect(studyRecordSchema.parse(JSON.parse(JSON.stringify(record)))).toEqual(record);
  });

  it('says that nothing is better than the default where nothing is, in all but one of 20 noisy studies at most', async () => {
    let falseWinners = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const { record } = await runSimulatedStudy({ landscape: () => 100, ...noisy, seed });
      if (record.recommended.portable !== null) falseWinners++;
      expect(record.recommended.engine).toBeNull();
    }
    expect(falseWinners).toBeLessThanOrEqual(1);
  });

  it('finds a planted gain of 30 % in nearly every noisy study', async () => {
    let proven = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const { record } = await runSimulatedStudy({ landscape: planted, ...noisy, seed });
      const gain = record.recommended.portable?.gain;
      if (gain !== undefined && gain.low! > 1.2) proven++;
    }
    expect(proven).toBeGreaterThanOrEqual(19);
  });

  it('measures the default first and again in every confirmation round, interleaved with the finalists', async () => {
    const { record, plan } = await runSimulatedStudy({ landscape: planted });
    expect(record.trials[0]).toMatchObject({ id: 'default', variantId: 'default', phase: 'search' });
    const confirmed = record.trials.filter(({ phase }) => phase === 'confirmation').map(({ variantId }) => variantId);
    const order = ['default', ...plan!.finalists.map(({ variant }) => variant.id)];
    expect(order.length).toBeGreaterThan(2);
    expect(confirmed.slice(0, 2 * order.length)).toEqual([...order, ...order]);
    expect(confirmed.filter((id) => id === 'default').length).toBeGreaterThanOrEqual(3);
  });

  it('gives up who is clearly behind where that buys more rounds, and nobody who may still be the best', async () => {
    const roundsOf = async (landscape: typeof planted): Promise<Record<string, number[]>> => {
      const { record, plan } = await runSimulatedStudy({ landscape, ...noisy });
      const confirmed = record.trials.filter(({ phase }) => phase === 'confirmation').map(({ variantId }) => variantId);
      const timesOf = (id: string): number => confirmed.filter((other) => other === id).length;
      return {
        default: [timesOf('default')],
        finalists: plan!.finalists.map(({ variant }) => timesOf(variant.id)).toSorted(),
      };
    };
    const withOneBest = (at: VariantParameters): number =>
      planted(at) *
      (at.dynamic_batching === true && at.instance_count === 2 && at.max_queue_delay_us === 100 ? 1.2 : 1);
    expect(await roundsOf(withOneBest)).toEqual({ default: [5], finalists: [2, 5] });
    expect(await roundsOf(planted)).toEqual({ default: [4], finalists: [4, 4] });
  });

  it('never measures a variant twice in the search', async () => {
    const { record } = await runSimulatedStudy({ landscape: planted, ...noisy, budgetSeconds: 300 });
    const searched = record.trials
      .filter(({ phase, isUnasked }) => phase === 'search' && isUnasked !== true)
      .map(({ variantId }) => variantId);
    expect(new Set(searched).size).toBe(searched.length);
    expect(searched.length).toBeGreaterThan(30);
  });

  it('gives the same trials for the same seed', async () => {
    const one = await runSimulatedStudy({ landscape: planted, ...noisy, seed: 9 });
    const two = await runSimulatedStudy({ landscape: planted, ...noisy, seed: 9 });
    expect(two.record).toEqual(one.record);
  });

  it('measures each variant at its own saturating load', async () => {
    const { record } = await runSimulatedStudy({ landscape: planted });
    for (const { parameters, level } of record.trials) {
      const rows = parameters.dynamic_batching === true ? Number(parameters.max_batch_size) : 1;
      expect(level && concurrencyOf(level.load)).toBe(Math.min(64, 2 * rows * Number(parameters.instance_count)));
    }
  });

  it('writes a header that a resumed study can check, then each trial before the next starts', async () => {
    const events: string[] = [];
    const { header, journal, record, savedVariants } = await runSimulatedStudy({
      landscape: planted,
      onTrialStart: ({ id }) => events.push(`start ${id}`),
      onTrial: ({ id }) => events.push(`saved ${id}`),
    });
    expect(header).toMatchObject({
      schema: 'perf-ts/journal@1',
      model: 'm',
      seed: 1,
      strategy: 'quick',
      constraints: [],
    });
    expect(journal).toEqual(record.trials);
    expect(events).toEqual(record.trials.flatMap(({ id }) => [`start ${id}`, `saved ${id}`]));
    expect([...savedVariants.keys()].toSorted()).toEqual(
      [...new Set(record.trials.map(({ variantId }) => variantId))].toSorted(),
    );
  });
});

describe('the budget of a study', () => {
  it.each([20, 60, 300, 1200])(
    'of %i s is never overrun, and most of it is used or not needed',
    async (budgetSeconds) => {
      const { elapsedSeconds, record, plan } = await runSimulatedStudy({ landscape: planted, budgetSeconds });
      expect(elapsedSeconds).toBeLessThanOrEqual(budgetSeconds);
      expect(record.trials.reduce((sum, { durationNs }) => sum + durationNs, 0) / 1e9).toBeCloseTo(elapsedSeconds, 6);
      expect(plan!.rounds).toBeGreaterThanOrEqual(3);
      // What is left would not have been enough for another round of confirmation, or is less than a fifth.
      const rounds = record.trials.filter(({ phase }) => phase === 'confirmation');
      const roundSeconds = [
        ...new Map(rounds.map(({ variantId, durationNs }) => [variantId, durationNs / 1e9])).values(),
      ];
      const neededSeconds = roundSeconds.reduce((sum, one) => sum + one, 0);
      if (budgetSeconds <= 300) {
        expect(budgetSeconds - elapsedSeconds).toBeLessThan(Math.max(0.2 * budgetSeconds, neededSeconds));
      }
    },
  );

  it('counts starting and stopping servers', async () => {
    const quickStart = await runSimulatedStudy({ landscape: planted, startSeconds: 0.5 });
    const slowStart = await runSimulatedStudy({ landscape: planted, startSeconds: 4 });
    expect(slowStart.elapsedSeconds).toBeLessThanOrEqual(61);
    expect(slowStart.record.trials.length).toBeLessThan(quickStart.record.trials.length / 2);
  });

  it('cuts off a variant that takes far longer than the default', async () => {
    const { record, elapsedSeconds } = await runSimulatedStudy({
      landscape: planted,
      startSeconds: 1,
      budgetSeconds: 120,
      slowStart: (variant) => (variant.parameters.dynamic_batching === true ? 1000 : undefined),
    });
    const cut = record.trials.filter(({ state }) => state === 'pruned');
    expect(cut.length).toBeGreaterThan(0);
    expect(cut[0]).toMatchObject({
      score: null,
      reason: expect.stringMatching(/several times as long as the default/),
    });
    expect(elapsedSeconds).toBeLessThanOrEqual(123);
  });
});

describe('failures in a study', () => {
  it('are results with a cause, and the study goes on', async () => {
    const { record, stillRunning } = await runSimulatedStudy({
      landscape: (parameters) => {
        if (parameters.dynamic_batching === true) throw new Error('the engine process ended with signal SIGSEGV');
        return planted(parameters);
      },
    });
    const failed = record.trials.filter(({ state }) => state === 'failed');
    expect(failed.length).toBeGreaterThan(1);
    expect(failed[0]).toMatchObject({ score: null, reason: 'the engine process ended with signal SIGSEGV' });
    expect(record.recommended.portable?.gain.value).toBeCloseTo(1.3, 5);
    expect(stillRunning).toBe(0);
  });

  it('of the default end the study, because nothing could be proved', async () => {
    const { record } = await runSimulatedStudy({
      landscape: () => {
        throw new Error('no such operator');
      },
    });
    expect(record).toMatchObject({ state: 'failed', default: { score: null }, recommended: { portable: null } });
    expect(record.trials).toHaveLength(1);
    expect(record.warnings[0]).toMatchObject({
      code: 'DEFAULT_FAILED',
      message: expect.stringContaining('no such operator'),
    });
  });

  it('include levels in which every request failed', async () => {
    const { record } = await runSimulatedStudy({
      landscape: ({ intra_op_threads: threads }) => ({
        throughputPerSec: 100,
        verdict: threads === 1 ? 'INVALID' : 'VALID',
      }),
    });
    expect(record.trials.find(({ parameters }) => parameters.intra_op_threads === 1)).toMatchObject({
      state: 'failed',
      reason: 'every request failed',
    });
  });

  it('exclude a finalist that fails in confirmation, and the next best is confirmed instead', async () => {
    const seen = new Set<string>();
    const { record } = await runSimulatedStudy({
      landscape: (parameters, _, id) => {
        const isBest = parameters.intra_op_threads === 1 && parameters.dynamic_batching === true;
        if (seen.has(id) && isBest) throw new Error('crashed the second time');
        seen.add(id);
        return planted(parameters);
      },
    });
    expect(record.recommended.portable?.gain.value).toBeCloseTo(1.3, 5);
    const failed = record.trials.filter(({ phase, state }) => phase === 'confirmation' && state === 'failed');
    expect(failed.length).toBeGreaterThan(1);
    expect(new Set(failed.map(({ variantId }) => variantId)).size).toBe(failed.length);
  });
});

describe('a client-limited trial', () => {
  it('is a lower bound and never wins', async () => {
    const { record } = await runSimulatedStudy({
      landscape: (parameters) => ({
        throughputPerSec: planted(parameters),
        verdict: parameters.intra_op_threads === 1 || parameters.dynamic_batching === true ? 'CLIENT_LIMITED' : 'VALID',
      }),
    });
    expect(record.recommended.portable).toBeNull();
    expect(record.warnings.map(({ code }) => code)).toContain('CLIENT_LIMITED_TRIALS');
    const limited = record.trials.find(({ level }) => level?.verdict === 'CLIENT_LIMITED');
    expect(limited?.reason).toMatch(/lower bound/);
  });

  it('does not keep an honest variant from winning', async () => {
    const { record } = await runSimulatedStudy({
      landscape: (parameters) => ({
        throughputPerSec: planted(parameters),
        verdict: parameters.dynamic_batching === true ? 'CLIENT_LIMITED' : 'VALID',
      }),
    });
    expect(record.recommended.portable?.gain.value).toBeCloseTo(1.3, 5);
  });
});

describe('constraints of a study', () => {
  it('keep a faster variant that misses them from winning', async () => {
    const { record } = await runSimulatedStudy({
      constraints: ['latency_p99 <= 20ms'],
      landscape: (parameters) => ({
        throughputPerSec: planted(parameters),
        latencyNs: parameters.dynamic_batching === true ? 50e6 : 5e6,
      }),
    });
    expect(record.recommended.portable?.gain.value).toBeCloseTo(1.3, 5);
    const missed = record.trials.find(({ state }) => state === 'infeasible');
    expect(missed).toMatchObject({ score: null, reason: 'latency_p99 <= 20ms: was 50ms, missed by 150 %' });
  });

  it('are met at a lower load where that is enough', async () => {
    const { record } = await runSimulatedStudy({
      constraints: ['latency_p99 <= 100ms'],
      landscape: (parameters) => planted(parameters),
    });
    const batched = record.trials.find(({ parameters }) => parameters.dynamic_batching === true)!;
    expect(batched.state).toBe('complete');
    expect(batched.level!.latencyNs!.p99).toBeLessThanOrEqual(100e6);
    expect(record.recommended.portable?.gain.value).toBeGreaterThan(1.5);
  });

  it('that only a variant keeps make it win over the default, whatever its gain', async () => {
    const { record } = await runSimulatedStudy({
      constraints: ['latency_p50 <= 1ms'],
      landscape: ({ intra_op_threads: threads }) => ({
        throughputPerSec: threads === 1 ? 90 : 100,
        latencyNs: threads === 1 ? 0.5e6 : 9e6,
      }),
    });
    expect(record.default.score).toBeNull();
    expect(record.recommended.portable?.gain.value).toBeCloseTo(0.9, 5);
    expect(record.warnings.map(({ code }) => code)).toContain('DEFAULT_INFEASIBLE');
  });

  it('that nothing keeps are reported with the nearest miss', async () => {
    const { record } = await runSimulatedStudy({
      constraints: ['throughput >= 500'],
      landscape: planted,
      budgetSeconds: 120,
    });
    expect(record.recommended.portable).toBeNull();
    expect(record.warnings[0]).toMatchObject({
      code: 'NO_FEASIBLE_VARIANT',
      message: expect.stringContaining('throughput >= 500: was 156/s, missed by 69 %'),
    });
  });
});

describe('a latency objective', () => {
  it('is minimised at one load for all, and a latency that halves is a gain of 2', async () => {
    const { record } = await runSimulatedStudy({
      objective: 'latency_p99',
      landscape: ({ intra_op_threads: threads }) => ({ throughputPerSec: 100, latencyNs: threads === 1 ? 5e6 : 10e6 }),
    });
    expect(record.objective).toEqual({ metric: 'latency_p99', direction: 'minimize' });
    expect(new Set(record.trials.map(({ level }) => level && concurrencyOf(level.load)))).toEqual(new Set([4]));
    expect(record.recommended.portable?.gain.value).toBeCloseTo(2, 5);
    expect(record.default.score).toBeCloseTo(10e6, 0);
  });
});

describe('an interrupt', () => {
  it('stops the running trial, keeps the finished ones and leaves no server', async () => {
    const abort = new AbortController();
    const { record, journal, stillRunning } = await runSimulatedStudy({
      landscape: planted,
      signal: abort.signal,
      onTrialStart: ({ id }) => {
        if (id === 'trial-4') abort.abort();
      },
    });
    expect(record.state).toBe('interrupted');
    expect(journal.map(({ id }) => id)).toEqual(['default', 'trial-1', 'trial-2', 'trial-3']);
    expect(record.trials).toEqual(journal);
    expect(record.recommended.portable).toBeNull();
    expect(stillRunning).toBe(0);
  });

  it('in confirmation keeps what its finished rounds prove', async () => {
    const abort = new AbortController();
    let confirmations = 0;
    const { record } = await runSimulatedStudy({
      landscape: planted,
      noise: 0.001,
      signal: abort.signal,
      onTrialStart: ({ phase }) => {
        if (phase === 'confirmation' && ++confirmations === 10) abort.abort();
      },
    });
    expect(record.state).toBe('interrupted');
    expect(record.recommended.portable?.gain.value).toBeCloseTo(1.56, 1);
  });
});
