/** A calibrated ceiling that a run went beyond was none: its warnings are taken back, and later runs know better. */

import { raiseCeiling } from '../calibrate/known-ceiling.js';
import { largestOf } from '../common/append-all.js';
import type { ClientCeiling } from '../measure/limits/client-ceiling.js';
import type { LoadPlan } from '../plan/load-plan.js';
import type { LevelRecord } from '../record/run-record.js';

/** The highest rate of a level that can be believed, of requests as large as were calibrated; 0 where there is none. */
export function reachedRate(levels: readonly LevelRecord[], { batchSizes }: Pick<LoadPlan, 'batchSizes'>): number {
  const believed = levels.filter(({ verdict, load }) => verdict === 'VALID' && load.batchSize === batchSizes[0]);
  return largestOf(
    believed.map(({ requestsPerSec }) => requestsPerSec),
    0,
  );
}

export async function correctCeiling(
  levels: readonly LevelRecord[],
  plan: LoadPlan,
  ceiling: ClientCeiling | undefined,
): Promise<LevelRecord[]> {
  const reached = reachedRate(levels, plan);
  if (ceiling === undefined || reached <= ceiling.maxRatePerSec) return [...levels];
  await raiseCeiling(plan, reached);
  return levels.map((level) => ({
    ...level,
    warnings: level.warnings.filter(({ code }) => code !== 'NEAR_CLIENT_CEILING'),
  }));
}
