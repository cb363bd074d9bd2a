import { describe, expect, it } from 'vitest';
import { studyRecordSchema } from '../../../src/record/study-record.js';
import type { VariantParameters } from '../../../src/tune/strategies/strategy.js';
import { runSimulatedStudy } from '../support/study-bench.js';

/** Threads matter most, batching some, all else not at all. */
const planted = ({ intra_op_threads: threads, dynamic_batching: batching }: VariantParameters): number =>
  100 * (threads === 1 ? 1.6 : 1) * (batching === true ? 1.2 : 1);

describe('what a study finds out', () => {
  it('names the knobs that mattered, most first, with what each value did', async () => {
    const { record } = await runSimulatedStudy({ landscape: planted, noise: 0.02, budgetSeconds: 300 });
    expect(record.importance![0]).toMatchObject({ knob: 'intra_op_threads' });
    const [first] = record.importance!;
    expect(first!.low).toBeLessThanOrEqual(first!.share);
    expect(first!.high).toBeGreaterThanOrEqual(first!.share);
    expect(record.mainEffects!.map(({ knob }) => knob)).toEqual(record.importance!.map(({ knob }) => knob));
    const one = record.mainEffects![0]!.values.find(({ value }) => value === 1)!;
    expect(one.gain).toBeGreaterThan(1.3);
    expect(one.count).toBeGreaterThan(2);
    expect(studyRecordSchema.parse(JSON.parse(JSON.stringify(record)))).toEqual(record);
  });

  it('traces how the best came, the default first and each step better than the one before', async () => {
    const { record } = await runSimulatedStudy({ landscape: planted, budgetSeconds: 120 });
    const steps = record.bestSoFar!;
    expect(steps[0]).toMatchObject({ trialId: 'default', score: 100 });
    expect(steps.at(-1)!.score).toBeCloseTo(192, 5);
    const times = steps.map(({ elapsedNs }) => elapsedNs);
    expect(times).toEqual(times.toSorted((x, y) => x - y));
    expect(new Set(times).size).toBe(times.length);
  });

  it('estimates what going on could gain where the strategy can tell', async () => {
    const { record } = await runSimulatedStudy({
      landscape: planted,
      strategy: 'forest',
      noise: 0.02,
      budgetSeconds: 120,
    });
    expect(record.remainingGain).toBeGreaterThanOrEqual(0);
    const quick = await runSimulatedStudy({ landscape: planted, strategy: 'quick' });
    expect(quick.record).not.toHaveProperty('remainingGain');
  });

  it('says of each finalist what confirmation showed', async () => {
    const { record } = await runSimulatedStudy({ landscape: planted, noise: 0.02, budgetSeconds: 120 });
    const winner = record.confirmed!.find(({ variantId }) => variantId === record.recommended.portable!.id)!;
    expect(winner).toMatchObject({ objection: null, gain: record.recommended.portable!.gain });
    for (const { phase, round, roundSize, startedNs, effort } of record.trials) {
      expect(startedNs).toBeGreaterThanOrEqual(0);
      expect(effort).toBeGreaterThan(0);
      expect(round !== undefined && roundSize !== undefined).toBe(phase === 'confirmation');
    }
  });
});
