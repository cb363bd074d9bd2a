/** What each of several models got of a level that loads them together. */
import { outcomeCodes } from '../client/outcome.js';
import type { Instant } from '../common/units.js';
import type { LevelRun } from '../load/load-session.js';
import { type RequestColumns, sliceColumns } from '../load/request-columns.js';
import { DEFAULT_MAX_ERROR_RATIO } from '../plan/error-limit.js';
import { shareOfFailed } from '../record/level-judgement.js';
import type { LevelRecord, Warning } from '../record/run-record.js';
import type { LongLevel } from './long/long-level.js';
import { longWindow, summarizeHistogram } from './long/long-summary.js';
import { summarizeLatency } from './summarize-level.js';
import { estimateRate } from './windows/intervals.js';
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
  longOf: (modelIndex: number) => LongLevel | undefined = () => undefined,
): LevelRecord['models'] {
  if (models.length < 2) return [];
  return models.map(({ model, modelVersion, weight }, index) => {
    // The window is the level's, so nothing of a model is cut on its own.
    const long = longOf(index);
    const columns = long?.sample() ?? run.columns(index);
    const sampled = openWindow(since(columns, from), from, to, 1, true);
    const window = long === undefined ? sampled : longWindow(long, sampled, to, true);
    const errorCount = Object.values(run.errors(index)).reduce((sum, count) => sum + count, 0);
    return {
      model: modelVersion === '' ? model : `${model}:${modelVersion}`,
      weight,
      requestCount: long?.latency.total ?? window.latenciesNs.length,
      errorCount,
      errorRatio: shareOfFailed(long?.successCount ?? answeredCount(columns), errorCount) ?? null,
      throughputPerSec: estimateRate(window, batchSize),
      latencyNs: long === undefined ? summarizeLatency(window.orderedLatenciesNs) : summarizeHistogram(long.latency),
    };
  });
}

function answeredCount({ length, outcomes }: RequestColumns): number {
  let count = 0;
  for (let row = 0; row < length; row++) if (outcomes[row] === outcomeCodes.ok) count++;
  return count;
}

/** A model whose requests fail beyond the limit spoils the level, however small its weight. */
export function judgeShares(level: LevelRecord, maxErrorRatio = DEFAULT_MAX_ERROR_RATIO): LevelRecord {
  const failing = level.models.filter(({ errorRatio }) => (errorRatio ?? 0) > maxErrorRatio);
  const silent = level.models.filter(({ requestCount, errorCount }) => requestCount + errorCount === 0);
  if ((failing.length === 0 && silent.length === 0) || level.verdict === 'INVALID') return level;
  const percent = (share: number): string => `${Number((share * 100).toPrecision(2))}%`;
  const warnings: Warning[] = [
    ...failing.map(({ model, errorRatio }) => ({
      code: 'HIGH_ERROR_RATE',
      message: `${percent(errorRatio ?? 1)} of the requests to ${model} failed, more than the limit of ${percent(maxErrorRatio)} (--max-error-rate); remove the causes first.`,
    })),
    ...silent.map(({ model }) => ({
      code: 'NO_REQUEST_ENDED',
      message: `No request to ${model} ended in the time of the level; allow more time (--max-time).`,
    })),
  ];
  return {
    ...level,
    verdict: 'INVALID',
    isSteady: false,
    isClientLimited: false,
    warnings: [...warnings, ...level.warnings],
  };
}

/** Without the requests of the warm-up, which were intended before the window. */
function since(columns: RequestColumns, from: Instant): RequestColumns {
  const rows = sliceColumns(columns, from);
  const outcomes = rows.outcomes.slice();
  for (let row = 0; row < rows.length; row++) if (rows.intendedNs[row]! < from) outcomes[row] = outcomeCodes.pending;
  return { ...rows, outcomes };
}
