/** Why a study has no variant to recommend: which limit excluded how many, and how near the nearest came. */
import { type Constraint, describeMisses, evaluateConstraint, totalViolation } from '../constraint.js';
import type { FinishedTrial } from '../trial.js';

/**
 * One sentence, or undefined when some variant kept every limit or none was measured. `trials` are those of the study;
 * a variant that was measured more than once counts by its nearest trial.
 */
export function explainInfeasible(
  trials: readonly FinishedTrial[],
  constraints: readonly Constraint[],
): string | undefined {
  const judged = trials.flatMap(({ variant, record: { level, state, loadTimeNs } }) => {
    if (level === null || (state !== 'complete' && state !== 'infeasible')) return [];
    const outcomes = constraints.map((constraint) => evaluateConstraint(constraint, { level, loadTimeNs }));
    return [{ id: variant.id, state, outcomes, violation: totalViolation(outcomes) }];
  });
  if (constraints.length === 0 || judged.length === 0) return undefined;
  if (judged.some(({ state }) => state === 'complete')) return undefined;
  const variants = new Map<string, (typeof judged)[number]>();
  for (const trial of judged) {
    const known = variants.get(trial.id);
    if (known === undefined || trial.violation < known.violation) variants.set(trial.id, trial);
  }
  const all = [...variants.values()];
  const excluded = constraints
    .map((constraint, index) => ({
      text: constraint.text,
      count: all.filter(({ outcomes }) => outcomes[index]!.violation > 0).length,
    }))
    .filter(({ count }) => count > 0)
    .map(({ text, count }) => `'${text}' excluded ${count} of ${all.length}`);
  const nearest = all.reduce((a, b) => (b.violation < a.violation ? b : a));
  return `no variant kept the constraints: ${excluded.join(', ')}; the nearest, ${nearest.id}, missed ${describeMisses(nearest.outcomes)}`;
}
