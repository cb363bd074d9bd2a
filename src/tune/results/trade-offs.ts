/** The trade-offs that a study's record holds: throughput, tail latency, memory, and whatever it was asked to optimise. */
import type { StudyRecord } from '../../record/study-record.js';
import { type Objective, parseObjective, partsOf } from '../objectives/objective.js';
import { findParetoSet } from '../objectives/pareto.js';
import type { FinishedTrial } from '../trials/trial-outcome.js';

/** Beside the study's own objectives, where they were measured. */
const alwaysShown = ['throughput', 'latency_p99', 'memory_rss', 'gpu_memory', 'energy_per_inference'];

/** Nothing when fewer than two variants kept the constraints. A metric that some variant lacks is left out. */
export function findTradeOffs(trials: readonly FinishedTrial[], objective: Objective): Pick<StudyRecord, 'pareto'> {
  const measured = trials.flatMap(({ variant, isClientLimited, record: { state, level, loadTimeNs } }) =>
    state !== 'complete' || level === null || isClientLimited ? [] : [{ variantId: variant.id, level, loadTimeNs }],
  );
  const own = partsOf(objective);
  const others = alwaysShown.filter((name) => own.every(({ metric }) => metric !== name)).map(parseObjective);
  const objectives = [...own, ...others].filter((candidate) =>
    measured.every((trial) => (candidate.read(trial) ?? 0) > 0),
  );
  const points = findParetoSet(measured, objectives);
  if (points.length < 2 || objectives.length < 2) return {};
  return { pareto: { metrics: objectives.map(({ metric, direction }) => ({ metric, direction })), points } };
}
