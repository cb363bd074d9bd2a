/** The three sentences that a study can end in, through the whole study. */
import { describe, expect, it } from 'vitest';
import { exitCodeOfStudy } from '../../../src/cli/exit-code.js';
import { PerfTsError } from '../../../src/common/errors.js';
import { nanos } from '../../../src/common/units.js';
import { renderStudyMarkdown } from '../../../src/report/markdown.js';
import { renderStudyReportText } from '../../../src/report/study-console.js';
import { parseObjective } from '../../../src/tune/objectives/objective.js';
import type { VariantParameters } from '../../../src/tune/strategies/strategy.js';
import { findRival, needsDefaultAgain } from '../../../src/tune/trials/rival.js';
import type { FinishedTrial } from '../../../src/tune/trials/trial-outcome.js';
import type { Variant } from '../../../src/tune/variants/variants.js';
import { type BenchOptions, runSimulatedStudy } from '../support/study-bench.js';

const threads = { intra_op_threads: [1] };
const isTuned = (at: VariantParameters): boolean => at.intra_op_threads === 1;

async function conclude(options: Partial<BenchOptions>) {
  const { record } = await runSimulatedStudy({ landscape: () => 100, knobs: threads, noise: 0.01, ...options });
  const { conclusion } = record;
  // The same words everywhere.
  const flat = (text: string): string => text.replace(/\s+/g, ' ');
  expect(flat(renderStudyReportText(record, { width: 120, color: false }))).toContain(flat(conclusion!.sentence));
  expect(renderStudyMarkdown(record).replaceAll('\\', '')).toContain(conclusion!.sentence);
  return { record, conclusion: conclusion! };
}

describe('a study concludes', () => {
  it('that a variant is proven better, with p99 before and after', async () => {
    const { conclusion, record } = await conclude({ landscape: (at) => (isTuned(at) ? 200 : 100) });
    expect(conclusion).toMatchObject({ kind: 'better', p99Ns: { default: expect.any(Number) } });
    expect(conclusion.sentence).toMatch(
      /^Proven better: [12]\.\d\dx the default’s throughput \(95% interval .* to .*\), p99 .* instead of .*, with 1 changed setting\.$/,
    );
    expect(exitCodeOfStudy(record, true)).toBe(0);
  });

  it('that nothing is better, with how much is excluded', async () => {
    const { conclusion, record } = await conclude({});
    expect(conclusion.kind).toBe('not_better');
    expect(conclusion.sentence).toMatch(/^Not better than the default: (at most \d+% better|no gain is possible), as/);
    expect(conclusion.atMostGain).toBeLessThan(1.1);
    expect(exitCodeOfStudy(record, true)).toBe(0);
  });

  it('that nothing is better where no variant kept the limits', async () => {
    const { conclusion } = await conclude({
      constraints: ['throughput >= 90'],
      landscape: (at) => (isTuned(at) ? 50 : 100),
    });
    expect(conclusion).toMatchObject({ kind: 'not_better', sentence: expect.stringMatching(/kept the limits/) });
  });

  const fails = (): never => {
    throw new PerfTsError('ENGINE_FAILED', { what: 'the engine ended' });
  };
  const open: [string, string, Partial<BenchOptions>, RegExp][] = [
    ['noise hides the answer', 'too_noisy', { noise: 0.4, budgetSeconds: 60 }, /leave open whether/],
    [
      'every variant fails',
      'nothing_worked',
      { landscape: (at) => (isTuned(at) ? fails() : 100) },
      /could be measured \(the engine/,
    ],
    [
      'the default fails',
      'default_failed',
      { landscape: (at) => (isTuned(at) ? 100 : fails()) },
      /default could not be measured/,
    ],
    ['nothing was tried', 'nothing_tried', { budgetSeconds: 10, startSeconds: 3.5 }, /no variant was tried/],
    [
      'the load generator was the limit',
      'generator_limited',
      {
        landscape: (at) => ({
          throughputPerSec: 100,
          verdict: isTuned(at) ? ('CLIENT_LIMITED' as const) : ('VALID' as const),
        }),
      },
      /load generator/,
    ],
  ];
  it.each(open)('that it could not tell, where %s', async (_, cause, options, why) => {
    const { conclusion, record } = await conclude(options);
    expect(conclusion).toMatchObject({ kind: 'could_not_tell', cause, sentence: expect.stringMatching(why) });
    expect(conclusion.sentence).toMatch(/^Could not tell whether anything is better than the default: /);
    expect(conclusion.advice).not.toBe('');
    expect(record.recommended).toEqual({ portable: null, engine: null });
    if (cause !== 'default_failed')
      expect([exitCodeOfStudy(record, false), exitCodeOfStudy(record, true)]).toEqual([0, 5]);
  });

  it('beside the winner names who has nearly as much at a fraction of the p99 with fewer changes', async () => {
    const { conclusion } = await conclude({
      knobs: { intra_op_threads: [1, 2], instance_count: [2, 4] },
      budgetSeconds: 240,
      landscape: ({ intra_op_threads: own, instance_count: count }) => ({
        throughputPerSec: own === 1 ? (count === 4 ? 276 : 258) : 124,
        latencyNs: own === 1 ? (count === 4 ? 183e6 : 20.9e6) : 75e6,
      }),
    });
    expect(conclusion.sentence).toMatch(/p99 18\d ms instead of 7\d/);
    expect(conclusion.advice).toMatch(/has 9\d% of it at p99 2\d\.?\d* ms with 1 change \(intra_op_threads 1\)\./);
    expect(conclusion.beside).toMatchObject([{ changeCount: 1 }]);
    // Both at the default's load too, which is not the winner's.
    expect(conclusion.equalLoad).toMatchObject({ concurrency: 4, gain: expect.any(Number) });
  });
});

describe('an early end', () => {
  it('buries nothing for good: what a stall of the host ended is looked at again, and wins', async () => {
    // While the only better variant is measured first, something else takes nine tenths of the host.
    let looks = 0;
    const { record, conclusion } = await conclude({
      knobs: { intra_op_threads: [1, 2], graph_level: ['all', 'basic', 'extended'] },
      strategy: 'exhaustive',
      budgetSeconds: 120,
      landscape: (at) => {
        if (!isTuned(at) || at.graph_level !== 'all') return 100;
        return ++looks === 1 ? 10 : 200;
      },
    });
    expect(conclusion.kind).toBe('better');
    expect(record.recommended.portable?.gain.value).toBeGreaterThan(1.7);
  });

  it('has no basis in a default that is known by half of it', () => {
    const trial = (id: string, value: number, error: number, startedNs = 0) =>
      ({
        variant: { id },
        value,
        isClientLimited: false,
        record: {
          phase: 'search',
          state: 'complete',
          startedNs,
          durationNs: 2e9,
          level: { throughputPerSec: { value } },
        },
        result: { state: 'complete', score: Math.log(value), scoreError: error },
      }) as unknown as FinishedTrial;
    const throughput = parseObjective('throughput');
    const variant = { id: 'v' } as Variant;
    expect(findRival([trial('default', 100, 0.5)], variant, throughput, nanos(3e9))).toBeUndefined();
    // Beside the variants, not instead of them.
    expect(needsDefaultAgain([trial('default', 100, 0.5)], throughput)).toBe(false);
    expect(needsDefaultAgain([trial('default', 100, 0.5), trial('b', 90, 0.1)], throughput)).toBe(true);
    expect(findRival([trial('default', 100, 0.02)], variant, throughput, nanos(3e9))?.throughputPerSec).toBe(100);
    // Long ago, and the default has lost half since: so will the best have.
    const drifted = [trial('default', 100, 0.02), trial('b', 200, 0.02, 2e9), trial('default', 50, 0.02, 200e9)];
    expect(findRival(drifted, variant, throughput, nanos(203e9))?.throughputPerSec).toBeCloseTo(100, 9);
    expect(findRival(drifted.slice(0, 2), variant, throughput, nanos(203e9))).toBeUndefined();
  });
});
