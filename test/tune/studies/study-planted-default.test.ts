import { describe, expect, it } from 'vitest';
import { createRng } from '../../../src/common/random.js';
import type { VariantParameters } from '../../../src/tune/strategies/strategy.js';
import { runSimulatedStudy } from '../support/study-bench.js';

/**
 * A host as virtual machines are: its speed drifts by some percent over minutes, and now and then something else takes a
 * fifth of it for some seconds.
 */
function restlessHost(seed: number): (fromSeconds: number, toSeconds: number) => number {
  const rng = createRng(seed);
  const phase = rng.next() * 2 * Math.PI;
  const bursts: (readonly [from: number, to: number])[] = [];
  for (let at = 20 * rng.next(); at < 600; ) {
    const length = 1 + 5 * rng.next();
    bursts.push([at, at + length]);
    at += length + 10 + 40 * rng.next();
  }
  return (from, to) => {
    const middle = (from + to) / 2;
    const drift = 1 + 0.04 * Math.sin(phase + (2 * Math.PI * middle) / 180);
    const hit = bursts.reduce((sum, [a, b]) => sum + Math.max(0, Math.min(b, to) - Math.max(a, from)), 0);
    return drift * (1 - (0.2 * hit) / (to - from));
  };
}

/** Nothing beats the default; most changes cost something, some nothing at all. */
const bestByDefault = (parameters: VariantParameters): number => {
  const {
    intra_op_threads: threads,
    dynamic_batching: batching,
    instance_count: count,
    graph_level: level,
  } = parameters;
  return (
    100 *
    (threads === 1 ? 1 : 0.9) *
    (batching === true ? 0.97 : 1) *
    (Number(count) > 2 ? 0.94 : 1) *
    (level === 'all' ? 1 : 0.8)
  );
};

describe.each(['quick', 'forest'] as const)('a %s study of a model whose default is the best there is', (strategy) => {
  it('names no false winner in any of 20 studies on a restless host', { timeout: 60_000 }, async () => {
    const winners: unknown[] = [];
    for (let seed = 1; seed <= 20; seed++) {
      const { record } = await runSimulatedStudy({
        landscape: (parameters) => bestByDefault({ ...parameters, intra_op_threads: 1 }),
        noise: 0.03,
        host: restlessHost(seed),
        budgetSeconds: 120,
        strategy,
        seed,
      });
      if (record.recommended.portable !== null) winners.push({ seed, gain: record.recommended.portable.gain });
    }
    expect(winners).toEqual([]);
  });

  it('still finds a gain of 30 % on it', { timeout: 60_000 }, async () => {
    let proven = 0;
    for (let seed = 1; seed <= 10; seed++) {
      const { record } = await runSimulatedStudy({
        landscape: (parameters) => bestByDefault(parameters) * (parameters.intra_op_threads === 1 ? 1.17 : 1),
        noise: 0.03,
        host: restlessHost(seed),
        budgetSeconds: 120,
        strategy,
        seed,
      });
      if ((record.recommended.portable?.gain.low ?? 0) > 1.1) proven++;
    }
    expect(proven).toBeGreaterThanOrEqual(9);
  });
});
