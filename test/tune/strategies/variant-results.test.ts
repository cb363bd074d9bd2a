import { describe, expect, it } from 'vitest';
import { createLevelCode } from '../../../src/tune/strategies/level-code.js';
import type { TrialResult } from '../../../src/tune/strategies/strategy.js';
import { createVariantResults, isComplete } from '../../../src/tune/strategies/variant-results.js';
import { spaceOf } from '../../contract-suites/strategy.js';

const space = spaceOf([{ name: 'x', values: [1, 2], defaultValue: 1, isOrdered: true }]);
const variant = { x: 2 };
const served = (score: number, margin: number): TrialResult => ({
  state: margin > 0 ? 'infeasible' : 'complete',
  score,
  scoreError: 0.02,
  violation: Math.max(0, Math.expm1(margin)),
  margins: { 'latency_p99 <= 20ms': margin },
});
const tellAll = (...told: readonly (readonly [TrialResult, effort: number])[]) => {
  const results = createVariantResults(space, createLevelCode(space));
  return told.map(([result, effort]) => results.tell(variant, result, effort)).at(-1)!;
};

describe('the results of a variant', () => {
  it('are judged together: one level above a limit does not end what keeps it on the whole', () => {
    expect(tellAll([served(1, -0.2), 3], [served(1.1, 0.05), 1]).state).toBe('complete');
    expect(tellAll([served(1, -0.05), 1], [served(1.1, 0.2), 3])).toMatchObject({ state: 'infeasible' });
  });

  it('keep a limit only when they keep it clearly', () => {
    expect(tellAll([served(1, -0.01), 1]).state).toBe('infeasible');
    expect(tellAll([served(1, -0.02), 9]).state).toBe('complete');
  });

  it('have a score where a limit is missed, but are not complete', () => {
    const missed = tellAll([served(1.5, 0.3), 1]);
    expect(missed.standing?.score).toBe(1.5);
    expect(isComplete(missed)).toBe(false);
  });

  it('follow the newest where it says nothing of limits', () => {
    expect(tellAll([served(1, -0.2), 3], [{ state: 'failed' }, 1])).toMatchObject({
      state: 'failed',
      margins: undefined,
    });
    expect(tellAll([{ state: 'infeasible', violation: 0.3 }, 1])).toMatchObject({
      state: 'infeasible',
      violation: 0.3,
    });
  });
});
