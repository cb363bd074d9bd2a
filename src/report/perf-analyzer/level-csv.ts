/**
 * A run as perf_analyzer's CSV, column for column, so that what reads its files reads these: integer microseconds. Columns that
 * perf_analyzer has not stand behind its own; a run as perf_analyzer has none of them, and its rows by rising throughput.
 */

import { loadAmount } from '../../record/load-name.js';
import type { LevelRecord, RunRecord } from '../../record/run-record.js';
import { toCsv } from '../csv.js';
import { sortByLoad } from '../load-axis.js';
import { type LevelFigures, levelFigures, reportedLevels } from './level-figures.js';
import { formatStreamNumber, wholeMicros } from './stream-number.js';

export interface CsvOptions {
  /** `--verbose-csv`: the mean, and what waiting and sending took. */
  readonly isVerbose?: boolean;
  /** `--collect-metrics`: four columns of GPU figures. They belong to the verbose form, as with perf_analyzer. */
  readonly hasGpuMetrics?: boolean;
}

interface OwnColumn {
  readonly title: string;
  readonly read: (level: LevelRecord) => string | number;
}

/** What tells the rows of a run apart beside the first column, and how far a row is to be trusted. */
function ownColumns(levels: readonly LevelRecord[]): readonly OwnColumn[] {
  const shapes: OwnColumn = { title: 'Shapes', read: ({ load }) => load.shapes ?? '' };
  return [
    { title: 'Batch Size', read: ({ load }) => load.batchSize },
    ...(levels.some(({ load }) => load.shapes !== undefined) ? [shapes] : []),
    { title: 'Verdict', read: ({ verdict }) => verdict },
  ];
}

/** Judged by windows, as with `--compat perf_analyzer`. */
const isCompatible = ({ plan, levels }: RunRecord): boolean =>
  levels.some(({ windowed }) => windowed !== undefined) ||
  (plan as { stopRule?: { windows?: unknown } } | null)?.stopRule?.windows !== undefined;

const serverTitles = [
  'Network+Server Send/Recv',
  'Server Queue',
  'Server Compute Input',
  'Server Compute Infer',
  'Server Compute Output',
];
const gpuTitles = ['Avg GPU Utilization', 'Avg GPU Power Usage', 'Max GPU Memory Usage', 'Total GPU Memory'];

type Gpu = NonNullable<LevelRecord['monitors']>['gpus'][number];
const gpuReaders: readonly ((gpu: Gpu) => number | null)[] = [
  ({ utilizationRatio }) => utilizationRatio,
  ({ powerWatts }) => powerWatts,
  ({ memoryUsedBytes }) => memoryUsedBytes,
  ({ memoryTotalBytes }) => memoryTotalBytes,
];

/**
 * `Client Send` counts from the intended start, so that waiting to be sent shows. A level without an answered request
 * has empty times; server columns are left out when no level has server statistics.
 */
export function renderRunCsv(record: RunRecord, options: CsvOptions = {}): string {
  const { isVerbose = false, hasGpuMetrics = false } = options;
  const hasTheirsOnly = isCompatible(record);
  const levels = hasTheirsOnly
    ? reportedLevels(record.levels).sort((a, b) => a.throughputPerSec.value - b.throughputPerSec.value)
    : sortByLoad(record.levels);
  const own = hasTheirsOnly ? [] : ownColumns(levels);
  // Of all levels: that none was stable is no reason for other columns.
  const hasServer = record.levels.some((level) => level.server !== null);
  const judged = record.levels.find((level) => level.windowed?.percentile)?.windowed?.percentile?.percentile;
  const percentiles = [...new Set([50, 90, 95, 99, ...(judged === undefined ? [] : [judged])])].sort((a, b) => a - b);
  const hasAverage = isVerbose && judged === undefined;
  const hasGpus = isVerbose && hasGpuMetrics;
  const head = [
    record.levels.some(({ load }) => load.kind === 'open') ? 'Request Rate' : 'Concurrency',
    'Inferences/Second',
    'Client Send',
    ...(hasServer ? serverTitles : []),
    'Client Recv',
    ...percentiles.map((percentile) => `p${percentile} latency`),
    ...(hasAverage ? ['Avg latency'] : []),
    ...(isVerbose ? ['request/response', 'response wait'] : []),
    ...(hasGpus ? gpuTitles : []),
    ...own.map(({ title }) => title),
  ];
  const rows = levels.map((level) => {
    const figures = levelFigures(level);
    const micros = (read: (known: LevelFigures) => number | undefined): number | null => {
      const valueNs = figures && read(figures);
      return valueNs === undefined ? null : wholeMicros(valueNs);
    };
    return [
      formatStreamNumber(loadAmount(level.load)),
      formatStreamNumber(level.throughputPerSec.value),
      micros(({ sendNs }) => sendNs),
      ...(hasServer ? serverCells(level, figures) : []),
      micros(({ receiveNs }) => receiveNs),
      ...percentiles.map((wanted) =>
        micros((known) => known.percentiles.find(([percentile]) => percentile === wanted)?.[1]),
      ),
      ...(hasAverage ? [level.latencyNs === null ? null : wholeMicros(level.latencyNs.mean)] : []),
      ...(isVerbose
        ? [micros((known) => known.sendNs + known.receiveNs), micros((known) => known.responseWaitNs)]
        : []),
      ...(hasGpus ? gpuReaders.map((read) => gpuCell(level, read)) : []),
      ...own.map(({ read }) => read(level)),
    ];
  });
  return toCsv([head, ...rows]);
}

function serverCells({ server }: LevelRecord, figures: LevelFigures | undefined): (number | null)[] {
  if (server === null || figures === undefined) return serverTitles.map(() => null);
  const { queueNs, computeInputNs, computeInferNs, computeOutputNs } = server;
  return [figures.networkAndServerNs, queueNs, computeInputNs, computeInferNs, computeOutputNs].map(wholeMicros);
}

/** `uuid:value;` for each GPU that tells. */
function gpuCell({ monitors }: LevelRecord, read: (gpu: Gpu) => number | null): string {
  return (monitors?.gpus ?? [])
    .map((gpu) => ({ id: gpu.id, value: read(gpu) }))
    .map(({ id, value }) => (value === null ? '' : `${id}:${formatStreamNumber(value)};`))
    .join('');
}
