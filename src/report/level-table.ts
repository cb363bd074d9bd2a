/**
 * The table of a run's levels as columns of finished text, the same for terminal, Markdown and HTML. Each column has
 * one unit, and all columns of times the same, so that they compare at a glance.
 */
import {
  type ColumnFormat,
  durationColumn,
  formatBounds,
  formatCount,
  latencyColumn,
  milliseconds,
  NO_VALUE,
  numberColumn,
} from '../common/format.js';
import { formatAmount } from '../record/load-name.js';
import type { LevelRecord } from '../record/run-record.js';

export interface Cell {
  readonly text: string;
  /** The 95 % interval, `± 13` or `790 to 870`; empty where there is none. */
  readonly bounds: string;
}

export type LevelColumnKey =
  | 'load'
  | 'batchSize'
  | 'shapes'
  | 'requests'
  | 'throughput'
  | 'mean'
  | 'p50'
  | 'p90'
  | 'p95'
  | 'p99'
  | 'p99_9'
  | 'max'
  | 'queue'
  | 'compute'
  | 'errors'
  | 'dropped'
  | 'unfinished'
  | 'delayed'
  | 'mismatches'
  | 'verdict';

export interface LevelColumn {
  readonly key: LevelColumnKey;
  readonly title: string;
  /** For narrow terminals. */
  readonly shortTitle: string;
  /** Empty where the numbers carry none. */
  readonly unit: string;
  readonly isNumber: boolean;
  /** One a level, in the record's order. */
  readonly cells: readonly Cell[];
}

const latencies = [
  { key: 'mean', title: 'Avg' },
  { key: 'p50', title: 'p50' },
  { key: 'p90', title: 'p90' },
  { key: 'p95', title: 'p95' },
  { key: 'p99', title: 'p99' },
  { key: 'p99_9', title: 'p99.9' },
  { key: 'max', title: 'Max' },
] as const;

/** What the figures that everyone looks at are scaled by; the far tail may have more digits. */
const scaled = ['mean', 'p50', 'p90', 'p95', 'p99'] as const;

/** One format for all latencies of a run. */
export const latencyFormat = (levels: readonly LevelRecord[]): ColumnFormat =>
  latencyColumn(levels.flatMap(({ latencyNs }) => scaled.map((key) => latencyNs?.[key])));

/** One format for all throughputs of a run. */
export const throughputFormat = (levels: readonly LevelRecord[]): ColumnFormat =>
  numberColumn(levels.map((level) => level.throughputPerSec.value));

/** Time a request spends in the model's execution, input and output handling included. */
export const computeNs = ({ server }: LevelRecord): number | null =>
  server === null ? null : server.computeInputNs + server.computeInferNs + server.computeOutputNs;

/** A share of requests sent late that is worth a column. */
const NOTABLE_DELAYED = 0.01;

/**
 * The columns of `levels`; those that would say the same in every row (batch size 1, no errors) are left out. `areFixed` leaves
 * out none for its figures, so that the same command gives the same columns each time.
 */
export function levelColumns(levels: readonly LevelRecord[], areFixed = false): LevelColumn[] {
  const isOpen = levels.some(({ load }) => load.kind === 'open');
  const title = isOpen ? 'Request rate' : 'Concurrency';
  const load = plain('load', title, levels, (level) => formatAmount(level.load));
  return [
    { ...load, shortTitle: isOpen ? 'Rate/s' : 'Conc.', unit: isOpen ? '/s' : '' },
    ...some(
      levels.some((level) => level.load.batchSize !== 1),
      () => plain('batchSize', 'Batch', levels, (level) => formatCount(level.load.batchSize)),
    ),
    ...some(
      levels.some((level) => level.load.shapes !== undefined),
      () => ({
        ...plain('shapes', 'Shapes', levels, (level) => level.load.shapes ?? NO_VALUE),
        isNumber: false,
      }),
    ),
    ...some(isOpen, () => requestRateColumn(levels)),
    throughputColumn(levels),
    ...latencyColumns(levels),
    serverColumn('queue', 'Queue', levels, ({ server }) => server?.queueNs ?? null),
    serverColumn('compute', 'Compute', levels, computeNs),
    ...countColumns(levels, areFixed, isOpen),
    { ...plain('verdict', 'Verdict', levels, (level) => level.verdict), isNumber: false },
  ];
}

const some = (isWanted: boolean, make: () => LevelColumn): LevelColumn[] => (isWanted ? [make()] : []);

/** Requests that did not go as they should, each kind only where it happened. */
function countColumns(levels: readonly LevelRecord[], areFixed: boolean, isOpen: boolean): LevelColumn[] {
  const isDelayed = levels.some((level) => level.delayedCount > NOTABLE_DELAYED * level.requestCount);
  return [
    ...some(areFixed || levels.some((level) => level.errorCount > 0), () =>
      plain('errors', 'Errors', levels, (level) => formatCount(level.errorCount)),
    ),
    ...some((areFixed && isOpen) || levels.some((level) => level.droppedCount > 0), () =>
      plain('dropped', 'Dropped', levels, (level) => formatCount(level.droppedCount)),
    ),
    ...some(areFixed || levels.some(({ unfinishedCount = 0 }) => unfinishedCount > 0), () =>
      plain('unfinished', 'Unfinished', levels, ({ unfinishedCount = 0 }) => formatCount(unfinishedCount)),
    ),
    ...some(areFixed ? isOpen : isDelayed, () =>
      plain('delayed', 'Delayed', levels, (level) => formatCount(level.delayedCount)),
    ),
    ...some(
      levels.some((level) => level.mismatchCount !== null),
      () => plain('mismatches', 'Mismatches', levels, (level) => formatCount(level.mismatchCount)),
    ),
  ];
}

/** Answered requests a second, beside the rate that was offered. */
function requestRateColumn(levels: readonly LevelRecord[]): LevelColumn {
  const format = numberColumn(levels.map((level) => level.requestsPerSec));
  return { ...plain('requests', 'Served', levels, (level) => format.format(level.requestsPerSec)), unit: '/s' };
}

function plain(
  key: LevelColumnKey,
  title: string,
  levels: readonly LevelRecord[],
  text: (level: LevelRecord) => string,
): LevelColumn {
  return {
    key,
    title,
    shortTitle: title,
    unit: '',
    isNumber: true,
    cells: levels.map((level) => ({ text: text(level), bounds: '' })),
  };
}

function throughputColumn(levels: readonly LevelRecord[]): LevelColumn {
  const format = throughputFormat(levels);
  const cells = levels.map(({ throughputPerSec }) => ({
    text: format.format(throughputPerSec.value),
    bounds: formatBounds(throughputPerSec, format),
  }));
  return { key: 'throughput', title: 'Inferences/s', shortTitle: 'Infer/s', unit: '', isNumber: true, cells };
}

function latencyColumns(levels: readonly LevelRecord[]): LevelColumn[] {
  const format = latencyFormat(levels);
  return latencies.map(({ key, title }) => ({
    key,
    title,
    shortTitle: title,
    unit: format.unit,
    isNumber: true,
    cells: levels.map(({ latencyNs, latencyIntervalNs }) => {
      const [low, high] = latencyIntervalNs?.[key] ?? [null, null];
      const value = latencyNs?.[key] ?? null;
      return { text: format.format(value), bounds: formatBounds({ value, low, high }, format) };
    }),
  }));
}

function serverColumn(
  key: LevelColumnKey,
  title: string,
  levels: readonly LevelRecord[],
  read: (level: LevelRecord) => number | null,
): LevelColumn {
  const values = levels.map(read);
  const format = durationColumn(values, milliseconds);
  const cells = values.map((value) => ({ text: format.format(value), bounds: '' }));
  return { key, title, shortTitle: title, unit: format.unit, isNumber: true, cells };
}
