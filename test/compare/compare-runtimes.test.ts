import { describe, expect, it } from 'vitest';
import { nanos, seconds } from '../../src/common/units.js';
import type { ChosenPair } from '../../src/compare/choose-pairs.js';
import { type CompareRuntimesOptions, compareRuntimes, type UsablePair } from '../../src/compare/compare-runtimes.js';
import { ManualClock } from '../support/manual-clock.js';
import { simulatedLevel } from '../support/simulated-variants.js';

const cpu: ChosenPair = { runtime: 'bundled', provider: 'cpu', libraryPath: '/a' };
const openvino: ChosenPair = { runtime: 'openvino-1', provider: 'openvino', libraryPath: '/b' };
const accuracy = {
  accuracy_top1: 1,
  accuracy_top5: 1,
  accuracy_cosine: 1,
  accuracy_max_abs: 0,
  accuracy_cer: null,
};

interface Bench {
  readonly rate: (pair: UsablePair, round: number) => number;
  readonly onServe?: () => void;
}

async function compare(
  change: Partial<CompareRuntimesOptions>,
  { rate, onServe }: Bench,
  stop = new AbortController(),
) {
  const clock = new ManualClock();
  const turns: string[] = [];
  const levels: number[] = [];
  let open = 0;
  const pairs = await compareRuntimes(
    { pairs: [cpu, openvino], roundCount: 3, budget: seconds(60), ...change },
    {
      clock,
      signal: stop.signal,
      onTurn: ({ round, pair }) => turns.push(`${round} ${pair.provider}`),
      onTurnEnd: () => undefined,
      async serve(pair, round) {
        onServe?.();
        const throughputPerSec = rate(pair, round);
        await clock.advanceAsync(seconds(2));
        open++;
        return {
          loadTimeNs: 1,
          nodes: null,
          compareAnswers: async () => accuracy,
          async measure(duration) {
            levels.push(duration);
            await clock.advanceAsync(duration);
            return simulatedLevel({ throughputPerSec }, 2, duration);
          },
          async close() {
            open--;
          },
        };
      },
    },
  );
  expect(open).toBe(0);
  return { pairs, turns, levels, spent: clock.now() };
}

describe('a comparison of runtimes', () => {
  it('pairs the rounds, so that drift of the host cancels out of the ratio', async () => {
    const drift = [1, 0.5, 2];
    const { pairs, turns } = await compare(
      {},
      { rate: ({ provider }, round) => (provider === 'cpu' ? 100 : 150) * drift[round]! },
    );
    expect(pairs[1]?.throughputRatio?.value).toBeCloseTo(1.5, 9);
    expect(pairs[1]?.throughputRatio?.low).toBeCloseTo(1.5, 9);
    expect(pairs[0]).toMatchObject({ isReference: true, state: 'complete', accuracy });
    expect(pairs[0]?.throughputPerSec?.low).toBeLessThan(100);
    expect(turns).toEqual(['0 cpu', '0 openvino', '1 openvino', '1 cpu', '2 cpu', '2 openvino']);
  });

  it('makes a pair that fails a row with its reason, and goes on with the others', async () => {
    const { pairs, turns } = await compare(
      {},
      {
        rate({ provider }) {
          if (provider === 'openvino') throw new Error('the engine refused it');
          return 100;
        },
      },
    );
    expect(pairs[1]).toMatchObject({ state: 'failed', reason: 'the engine refused it', throughputRatio: null });
    expect(pairs[0]?.rounds).toHaveLength(3);
    expect(turns.filter((turn) => turn.includes('openvino'))).toEqual(['0 openvino']);
  });

  it('does not serve a pair that was refused before', async () => {
    const refused: ChosenPair = { runtime: 'bundled', provider: 'cuda', refusal: 'no driver' };
    const { pairs, turns } = await compare({ pairs: [cpu, refused] }, { rate: () => 100 });
    expect(pairs[1]).toMatchObject({ state: 'failed', reason: 'no driver', rounds: [] });
    expect(turns.every((turn) => turn.endsWith('cpu'))).toBe(true);
  });

  it('keeps within its budget: shorter levels, then fewer rounds', async () => {
    const full = await compare({ budget: seconds(24) }, { rate: () => 100 });
    expect(full.pairs[0]?.rounds).toHaveLength(3);
    expect(full.spent).toBeLessThanOrEqual(seconds(24));
    const short = await compare({ budget: nanos(1) }, { rate: () => 100 });
    expect(short.pairs.map(({ rounds }) => rounds.length)).toEqual([1, 1]);
    expect(short.levels).toEqual([seconds(1), seconds(1)]);
    expect(short.pairs[1]?.throughputRatio).toEqual({ value: 1, low: null, high: null });
  });

  it('keeps the finished turns of one that is interrupted', async () => {
    const stop = new AbortController();
    let served = 0;
    const { pairs } = await compare(
      {},
      {
        rate: () => 100,
        onServe() {
          served++;
          if (served === 3) stop.abort();
        },
      },
      stop,
    );
    expect(pairs.map(({ rounds, reason }) => [rounds.length, reason])).toEqual([
      [1, null],
      [1, null],
    ]);
  });
});
