import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nanos, seconds } from '../../../src/common/units.js';
import { chooseFinalists, planConfirmation } from '../../../src/tune/confirmation/confirmation-plan.js';
import { decide, worthMoreRounds } from '../../../src/tune/confirmation/confirmation-verdict.js';
import { parseObjective, utilityOf } from '../../../src/tune/objectives/objective.js';
import type { FinishedTrial } from '../../../src/tune/trials/trial-outcome.js';
import type { Variant } from '../../../src/tune/variants/variants.js';
import { simulatedLevel } from '../../support/simulated-variants.js';

const throughput = parseObjective('throughput');

const variant = (id: string, changed: readonly string[] = ['instance_count']): Variant => ({
  id,
  parameters: {},
  changed: id === 'default' ? [] : changed,
  config: {},
  configPbtxt: '',
});

function trial(owner: Variant, value: number, more: Partial<FinishedTrial> = {}): FinishedTrial {
  return {
    variant: owner,
    value,
    isClientLimited: false,
    measuredNs: seconds(2),
    result: { state: 'complete', score: utilityOf(throughput, value) },
    record: {
      id: 't',
      variantId: owner.id,
      phase: 'search',
      state: 'complete',
      parameters: {},
      score: value,
      durationNs: seconds(3),
      loadTimeNs: null,
      reason: null,
      level: null,
    },
    ...more,
  };
}

const base = variant('default');
const [a, b, c] = [variant('a', ['x', 'y', 'z']), variant('b', ['x']), variant('c', ['x', 'y'])];

describe('the finalists', () => {
  it('are the best of the search, without the default', () => {
    const chosen = chooseFinalists([trial(base, 150), trial(b, 80), trial(a, 140), trial(c, 120)]);
    expect(chosen.map(({ variant: { id } }) => id)).toEqual(['a', 'c', 'b']);
  });

  it('hold the simplest of those that the search cannot tell from the best', () => {
    const more = [variant('d', ['x', 'y']), variant('e', ['x', 'y'])];
    const chosen = chooseFinalists([trial(a, 140), ...more.map((owner) => trial(owner, 139.5)), trial(b, 138)]);
    expect(chosen.map(({ variant: { id } }) => id)).toEqual(['a', 'b', 'd']);
  });

  it('hold the best that a Triton honours, where our engine alone honours the better ones', () => {
    const engineOnly = ['e', 'f', 'g'].map((id) => ({
      ...variant(id, ['runtime']),
      parameters: { runtime: 'openvino' },
    }));
    const trials = engineOnly.map((owner, index) => trial(owner, 200 - 20 * index));
    expect(chooseFinalists([...trials, trial(c, 120), trial(a, 110)]).map(({ variant: { id } }) => id)).toEqual([
      'e',
      'c',
      'f',
    ]);
  });

  it('prefer those that the load generator did not limit', () => {
    const chosen = chooseFinalists([trial(a, 200, { isClientLimited: true }), trial(b, 110), trial(c, 120)]);
    expect(chosen.map(({ variant: { id } }) => id)).toEqual(['c', 'b', 'a']);
  });
});

describe('the plan of confirmation', () => {
  const three = [trial(a, 140), trial(b, 130), trial(c, 120)];

  it('takes three finalists where there is time and gives up finalists before rounds', () => {
    expect(planConfirmation(three, seconds(240), seconds(1))).toMatchObject({ rounds: 10, duration: seconds(4) });
    expect(planConfirmation(three, seconds(24), seconds(0.5))).toMatchObject({ rounds: 4, duration: seconds(1.5) });
    const tight = planConfirmation(three, seconds(12), seconds(1));
    expect(tight).toMatchObject({ rounds: 3, duration: seconds(1) });
    expect(tight!.finalists).toHaveLength(1);
  });

  it('never needs more than the time left', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 600 }),
        fc.integer({ min: 1, max: 8000 }),
        fc.integer({ min: 0, max: 3 }),
        (left, overheadMs, count) => {
          const overhead = nanos(overheadMs * 1e6);
          const plan = planConfirmation(three.slice(0, count), seconds(left), overhead);
          if (plan === undefined) return;
          const cost = plan.rounds * (plan.finalists.length + 1) * (overhead + plan.duration);
          expect(cost).toBeLessThanOrEqual(seconds(left));
          expect(plan.finalists.length).toBeGreaterThan(0);
          expect(plan.rounds).toBeGreaterThan(0);
        },
      ),
    );
  });
});

describe('the decision', () => {
  const rounds = (...values: readonly (readonly [base: number, a: number, b: number])[]) =>
    values.map(([own, first, second]) => [trial(base, own), trial(a, first), trial(b, second)]);

  it('is for the finalist whose interval excludes that it is no better', () => {
    const decision = decide([a, b], rounds([100, 140, 99], [101, 143, 104], [99, 137, 98]), throughput);
    expect(decision.portable?.variant.id).toBe('a');
    expect(decision.portable?.gain?.value).toBeCloseTo(1.4, 2);
    expect(decision.verdicts[1]?.objection).toMatch(/does not exclude/);
    expect(decision.engine).toBeUndefined();
  });

  it('prefers fewer changes among finalists within 2 % of each other', () => {
    const decision = decide([a, b], rounds([100, 141, 140], [101, 143, 141], [99, 139, 138]), throughput);
    expect(decision.portable?.variant.id).toBe('b');
  });

  it('prefers the lower p99 among equals with as many changes, then less memory', () => {
    const other = variant('d', ['x', 'y', 'z']);
    const taking = (owner: Variant, value: number, p99: number, memoryBytes: number): FinishedTrial => {
      const measured = trial(owner, value);
      const level = simulatedLevel({ throughputPerSec: value, latencyNs: p99 }, 4, seconds(1));
      return { ...measured, record: { ...measured.record, memoryBytes, level } };
    };
    const chosen = (own: [number, number], others: [number, number]) =>
      decide(
        [a, other],
        [1, 1.002, 0.999].map((drift) => [
          trial(base, 100 * drift),
          taking(a, 140 * drift, ...own),
          taking(other, 141 * drift, ...others),
        ]),
        throughput,
      ).portable?.variant.id;
    expect(chosen([10e6, 300e6], [30e6, 100e6])).toBe('a');
    expect(chosen([10e6, 150e6], [10.1e6, 200e6])).toBe('a');
    // As good in everything.
    expect(chosen([10e6, 195e6], [10.1e6, 200e6])).toBe('d');
  });

  it('holds for all finalists together: what one interval at 95% lets pass is not enough for the best of three', () => {
    // ln of the ratios 0.10 +- 0.075 (95%) over four rounds.
    const ratios = [1.04, 1.09, 1.13, 1.165];
    const alone = decide([a], rounds(...ratios.map((ratio) => [100, 100 * ratio, 1] as const)), throughput);
    expect(alone.verdicts[0]).toMatchObject({ objection: null });
    const field = rounds(...ratios.map((ratio, at) => [100, 100 * ratio, 100 + (at % 2) * 8] as const)).map((round) => [
      ...round,
      trial(c, 97 + round.length),
    ]);
    const among = decide([a, b, c], field, throughput);
    expect(among.verdicts[0]?.gain?.low).toBeGreaterThan(1);
    expect(among.verdicts[0]?.objection).toMatch(/not sure enough for the best of 3 finalists/);
    expect(among.portable).toBeUndefined();
  });

  it('says how much better is excluded, for all finalists together', () => {
    const [verdict] = decide([a], rounds([100, 101, 1], [100, 99, 1], [100, 100, 1]), throughput).verdicts;
    expect(verdict?.excludedGain).toBeCloseTo(verdict!.gain!.high!, 9);
    const both = decide([a, b], rounds([100, 101, 99], [100, 99, 100], [100, 100, 101]), throughput).verdicts;
    expect(both[0]!.excludedGain).toBeGreaterThan(both[0]!.gain!.high!);
  });

  it('is for the default when a sure gain is below 2 %', () => {
    const decision = decide([a], rounds([100, 101, 0.1], [100, 101.01, 0.1], [100, 100.99, 0.1]), throughput);
    expect(decision.verdicts[0]?.gain?.low).toBeGreaterThan(1);
    expect(decision.portable).toBeUndefined();
    expect(decision.verdicts[0]?.objection).toBe('it is within 2% of the default');
  });

  it('compares only within a round, so drift that both share does not matter', () => {
    const decision = decide([a], rounds([100, 120, 1], [50, 60, 1], [200, 240.1, 1]), throughput);
    expect(decision.portable?.gain?.low).toBeGreaterThan(1.19);
  });

  it('does not let a client-limited candidate win', () => {
    const limited = rounds([100, 140, 99], [101, 143, 104], [99, 137, 98]).map(([own, first]) => [
      own!,
      { ...first!, isClientLimited: true },
    ]);
    const decision = decide([a], limited, throughput);
    expect(decision.portable).toBeUndefined();
    expect(decision.verdicts[0]?.objection).toBe('the load generator was the limit in confirmation');
  });

  it('does not count a gain over a default that the load generator held back', () => {
    const limited = rounds([100, 140, 99], [101, 143, 104]).map(([own, first]) => [
      { ...own!, isClientLimited: true },
      first!,
    ]);
    expect(decide([a], limited, throughput).portable).toBeUndefined();
  });

  it('calls finalists equal by the rounds that both were in', () => {
    // Later, slower rounds that only one was in say nothing about the two.
    const apart = rounds([100, 141, 135], [100, 140, 134], [100, 139, 133], [100, 131, 0.1]).map((round, index) =>
      index < 3 ? round : round.slice(0, 2),
    );
    expect(decide([a, b], apart, throughput).portable?.variant.id).toBe('a');
  });

  it('is for who was measured to the end, and for who was given up only where that failed', () => {
    const early = rounds([100, 140, 144], [100, 140.1, 144.1], [100, 140, 144.2]);
    const late = rounds([100, 140, 0.1], [100, 141, 0.1], [100, 139, 0.1]).map((round) => round.slice(0, 2));
    expect(decide([a, b], [...early, ...late], throughput).portable?.variant.id).toBe('a');
    const failed = trial(a, 140);
    const spoiled = [trial(base, 100), { ...failed, record: { ...failed.record, state: 'failed' as const } }];
    expect(decide([a, b], [...early, ...late, spoiled], throughput).portable?.variant.id).toBe('b');
  });

  it('gives no interval to a single round', () => {
    expect(decide([a], rounds([100, 300, 1]), throughput).verdicts[0]?.objection).toMatch(/too few rounds/);
  });
});

describe('further rounds, where there is time for few', () => {
  const worth = (...values: readonly (readonly [base: number, a: number, b: number, c: number])[]) =>
    worthMoreRounds(
      [a, b, c],
      values.map(([own, first, second, third]) => [
        trial(base, own),
        trial(a, first),
        trial(b, second),
        trial(c, third),
      ]),
      throughput,
    ).map(({ id }) => id);

  it('are for whoever may still be the best, once there is nothing left to prove of the best', () => {
    expect(worth([100, 240, 236, 200], [101, 241, 230, 204])).toEqual(['a', 'b']);
  });

  it('are for the best alone while it is not proven', () => {
    expect(worth([100, 118, 106, 104], [100, 104, 108, 102])).toEqual(['a']);
  });

  it('are also for the best that a Triton honours', () => {
    const engineOnly = { ...variant('e', ['runtime']), parameters: { runtime: 'openvino' } };
    const rounds = [1, 1.3].map((drift) => [
      trial(base, 100),
      trial(engineOnly, 130 * drift),
      trial(a, 90),
      trial(b, 70),
    ]);
    expect(worthMoreRounds([engineOnly, a, b], rounds, throughput).map(({ id }) => id)).toEqual(['e', 'a']);
  });
});
