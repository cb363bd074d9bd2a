/** Where a request's time goes inside the server: the difference of two statistics snapshots of one model version. */
import type { ModelStatistics, StatisticDuration } from '../../kserve/metadata.js';
import type { ServerTimes } from '../../record/run-record.js';

/**
 * Averages a successful request between two snapshots, and the counts between them. Undefined where either is missing,
 * where they speak of different versions, where a counter went back (the model was loaded again) or nothing succeeded.
 */
export function serverTimesBetween(
  before: ModelStatistics | undefined,
  after: ModelStatistics | undefined,
): ServerTimes | undefined {
  if (before === undefined || after === undefined) return undefined;
  if (before.name !== after.name || before.version !== after.version) return undefined;
  const earlier = before.inference_stats;
  const later = after.inference_stats;
  const requests = later.success.count - earlier.success.count;
  const inferenceCount = after.inference_count - before.inference_count;
  const executionCount = after.execution_count - before.execution_count;
  const totals = (['queue', 'compute_input', 'compute_infer', 'compute_output'] as const).map((part) =>
    durationBetween(earlier[part], later[part]),
  );
  if (requests <= 0 || Math.min(inferenceCount, executionCount, ...totals) < 0) return undefined;
  const [queueNs, computeInputNs, computeInferNs, computeOutputNs] = totals.map((total) =>
    Math.round(total / requests),
  ) as [number, number, number, number];
  const requestNs = Math.max(0, Math.round(durationBetween(earlier.success, later.success) / requests));
  const times = { queueNs, computeInputNs, computeInferNs, computeOutputNs };
  return { ...times, inferenceCount, executionCount, requestNs, successCount: requests };
}

const durationBetween = (before: StatisticDuration, after: StatisticDuration): number => after.ns - before.ns;
