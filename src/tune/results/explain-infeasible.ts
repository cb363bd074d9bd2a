/** Why a study has no variant to recommend: which limit excluded how many, and how near the nearest came. */
import { type Constraint, describeMisses, evaluateConstraint, totalViolation } from '../objectives/constraint.js';
import { isAccuracyMetric } from '../objectives/metric.js';
import { bindsWithoutAnswers, limitsOf } from '../trials/trial-accuracy.js';
import type { FinishedTrial } from '../trials/trial-outcome.js';
import type { Variant } from '../variants/variants.js';

/**
 * One sentence, or undefined when some variant kept every limit or none was measured. `trials` are those of the study;
 * a variant that was measured more than once counts by its nearest trial.
 */
export function explainInfeasible(
  trials: readonly FinishedTrial[],
  constraints: readonly Constraint[],
): string | undefined {
  const judged = trials.flatMap(({ variant, record: { level, state, loadTimeNs, accuracy } }) => {
    if (state !== 'complete' && state !== 'infeasible') return [];
    const limits = limitsOf(variant, constraints);
    const outcomes = limits
      .filter(({ metric }) => level !== null || isAccuracyMetric(metric))
      .filter((limit) => accuracy !== undefined || bindsWithoutAnswers(limit))
      .map((constraint) => evaluateConstraint(constraint, { level, loadTimeNs, accuracy }));
    return [{ id: nameOf(variant), state, outcomes, violation: totalViolation(outcomes) }];
  });
  if (judged.length === 0) return undefined;
  if (judged.some(({ state }) => state === 'complete')) return undefined;
  const variants = new Map<string, (typeof judged)[number]>();
  for (const trial of judged) {
    const known = variants.get(trial.id);
    if (known === undefined || trial.violation < known.violation) variants.set(trial.id, trial);
  }
  const all = [...variants.values()];
  const missed = all.flatMap(({ outcomes }) =>
    outcomes.filter(({ violation }) => violation > 0).map(({ constraint }) => constraint.text),
  );
  const excluded = [...new Set(missed)].map(
    (text) => `'${text}' excluded ${missed.filter((other) => other === text).length} of ${all.length}`,
  );
  const nearest = all.reduce((a, b) => (b.violation < a.violation ? b : a));
  return `no variant kept the constraints: ${excluded.join(', ')}; the nearest, ${nearest.id}, missed ${describeMisses(nearest.outcomes)}`;
}

/** With what is changed in it, where that is short enough for a sentence. */
function nameOf({ id, changed, parameters }: Variant): string {
  const settings = changed.map((name) => `${name} ${String(parameters[name])}`).join(', ');
  return settings === '' || settings.length > LONGEST_SETTINGS ? id : `${id} (${settings})`;
}

const LONGEST_SETTINGS = 120;
