import { describe, expect, it } from 'vitest';
import { createRng } from '../../../src/common/random.js';
import { createForestStrategy } from '../../../src/tune/strategies/forest.js';
import { createRandomStrategy } from '../../../src/tune/strategies/random.js';
import {
  type KnobValue,
  nextProposal,
  type Proposal,
  type SearchSpace,
  type Strategy,
  type TrialResult,
  type VariantParameters,
} from '../../../src/tune/strategies/strategy.js';
import { buildSearchSpace, defaultParameters, enumerateVariants } from '../../../src/tune/variants/search-space.js';
import { race, spaceOf, walk } from '../../contract-suites/strategy.js';
import { plainContext } from '../support/study-bench.js';

const counts = (limit: number): KnobValue[] => Array.from({ length: limit }, (_, index) => index + 1);

/** 3 x 2 x 8 x 8 x 8 variants; threads and instances share eight cores, and too many copies do not fit. */
const serving: SearchSpace = spaceOf([
  { name: 'provider', values: ['a', 'b', 'c'], defaultValue: 'a', isOrdered: false },
  { name: 'half', values: [false, true], defaultValue: false, isOrdered: false },
  { name: 'instances', values: counts(8), defaultValue: 1, isOrdered: true },
  { name: 'threads', values: counts(8), defaultValue: 8, isOrdered: true },
  { name: 'batch', values: counts(8), defaultValue: 8, isOrdered: true },
]);

/** Instances times batch over what there is room for. */
const crowdOf = ({ instances, batch }: VariantParameters): number => (Number(instances) * Number(batch)) / 32;

const trueScore = (parameters: VariantParameters): number | undefined =>
  crowdOf(parameters) > 1 ? undefined : speedOf(parameters);

function speedOf({ provider, half, instances, threads, batch }: VariantParameters): number {
  const [n, t, b] = [Number(instances), Number(threads), Number(batch)];
  const crowding = Math.max(1, (n * t) / 8);
  const speed = provider === 'b' ? 1.6 : provider === 'c' ? (half === true ? 2 : 0.7) : 1;
  return Math.log((speed * n * t ** 0.7 * b ** 0.4) / crowding ** 1.5);
}

const noisy =
  (seed: number) =>
  (parameters: VariantParameters): TrialResult => {
    const score = trueScore(parameters);
    if (score === undefined) return { state: 'failed' };
    const key = [...JSON.stringify(parameters)].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) | 0, seed);
    return { state: 'complete', score: score + 0.03 * createRng(key).normal(), scoreError: 0.03 };
  };

/** The same, but what does not fit is served, and late: latency grows with the square of what there is no room for. */
function limited(seed: number): (parameters: VariantParameters) => TrialResult {
  const rng = createRng(seed);
  return (parameters) => {
    const margin = 2 * Math.log(crowdOf(parameters) / 1.05) + 0.03 * rng.normal();
    return {
      state: margin > 0 ? 'infeasible' : 'complete',
      violation: Math.max(0, Math.expm1(margin)),
      score: speedOf(parameters) + 0.03 * rng.normal(),
      scoreError: 0.03,
      margins: { p99: margin },
    };
  };
}

/** What a search of so many measurements takes for the best. */
function searchTrials(strategy: Strategy, landscape: (parameters: VariantParameters) => TrialResult, count: number) {
  let proposal: Proposal | undefined = { parameters: defaultParameters(serving), effort: 1 };
  for (let trial = 0; proposal !== undefined && trial < count; trial++) {
    strategy.tell(proposal.parameters, landscape(proposal.parameters), proposal.effort);
    proposal = nextProposal(strategy);
  }
  return strategy.best!();
}

const top = Math.max(...[...enumerateVariants(serving)].map((parameters) => trueScore(parameters) ?? 0));
const seeds = [1, 2, 3];

describe('the forest strategy', () => {
  it('comes closer to the best of 3072 variants in 60 trials than random search does', { timeout: 120_000 }, () => {
    const missed = (create: typeof createForestStrategy, seed: number): number =>
      top - (trueScore(walk(create, serving, noisy(seed), seed, 60).best) ?? 0);
    for (const seed of seeds) {
      expect(missed(createForestStrategy, seed)).toBeLessThan(missed(createRandomStrategy, seed));
    }
  });

  it('comes within 7 % of the best in 80 measurements where many variants miss a limit', { timeout: 120_000 }, () => {
    for (const seed of [1, 2, 3, 4]) {
      const best = searchTrials(createForestStrategy({ space: serving, seed }), limited(seed), 80);
      expect(trueScore(best!) ?? 0).toBeGreaterThan(top + Math.log(0.93));
    }
  });

  it('asks for the presets first and then at random', () => {
    const space = buildSearchSpace(plainContext);
    const presetCount = space.presets!.length;
    const { asked } = walk(createForestStrategy, space, () => ({ state: 'complete', score: 0 }), 1, presetCount + 4);
    expect(asked.slice(0, presetCount)).toEqual(space.presets);
  });

  it('stops when it expects no gain of 1 %, and says how little it expects', () => {
    const flat = spaceOf([
      { name: 'x', values: counts(20), defaultValue: 1, isOrdered: true },
      { name: 'y', values: counts(20), defaultValue: 1, isOrdered: true },
    ]);
    const strategy = createForestStrategy({ space: flat, seed: 1 });
    const result: TrialResult = { state: 'complete', score: 1, scoreError: 0.001 };
    strategy.tell({ x: 1, y: 1 }, result);
    expect(strategy.remainingGain!()).toBeUndefined();
    let asks = 0;
    for (let next = strategy.ask(); next !== undefined; next = strategy.ask()) {
      strategy.tell(next, result);
      asks++;
    }
    expect(asks).toBeLessThan(30);
    expect(strategy.remainingGain!()).toBeLessThan(0.01);
  });

  it('goes on searching while nothing feasible was found, towards the smaller violation', () => {
    const { best } = walk(
      createForestStrategy,
      serving,
      (parameters) =>
        Number(parameters.instances) + Number(parameters.threads) > 6
          ? { state: 'infeasible', violation: Number(parameters.instances) + Number(parameters.threads) - 6 }
          : { state: 'complete', score: Number(parameters.batch) },
      1,
      60,
    );
    expect(Number(best.batch)).toBe(8);
  });

  it('measures rivals of the best again and longer, and the best itself too', () => {
    const proposals = race(createForestStrategy, serving, noisy(1), 1, 90);
    const repeats = proposals.filter(
      ({ parameters }, index) =>
        proposals.findIndex((other) => JSON.stringify(other.parameters) === JSON.stringify(parameters)) < index,
    );
    expect(repeats.length).toBeGreaterThan(0);
    expect(repeats.some(({ effort }) => effort > 1)).toBe(true);
  });

  it('learns from variants that it never asked for', () => {
    const strategy = createForestStrategy({ space: serving, seed: 1 });
    const known = { provider: 'c', half: true, instances: 8, threads: 1, batch: 4 };
    strategy.tell({ provider: 'a', half: false, instances: 1, threads: 8, batch: 8 }, { state: 'complete', score: 1 });
    strategy.tell(known, { state: 'complete', score: 9 });
    expect(strategy.best!()).toEqual(known);
    expect(strategy.ask()).not.toEqual(known);
  });
});
