import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nanos, seconds } from '../../../src/common/units.js';
import type { VariantParameters } from '../../../src/tune/strategies/strategy.js';
import {
  affordableKnobs,
  COUNTED_VARIANTS,
  planStudy,
  searchLevelDuration,
} from '../../../src/tune/studies/study-plan.js';
import { runSimulatedStudy } from '../support/study-bench.js';

const planted = ({ intra_op_threads: threads, dynamic_batching: batching }: VariantParameters): number =>
  100 * (threads === 1 ? 1.3 : 1) * (batching === true ? 1.2 : 1);

/** How much longer than its budget a study may take. */
const tolerance = (budgetSeconds: number): number => Math.max(3, 0.05 * budgetSeconds);

describe('the budget of a study', () => {
  it('is kept within 5 % or 3 s, whatever servers take to start and stop and however fast they answer', {
    timeout: 60_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          budgetSeconds: fc.integer({ min: 10, max: 900 }),
          startSeconds: fc.double({ min: 0.05, max: 20, noNaN: true }),
          stopSeconds: fc.double({ min: 0, max: 2, noNaN: true }),
          spread: fc.double({ min: 1, max: 10, noNaN: true }),
          throughputPerSec: fc.constantFrom(0.5, 5, 100, 5000),
          usedSeconds: fc.integer({ min: 0, max: 8 }),
          seed: fc.nat({ max: 1000 }),
        }),
        async ({ budgetSeconds, startSeconds, stopSeconds, spread, throughputPerSec, usedSeconds, seed }) => {
          const { elapsedSeconds, record, stillRunning } = await runSimulatedStudy({
            landscape: (parameters) => (planted(parameters) * throughputPerSec) / 100,
            noise: 0.03,
            budgetSeconds,
            startSeconds,
            stopSeconds,
            usedSeconds,
            seed,
            // Some variants take far longer to start than the default, others do not.
            slowStart: ({ id }) => (id.charCodeAt(3) % 3 === 0 ? startSeconds * spread : startSeconds),
          });
          expect(usedSeconds + elapsedSeconds).toBeLessThanOrEqual(budgetSeconds + tolerance(budgetSeconds));
          expect(record.usedNs! / 1e9).toBeCloseTo(usedSeconds + elapsedSeconds, 6);
          expect(stillRunning).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('the plan of a study', () => {
  it('is told before the first trial and comes true where trials cost what they are thought to', async () => {
    const { studyPlan, record, standings } = await runSimulatedStudy({ landscape: planted, budgetSeconds: 120 });
    const searched = record.trials.filter(({ phase }) => phase === 'search');
    expect(record.plan).toEqual(studyPlan);
    expect(Math.abs(searched.length - studyPlan!.expectedTrials)).toBeLessThanOrEqual(2);
    expect(studyPlan!.searchNs + studyPlan!.confirmationNs).toBe(seconds(120));
    const end = searched.at(-1)!;
    expect(Math.abs(end.startedNs! + end.durationNs - studyPlan!.searchNs)).toBeLessThan(seconds(6));
    expect(standings.at(-1)).toMatchObject({
      trialCount: record.trials.length,
      expectedTrials: studyPlan!.expectedTrials,
      best: { gain: { value: expect.closeTo(1.56, 5) } },
    });
  });

  const plan = (budget: number, variantCount: number) =>
    planStudy({
      budget: seconds(budget),
      used: nanos(0),
      levelDuration: searchLevelDuration(seconds(budget)),
      overhead: seconds(1),
      variantCount,
    });

  it('says what a small budget leaves out: variants with what all would take, rounds, or any proof', () => {
    expect(plan(60, 500).leftOut[0]).toMatch(/^variants: there is time for about 11 of 500; all of them .* min$/);
    expect(plan(20, 500).leftOut[1]).toBe('confirmation: 3 rounds of 1 finalist instead of 5 of 3');
    expect(plan(4, 500).leftOut).toContainEqual(expect.stringContaining('nothing can be recommended'));
    expect(plan(60, COUNTED_VARIANTS)).toMatchObject({ variantCount: null });
  });

  it('leaves nothing out where the space is small, and gives the time to confirmation', () => {
    expect(plan(600, 4)).toMatchObject({ expectedTrials: 5, variantCount: 4, leftOut: [] });
    expect(plan(600, 4).confirmationNs).toBeGreaterThan(seconds(500));
  });

  it('has time for more knobs the larger the budget', () => {
    const counts = [10, 20, 60, 600].map((budget) => affordableKnobs(seconds(budget), nanos(0), 20));
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    expect(counts[0]).toBeGreaterThanOrEqual(2);
    expect(counts.at(-1)).toBe(20);
  });
});
