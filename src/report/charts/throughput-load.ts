/** Throughput against concurrency with its interval: where more load stops helping. */
import { formatRate } from '../../common/format.js';
import type { LevelRecord } from '../../record/run-record.js';
import { findPeak } from '../run-headline.js';
import {
  aboutChannels,
  CHART_WIDTH,
  chartBase,
  cssColor,
  type Figure,
  hoverTarget,
  type PositionChannel,
} from './chart.js';
import { aboutLevel, drawableLevels } from './level-rows.js';
import { verdictLegend, verdictShape } from './verdict-marks.js';

/** Undefined with fewer than two levels. */
export function throughputConcurrencyFigure(all: readonly LevelRecord[]): Figure | undefined {
  const levels = drawableLevels(all);
  if (levels.length < 2) return undefined;
  const peak = findPeak(all);
  const rows = levels.map((level) => ({
    concurrency: level.load.concurrency,
    throughput: level.throughputPerSec.value,
    // Without an interval the band has no width there.
    low: level.throughputPerSec.low ?? level.throughputPerSec.value,
    high: level.throughputPerSec.high ?? level.throughputPerSec.value,
    label: level === peak ? formatRate(level.throughputPerSec.value) : '',
    verdict: level.verdict,
    about: aboutLevel(level, all),
  }));
  const first = levels[0]!.load.concurrency;
  const last = levels.at(-1)!.load.concurrency;
  const isDoubling = last / first >= 8;
  const x: PositionChannel = {
    field: 'concurrency',
    type: 'quantitative',
    scale: isDoubling
      ? { type: 'log', base: 2, domain: [first, last], nice: false }
      : { type: 'linear', domain: [first, last], nice: false },
    axis: {
      title: isDoubling ? 'Concurrency (each step doubles)' : 'Concurrency',
      format: ',~r',
      ...(isDoubling ? { values: doublings(first, last) } : { tickMinStep: 1 }),
    },
  };
  const highest = Math.max(...rows.map((row) => row.high));
  const y: PositionChannel = {
    field: 'throughput',
    type: 'quantitative',
    scale: { domain: [0, highest * 1.1], nice: false },
    axis: { title: 'Throughput (inferences/s)', format: ',~r', tickCount: 5 },
  };
  const color = cssColor('--accent');
  return {
    title: 'Throughput against concurrency',
    note: 'The band is the 95 % interval. Where the curve is flat, more load only adds waiting.',
    legend: verdictLegend(levels, '--accent'),
    layout: 'half',
    charts: [
      {
        id: 'throughput-concurrency',
        label: '',
        spec: {
          ...chartBase({ width: CHART_WIDTH, height: 290 }),
          padding: { left: 2, right: 16, top: 22, bottom: 2 },
          data: { values: rows },
          layer: [
            {
              mark: { type: 'area', color, opacity: 0.18, aria: false },
              encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' } },
            },
            { mark: { type: 'line', color, strokeWidth: 1.75, aria: false }, encoding: { x, y } },
            {
              mark: { type: 'point', filled: true, color, size: 52, opacity: 1, aria: false },
              encoding: { x, y, shape: verdictShape },
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

function doublings(first: number, last: number): number[] {
  const ticks: number[] = [];
  for (let value = first; value <= last; value *= 2) ticks.push(value);
  return ticks;
}
