/** What each of several models got of a level that loads them together. */
import { outcomeCodes } from '../client/outcome.js';
import type { Instant } from '../common/units.js';
import type { LevelRun } from '../load/load-session.js';
import { type RequestColumns, sliceColumns } from '../load/request-columns.js';
import type { LevelRecord } from '../record/run-record.js';
import { estimateRate, summarizeLatency } from './summarize-level.js';
import { openWindow } from './windows/measured-window.js';

/** A model and its share of the requests. */
export interface WeighedModel {
  readonly model: string;
  readonly modelVersion: string;
  readonly weight: number;
}

/** One entry for each model where there are several, for the window [from, to) of the level; none for one model. */
export function summarizeShares(
  models: readonly WeighedModel[],
  run: Pick<LevelRun, 'columns' | 'errors'>,
  batchSize: number,
  from: Instant,
  to: Instant,
): LevelRecord['models'] {
  if (models.length < 2) return [];
  return models.map(({ model, modelVersion, weight }, index) => {
    // The window is the level's, so nothing of a model is cut on its own.
    const window = openWindow(since(run.columns(index), from), from, to, 1, true);
    return {
      model: modelVersion === '' ? model : `${model}:${modelVersion}`,
      weight,
      requestCount: window.latenciesNs.length,
      errorCount: Object.values(run.errors(index)).reduce((sum, count) => sum + count, 0),
      throughputPerSec: estimateRate(window, batchSize),
      latencyNs: summarizeLatency(window.orderedLatenciesNs),
    };
  });
}

/** Without the requests of the warm-up, which were intended before the window. */
function since(columns: RequestColumns, from: Instant): RequestColumns {
  const rows = sliceColumns(columns, from);
  const outcomes = rows.outcomes.slice();
  for (let row = 0; row < rows.length; row++) if (rows.intendedNs[row]! < from) outcomes[row] = outcomeCodes.pending;
  return { ...rows, outcomes };
}
