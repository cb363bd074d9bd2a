/** The limit on failed requests that every trial has: figures of the successful ones alone would recommend what fails. */
import { DEFAULT_MAX_ERROR_RATIO } from '../../plan/error-limit.js';
import { type Constraint, parseConstraint } from './constraint.js';

export const isErrorLimit = ({ metric, operator }: Constraint): boolean => metric === 'error_rate' && operator === '<=';

/** With the limit on failed requests, unless a constraint of the study's own says how many may fail. */
export function withErrorLimit(
  constraints: readonly Constraint[],
  maxErrorRatio: number = DEFAULT_MAX_ERROR_RATIO,
): readonly Constraint[] {
  if (constraints.some(isErrorLimit)) return constraints;
  const text = `error_rate <= ${Number((100 * maxErrorRatio).toPrecision(6))}%`;
  return [...constraints, { ...parseConstraint(text), limit: maxErrorRatio, isImplied: true }];
}
