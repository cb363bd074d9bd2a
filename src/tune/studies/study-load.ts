/** At which load a variant is judged. */
import type { LoadLevel } from '../../plan/load-plan.js';
import type { Constraint, ConstraintOutcome } from '../objectives/constraint.js';
import type { Objective } from '../objectives/objective.js';
import type { StudyModel, Variant } from '../variants/variants.js';

const MIN_CONCURRENCY = 2;
const MAX_CONCURRENCY = 64;

export const closedLoad = (concurrency: number, batchSize = 1): LoadLevel => ({
  kind: 'closed',
  concurrency,
  batchSize,
});

/** Requests that keep every instance, of every model, busy with a full batch. */
export function busyInFlight(model: StudyModel, variant: Variant): number {
  if (variant.members !== undefined)
    return variant.members.reduce((sum, member) => sum + busyInFlight(member.model, member.variant), 0);
  const { dynamic_batching: batching, max_batch_size: maxBatchSize = 0 } =
    variant.id === 'default' ? model.completed : variant.config;
  const groups = variant.config.instance_group ?? model.completed.instance_group ?? [];
  const instances = groups.reduce((sum, { count = 1 }) => sum + count, 0);
  const rows = batching === undefined ? 1 : Math.max(1, maxBatchSize);
  return Math.ceil(rows / (variant.load?.batchSize ?? 1)) * instances;
}

/** Model Analyzer's formula: every instance busy and as many requests waiting; at least 2 and at most 64 in flight. */
export const saturatingConcurrency = (model: StudyModel, variant: Variant): number =>
  Math.min(MAX_CONCURRENCY, Math.max(MIN_CONCURRENCY, 2 * busyInFlight(model, variant)));

/**
 * Where the search measures a variant: at `fixed` if the user chose a load; at the variant's own saturating load for
 * throughput; at the default's for latency, because latencies compare only at one load.
 */
export function searchConcurrency(
  model: StudyModel,
  variant: Variant,
  base: Variant,
  objective: Objective,
  fixed?: number,
): number {
  return fixed ?? variant.load?.concurrency ?? saturatingConcurrency(model, objective.isLoadDependent ? base : variant);
}

/**
 * The lower load at which a missed latency limit may hold: closed-loop latency falls about in proportion to the
 * requests in flight. Undefined when no latency limit was missed or there is nothing to lower.
 */
export function gentlerConcurrency(concurrency: number, outcomes: readonly ConstraintOutcome[]): number | undefined {
  const shares = outcomes
    .filter(({ constraint, violation }) => violation > 0 && isLatencyLimit(constraint))
    .map(({ constraint, value = Number.POSITIVE_INFINITY }) => constraint.limit / value);
  if (shares.length === 0 || concurrency <= 1) return undefined;
  return Math.max(1, Math.min(concurrency - 1, Math.floor(concurrency * Math.min(...shares) * 0.95)));
}

const isLatencyLimit = ({ metric, operator }: Constraint): boolean =>
  operator === '<=' && (metric.startsWith('latency_') || metric.startsWith('service_') || metric === 'queue_time');
