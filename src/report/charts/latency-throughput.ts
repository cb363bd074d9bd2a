/**
 * Latency percentiles against what the load buys: throughput in a closed loop, the offered rate in an open one. A run
 * of several curves shows the p99 of each.
 */
import { largestOf, smallestOf } from '../../common/append-all.js';
import type { LevelRecord } from '../../record/run-record.js';
import { latencyFormat } from '../level-table.js';
import { type LoadAxis, loadAxis } from '../load-axis.js';
import {
  aboutChannels,
  CHART_WIDTH,
  type Chart,
  type ChartLayer,
  chartBase,
  cssColor,
  type Figure,
  hoverTarget,
  logTicks,
  type PositionChannel,
} from './chart.js';
import { curveChannel, curveLegend } from './curves.js';
import { aboutLevel, drawableLevels } from './level-rows.js';
import { loadChannel } from './load-channel.js';
import { verdictLegend, verdictShape } from './verdict-marks.js';

const percentiles = ['p50', 'p90', 'p95', 'p99'] as const;

/** Latencies that span more than this factor are drawn on a logarithmic scale. */
const LINEAR_SPAN = 8;

/** Undefined with fewer than two levels: one point is no curve. */
export function latencyThroughputFigure(all: readonly LevelRecord[]): Figure | undefined {
  const levels = drawableLevels(all);
  if (levels.length < 2) return undefined;
  const axis = loadAxis(all);
  const times = latencyFormat(all);
  const hasCurves = axis.curves.length > 1;
  const shown = hasCurves ? (['p99'] as const) : percentiles;
  const rows = levels.flatMap((level) => shown.map((name) => toRow(level, name, times.scale, axis, all)));
  const { y, isLog } = latencyChannel(rows, times.unit);
  // Shapes do different work, so their throughput orders nothing; an open loop's is what was asked for.
  const isOverLoad = axis.kind === 'rate' || axis.kind === 'shapes';
  const x = isOverLoad ? loadChannel(axis, levels) : throughputChannel(rows);
  const color = hasCurves ? curveChannel(axis) : percentileColor;
  const scaleNote = isLog ? ' The latency scale is logarithmic.' : '';
  return {
    title: `${hasCurves ? 'p99 latency' : 'Latency'} against ${isOverLoad ? axis.noun : 'throughput'}`,
    note: isOverLoad
      ? `${axis.kind === 'rate' ? 'Latency counts from when a request was due. ' : ''}Thin bars are 95 % intervals.${scaleNote}`
      : `Each point is a level; the number beside it is its ${axis.noun}. Thin bars are 95 % intervals.${scaleNote}`,
    legend: [
      ...(hasCurves
        ? curveLegend(axis)
        : percentiles.map((name) => ({ label: name, color: `--${name}`, shape: 'line' as const }))),
      ...verdictLegend(levels, '--p99'),
    ],
    layout: 'half',
    charts: [{ id: 'latency-throughput', label: '', spec: drawCurves(rows, { x, y, color, isOverLoad }) }],
  };
}

type Row = ReturnType<typeof toRow>;

const percentileColor = {
  field: 'percentile',
  type: 'nominal',
  scale: { domain: [...percentiles], range: percentiles.map((name) => cssColor(`--${name}`)) },
  legend: null,
} as const;

function latencyChannel(rows: readonly Row[], unit: string): { readonly y: PositionChannel; readonly isLog: boolean } {
  const bounds = rows.flatMap((row) =>
    [row.latency, row.latencyLow, row.latencyHigh].filter((value) => value !== null),
  );
  const low = smallestOf(bounds.filter((value) => value > 0));
  const high = largestOf(bounds);
  const isLog = high / low > LINEAR_SPAN;
  const scale: PositionChannel['scale'] = isLog
    ? { type: 'log', domain: [low * 0.85, high * 1.15], nice: false }
    : { type: 'linear', domain: [0, high * 1.05] };
  const ticks = isLog ? { values: logTicks(low * 0.85, high * 1.15) } : { tickCount: 5 };
  const axis = { title: `Latency (${unit})`, format: ',~r', ...ticks };
  return { y: { field: 'latency', type: 'quantitative', scale, axis }, isLog };
}

function throughputChannel(rows: readonly Row[]): PositionChannel {
  const widest = largestOf(rows.map((row) => row.throughputHigh ?? row.throughput));
  return {
    field: 'throughput',
    type: 'quantitative',
    scale: { domain: [0, widest * 1.06], nice: false },
    axis: { title: 'Throughput (inferences/s)', format: ',~r', tickCount: 6 },
  };
}

interface Channels {
  readonly x: PositionChannel;
  readonly y: PositionChannel;
  readonly color: typeof percentileColor | ReturnType<typeof curveChannel>;
  readonly isOverLoad: boolean;
}

function drawCurves(rows: readonly Row[], { x, y, color, isOverLoad }: Channels): Chart['spec'] {
  const isBounded = (field: string): string => `isValid(datum.${field})`;
  const widths: ChartLayer = {
    transform: [{ filter: `datum.percentile === 'p99' && ${isBounded('throughputLow')}` }],
    mark: { type: 'rule', opacity: 0.55, aria: false },
    encoding: { x: { ...x, field: 'throughputLow' }, x2: { field: 'throughputHigh' }, y, color },
  };
  const labels: ChartLayer = {
    transform: [{ filter: "datum.percentile === 'p99'" }],
    mark: { type: 'text', dx: -7, dy: -7, align: 'right', fontSize: 11, color: cssColor('--ink'), aria: false },
    encoding: { x, y, text: { field: 'label', type: 'nominal' } },
  };
  return {
    ...chartBase({ width: CHART_WIDTH, height: 290 }),
    padding: { left: 2, right: 16, top: 22, bottom: 2 },
    data: { values: [...rows] },
    layer: [
      ...(isOverLoad ? [] : [widths]),
      {
        transform: [{ filter: isBounded('latencyLow') }],
        mark: { type: 'rule', opacity: 0.55, aria: false },
        encoding: { x, y: { ...y, field: 'latencyLow' }, y2: { field: 'latencyHigh' }, color },
      },
      {
        mark: { type: 'line', strokeWidth: 1.75, aria: false },
        encoding: { x, y, color, order: { field: 'place', type: 'quantitative' } },
      },
      {
        mark: { type: 'point', filled: true, size: 42, opacity: 1, aria: false },
        encoding: { x, y, color, shape: verdictShape },
      },
      // The axis already says it.
      ...(isOverLoad ? [] : [labels]),
      { mark: hoverTarget, encoding: { x, y, ...aboutChannels } },
    ],
  };
}

function toRow(
  level: LevelRecord,
  name: (typeof percentiles)[number],
  scale: number,
  axis: LoadAxis,
  all: readonly LevelRecord[],
) {
  const interval = level.latencyIntervalNs?.[name] ?? null;
  const { value, low, high } = level.throughputPerSec;
  return {
    percentile: name,
    curve: axis.curve(level.load),
    place: axis.value(level.load),
    load: axis.kind === 'shapes' ? axis.label(level.load) : axis.value(level.load),
    label: axis.label(level.load),
    throughput: value,
    throughputLow: low,
    throughputHigh: high,
    latency: (level.latencyNs?.[name] ?? 0) / scale,
    latencyLow: interval === null ? null : interval[0] / scale,
    latencyHigh: interval === null ? null : interval[1] / scale,
    verdict: level.verdict,
    about: aboutLevel(level, all),
  };
}
