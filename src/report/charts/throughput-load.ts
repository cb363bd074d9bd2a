/** Throughput against what varies over the levels, with its interval: where more load stops helping. */
import { largestOf } from '../../common/append-all.js';
import { formatRate } from '../../common/format.js';
import { findPeak } from '../../record/best-level.js';
import type { LevelRecord } from '../../record/run-record.js';
import { type LoadAxis, loadAxis } from '../load-axis.js';
import {
  aboutChannels,
  CHART_WIDTH,
  type ChartLayer,
  chartBase,
  cssColor,
  type Figure,
  hoverTarget,
  type PositionChannel,
} from './chart.js';
import { curveChannel, curveLegend } from './curves.js';
import { aboutLevel, drawableLevels } from './level-rows.js';
import { loadChannel } from './load-channel.js';
import { verdictLegend, verdictShape } from './verdict-marks.js';

/** Undefined with fewer than two levels. */
export function throughputLoadFigure(all: readonly LevelRecord[]): Figure | undefined {
  const levels = drawableLevels(all);
  if (levels.length < 2) return undefined;
  const axis = loadAxis(all);
  const rows = levels.map((level) => toRow(level, axis, all));
  const isOpen = axis.kind === 'rate';
  const x = loadChannel(axis, levels);
  const highest = largestOf([...rows.map((row) => row.high), ...(isOpen ? rows.map((row) => row.offered) : [])]);
  const y: PositionChannel = {
    field: 'throughput',
    type: 'quantitative',
    scale: { domain: [0, highest * 1.1], nice: false },
    axis: { title: 'Throughput (inferences/s)', format: ',~r', tickCount: 5 },
  };
  const color = curveChannel(axis);
  const offered: ChartLayer = {
    mark: { type: 'line', color: cssColor('--muted'), strokeDash: [4, 3], strokeWidth: 1.25, aria: false },
    encoding: { x, y: { ...y, field: 'offered' }, detail: { field: 'curve', type: 'nominal' } },
  };
  return {
    title: isOpen ? 'Served against offered' : `Throughput against ${axis.noun}`,
    note: isOpen
      ? 'The dashed line is what was offered; below it the server falls behind. The band is the 95 % interval.'
      : `The band is the 95 % interval.${axis.kind === 'concurrency' ? ' Where the curve is flat, more load only adds waiting.' : ''}`,
    legend: [
      ...curveLegend(axis),
      ...(isOpen ? [{ label: 'offered', color: '--muted', shape: 'line' as const }] : []),
      ...verdictLegend(levels, '--accent'),
    ],
    layout: 'half',
    charts: [
      {
        id: 'throughput-load',
        label: '',
        spec: {
          ...chartBase({ width: CHART_WIDTH, height: 290 }),
          padding: { left: 2, right: 16, top: 22, bottom: 2 },
          data: { values: rows },
          layer: [
            ...(isOpen ? [offered] : []),
            {
              mark: { type: 'area', opacity: 0.18, aria: false },
              encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, color },
            },
            { mark: { type: 'line', strokeWidth: 1.75, aria: false }, encoding: { x, y, color } },
            {
              mark: { type: 'point', filled: true, size: 52, opacity: 1, aria: false },
              encoding: { x, y, color, shape: verdictShape },
            },
            {
              mark: { type: 'text', dy: -12, fontSize: 12, fontWeight: 600, color: cssColor('--ink'), aria: false },
              encoding: { x, y, text: { field: 'label', type: 'nominal' } },
            },
            { mark: hoverTarget, encoding: { x, y, ...aboutChannels } },
          ],
        },
      },
    ],
  };
}

function toRow(level: LevelRecord, axis: LoadAxis, all: readonly LevelRecord[]) {
  const { value, low, high } = level.throughputPerSec;
  const { load } = level;
  return {
    load: axis.kind === 'shapes' ? axis.label(load) : axis.value(load),
    curve: axis.curve(load),
    throughput: value,
    // Without an interval the band has no width there.
    low: low ?? value,
    high: high ?? value,
    offered: load.kind === 'open' ? load.requestRatePerSec * load.batchSize : 0,
    label: level === findPeak(all) ? formatRate(value) : '',
    verdict: level.verdict,
    about: aboutLevel(level, all),
  };
}
