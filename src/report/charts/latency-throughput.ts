/** Latency percentiles against throughput: what each step of load buys, and what it costs. */
import { formatCount } from '../../common/format.js';
import type { LevelRecord } from '../../record/run-record.js';
import { latencyFormat } from '../level-table.js';
import {
  aboutChannels,
  CHART_WIDTH,
  chartBase,
  cssColor,
  type Figure,
  hoverTarget,
  logTicks,
  type PositionChannel,
} from './chart.js';
import { aboutLevel, drawableLevels } from './level-rows.js';
import { verdictLegend, verdictShape } from './verdict-marks.js';

const percentiles = ['p50', 'p90', 'p95', 'p99'] as const;

/** Latencies that span more than this factor are drawn on a logarithmic scale. */
const LINEAR_SPAN = 8;

/** Undefined with fewer than two levels: one point is no curve. */
export function latencyThroughputFigure(all: readonly LevelRecord[]): Figure | undefined {
  const levels = drawableLevels(all);
  if (levels.length < 2) return undefined;
  const times = latencyFormat(all);
  const rows = levels.flatMap((level) => percentiles.map((name) => toRow(level, name, times.scale, all)));
  const bounds = rows.flatMap((row) =>
    [row.latency, row.latencyLow, row.latencyHigh].filter((value) => value !== null),
  );
  const low = Math.min(...bounds.filter((value) => value > 0));
  const high = Math.max(...bounds);
  const isLog = high / low > LINEAR_SPAN;
  const scale: PositionChannel['scale'] = isLog
    ? { type: 'log', domain: [low * 0.85, high * 1.15], nice: false }
    : { type: 'linear', domain: [0, high * 1.05] };
  const y: PositionChannel = {
    field: 'latency',
    type: 'quantitative',
    scale,
    axis: {
      title: `Latency (${times.unit})`,
      format: ',~r',
      ...(isLog ? { values: logTicks(low * 0.85, high * 1.15) } : { tickCount: 5 }),
    },
  };
  const widest = Math.max(...rows.map((row) => row.throughputHigh ?? row.throughput));
  const x: PositionChannel = {
    field: 'throughput',
    type: 'quantitative',
    scale: { domain: [0, widest * 1.06], nice: false },
    axis: { title: 'Throughput (inferences/s)', format: ',~r', tickCount: 6 },
  };
  const color = {
    field: 'percentile',
    type: 'nominal',
    scale: { domain: [...percentiles], range: percentiles.map((name) => cssColor(`--${name}`)) },
    legend: null,
  } as const;
  const isBounded = (field: string): string => `isValid(datum.${field})`;
  return {
    title: 'Latency against throughput',
    note: `Each point is a level; the number beside it is its concurrency. Thin bars are 95 % intervals.${isLog ? ' The latency scale is logarithmic.' : ''}`,
    legend: [
      ...percentiles.map((name) => ({ label: name, color: `--${name}`, shape: 'line' as const })),
      ...verdictLegend(levels, '--p99'),
    ],
    layout: 'half',
    charts: [
      {
        id: 'latency-throughput',
        label: '',
        spec: {
          ...chartBase({ width: CHART_WIDTH, height: 290 }),
          padding: { left: 2, right: 8, top: 22, bottom: 2 },
          data: { values: rows },
          layer: [
            {
              transform: [{ filter: `datum.percentile === 'p99' && ${isBounded('throughputLow')}` }],
              mark: { type: 'rule', opacity: 0.55, aria: false },
              encoding: { x: { ...x, field: 'throughputLow' }, x2: { field: 'throughputHigh' }, y, color },
            },
            {
              transform: [{ filter: isBounded('latencyLow') }],
              mark: { type: 'rule', opacity: 0.55, aria: false },
              encoding: { x, y: { ...y, field: 'latencyLow' }, y2: { field: 'latencyHigh' }, color },
            },
            {
              mark: { type: 'line', strokeWidth: 1.75, aria: false },
              encoding: { x, y, color, order: { field: 'concurrency', type: 'quantitative' } },
            },
            {
              mark: { type: 'point', filled: true, size: 42, opacity: 1, aria: false },
              encoding: { x, y, color, shape: verdictShape },
            },
            {
              transform: [{ filter: "datum.percentile === 'p99'" }],
              mark: {
                type: 'text',
                dx: -7,
                dy: -7,
                align: 'right',
                fontSize: 11,
                color: cssColor('--ink'),
                aria: false,
              },
              encoding: { x, y, text: { field: 'label', type: 'nominal' } },
            },
            { mark: hoverTarget, encoding: { x, y, ...aboutChannels } },
          ],
        },
      },
    ],
  };
}

function toRow(level: LevelRecord, name: (typeof percentiles)[number], scale: number, all: readonly LevelRecord[]) {
  const interval = level.latencyIntervalNs?.[name] ?? null;
  const { value, low, high } = level.throughputPerSec;
  return {
    percentile: name,
    concurrency: level.load.concurrency,
    label: formatCount(level.load.concurrency),
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
