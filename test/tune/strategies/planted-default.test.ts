import { describe, expect, it } from 'vitest';
import { runSimulatedStudy } from '../support/study-bench.js';

/** The default's own point: any other value of any knob costs something, most of them little. */
const planted = (parameters: Readonly<Record<string, unknown>>): number => {
  const {
    instance_count: count,
    intra_op_threads: threads,
    dynamic_batching: batching,
    graph_level: level,
  } = parameters;
  const crowd = 0.02 * Math.abs(Number(count ?? 2) - 2);
  const cost =
    crowd + (threads === 'default' ? 0 : 0.015) + (batching === true ? 0.01 : 0) + (level === 'all' ? 0 : 0.02);
  return 1000 * Math.exp(-cost);
};

describe('a study whose default is already the best', () => {
  it('has no false winner in twenty studies with noise of 3 % a level', { timeout: 60_000 }, async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { record } = await runSimulatedStudy({
        landscape: planted,
        noise: 0.03,
        seed,
        strategy: 'forest',
        budgetSeconds: 120,
      });
      expect(record.state).toBe('complete');
      expect(record.recommended.portable, `seed ${seed}`).toBeNull();
      expect(record.recommended.engine, `seed ${seed}`).toBeNull();
    }
  });
});
