/** Which of several versions' statistics stand for a model that was asked for without a version. */
import type { ModelStatistics } from '../kserve/metadata.js';

/** Those of the highest version, which is the one that servers choose; undefined for an empty list. */
export function newestStatistics(statistics: readonly ModelStatistics[]): ModelStatistics | undefined {
  return statistics.reduce<ModelStatistics | undefined>(
    (newest, next) => (newest === undefined || Number(next.version) > Number(newest.version) ? next : newest),
    undefined,
  );
}
