import { describe, expect, it } from 'vitest';
import { poolRepeats } from '../../../src/tune/trials/pooled-trials.js';
import { runSimulatedStudy } from '../support/study-bench.js';

describe('repeated trials of a variant', () => {
  it('count as one, by their precision', () => {
    const trial = (id: string, score: number, scoreError: number) =>
      ({
        variant: { id },
        isClientLimited: false,
        result: { state: 'complete', score, scoreError },
      }) as unknown as Parameters<typeof poolRepeats>[0][number];
    const pooled = poolRepeats([trial('a', 1, 0.1), trial('b', 5, 0.1), trial('a', 2, 0.1)]);
    expect(pooled.map(({ variant }) => variant.id)).toEqual(['a', 'b']);
    expect(pooled[0]!.result.score).toBeCloseTo(1.5, 9);
    expect(pooled[0]!.result.scoreError).toBeCloseTo(0.1 / Math.SQRT2, 9);
  });

  it('are made by the forest in a study, with longer levels, and are one finalist', async () => {
    const { record, plan, journal } = await runSimulatedStudy({
      landscape: ({ instance_count: count }) => 1000 + 20 * Number(count ?? 1),
      noise: 0.04,
      strategy: 'forest',
      budgetSeconds: 180,
    });
    const searched = journal.filter(({ phase }) => phase === 'search');
    const lengths = new Set(searched.map(({ level }) => level?.durationNs));
    expect(lengths.size).toBeGreaterThan(1);
    const finalists = plan!.finalists.map(({ variant }) => variant.id);
    expect(new Set(finalists).size).toBe(finalists.length);
    expect(record.state).toBe('complete');
  });
});
