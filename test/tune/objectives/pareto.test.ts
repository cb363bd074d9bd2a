import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seconds } from '../../../src/common/units.js';
import { costPerMillion } from '../../../src/tune/objectives/metric.js';
import { atPrice, combineObjectives, parseObjective, utilityOf } from '../../../src/tune/objectives/objective.js';
import { findParetoSet } from '../../../src/tune/objectives/pareto.js';
import { simulatedLevel } from '../../support/simulated-variants.js';

const objectives = [parseObjective('throughput'), parseObjective('latency_p99')];

/** `noise` as in simulated levels: the interval is two of it wide on either side. */
const trial = (variantId: string, throughputPerSec: number, latencyMs: number, noise = 0.001) => ({
  variantId,
  level: simulatedLevel({ throughputPerSec, latencyNs: latencyMs * 1e6 }, 4, seconds(2), 1, noise),
  loadTimeNs: null,
});
const front = (...trials: readonly ReturnType<typeof trial>[]): string[] =>
  findParetoSet(trials, objectives)
    .filter(({ isOnFront }) => isOnFront)
    .map(({ variantId }) => variantId);

describe('the Pareto set', () => {
  it('holds what nothing beats in everything', () => {
    expect(front(trial('fast', 200, 20), trial('quick', 100, 5), trial('both worse', 90, 25))).toEqual([
      'fast',
      'quick',
    ]);
  });

  it('keeps a variant that is worse only by less than the noise', () => {
    expect(front(trial('a', 100, 10, 0.05), trial('b', 97, 10.1, 0.05))).toEqual(['a', 'b']);
    expect(front(trial('a', 100, 10), trial('b', 97, 10.5))).toEqual(['a']);
  });

  it('has one point a variant, the geometric mean of its trials', () => {
    const [point] = findParetoSet([trial('a', 100, 10), trial('a', 400, 10)], objectives);
    expect(point?.values.throughput).toBeCloseTo(200, 6);
    expect(point?.values.latency_p99).toBeCloseTo(10e6, 0);
  });

  it('leaves out a variant that lacks a number', () => {
    const memory = [parseObjective('throughput'), parseObjective('memory_rss')];
    expect(findParetoSet([trial('a', 100, 10)], memory)).toEqual([]);
  });

  it('is never empty, and holds the best of each metric', () => {
    const point = fc.tuple(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 1000 }));
    fc.assert(
      fc.property(fc.array(point, { minLength: 1, maxLength: 20 }), (points) => {
        const onFront = front(...points.map(([rate, latency], index) => trial(`v${index}`, rate, latency)));
        const most = Math.max(...points.map(([rate]) => rate));
        const least = Math.min(...points.map(([, latency]) => latency));
        const rates = onFront.map((id) => points[Number(id.slice(1))]![0]);
        const latencies = onFront.map((id) => points[Number(id.slice(1))]![1]);
        expect(Math.max(...rates)).toBeGreaterThan(most * 0.97);
        expect(Math.min(...latencies)).toBeLessThan(least * 1.05);
      }),
    );
  });
});

describe('several objectives', () => {
  it('count as the weighted geometric mean of their gains', () => {
    const combined = combineObjectives([
      { objective: objectives[0]!, weight: 3 },
      { objective: objectives[1]!, weight: 1 },
    ]);
    const ratio = combined.read(trial('a', 200, 10))! / combined.read(trial('b', 100, 20))!;
    expect(ratio).toBeCloseTo(2 ** 0.75 * 2 ** 0.25, 10);
    expect(combined).toMatchObject({
      metric: 'throughput and latency_p99',
      direction: 'maximize',
      isLoadDependent: false,
    });
  });

  it('have no value where one of them has none', () => {
    const combined = combineObjectives([
      { objective: objectives[0]!, weight: 1 },
      { objective: parseObjective('gpu_memory'), weight: 1 },
    ]);
    expect(combined.read(trial('a', 200, 10))).toBeUndefined();
  });
});

describe('cost', () => {
  it('is what a million inferences take of an hour of the host', () => {
    expect(costPerMillion(3.6, 1000)).toBeCloseTo(1, 12);
    const cost = atPrice(parseObjective('cost_per_million'), 3.6);
    expect(cost.read(trial('a', 1000, 1))).toBeCloseTo(1, 6);
    expect(utilityOf(cost, 1)).toBeGreaterThan(utilityOf(cost, 2));
    expect(parseObjective('cost_per_million').read(trial('a', 1000, 1))).toBeUndefined();
  });
});
