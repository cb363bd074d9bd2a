/** Which of two trial results is better: feasible before infeasible before failed, then the score or the nearer miss. */
import type { TrialResult } from '../strategies/strategy.js';

const rankOf = ({ state }: TrialResult): number => (state === 'complete' ? 2 : state === 'infeasible' ? 1 : 0);

/**
 * True when `a` beats `b` by more than `margin` (in score units) and more than the noise of both. Between infeasible
 * results the smaller violation wins, without a margin.
 */
export function isBetter(a: TrialResult, b: TrialResult, margin = 0): boolean {
  const byRank = rankOf(a) - rankOf(b);
  if (byRank !== 0) return byRank > 0;
  if (a.state === 'infeasible') return (a.violation ?? Infinity) < (b.violation ?? Infinity);
  if (a.score === undefined || b.score === undefined) return false;
  const noise = margin === 0 ? 0 : Math.hypot(a.scoreError ?? 0, b.scoreError ?? 0);
  return a.score - b.score > Math.max(margin, noise);
}
