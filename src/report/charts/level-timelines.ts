/** Throughput over time within each level, as small multiples on one scale: a level that drifts or stalls shows here. */
import { durationColumn, formatCount, formatRate } from '../../common/format.js';
import { NANOS_PER_SEC } from '../../common/units.js';
import type { LevelRecord } from '../../record/run-record.js';
import {
  aboutChannels,
  type Chart,
  chartBase,
  cssColor,
  type Figure,
  MULTIPLE_WIDTH,
  type PositionChannel,
} from './chart.js';

/** More small charts than this are no longer looked at. */
const MOST_CHARTS = 24;

/** Undefined when no level has a timeline of at least two slices. */
export function levelTimelinesFigure(all: readonly LevelRecord[]): Figure | undefined {
  const levels = all
    .map((level, index) => ({ level, index }))
    .filter(({ level }) => level.timeline.length >= 2)
    .sort((a, b) => a.level.load.concurrency - b.level.load.concurrency);
  if (levels.length === 0) return undefined;
  const every = Math.ceil(levels.length / MOST_CHARTS);
  const shown = levels.filter((_, position) => position % every === 0);
  const highest = Math.max(...levels.flatMap(({ level }) => level.timeline.map((slice) => slice.throughputPerSec)));
  const left = every === 1 ? '' : ` Every ${every}th level is shown.`;
  return {
    title: 'Throughput over time in each level',
    note: `Inferences/s after warm-up, all on one scale; the dashed line is the level’s result.${left}`,
    legend: [],
    layout: 'multiples',
    charts: shown.map(({ level, index }) => timelineChart(level, index, highest)),
  };
}

function timelineChart(level: LevelRecord, index: number, highest: number): Chart {
  const verdict = level.verdict === 'VALID' ? '' : `, ${level.verdict}`;
  const color = cssColor(level.verdict === 'VALID' ? '--accent' : '--warning');
  const latencies = durationColumn(level.timeline.map((slice) => slice.latencyMeanNs));
  const origin = level.timeline[0]!.startNs;
  const rows = level.timeline.map(({ startNs, throughputPerSec, latencyMeanNs }) => {
    const sec = (startNs - origin) / NANOS_PER_SEC;
    const mean = latencyMeanNs === null ? '' : `\nmean latency ${latencies.format(latencyMeanNs)} ${latencies.unit}`;
    return {
      sec,
      throughput: throughputPerSec,
      about: `${sec.toFixed(2)} s: ${formatRate(throughputPerSec)} inferences/s${mean}`,
    };
  });
  const x: PositionChannel = {
    field: 'sec',
    type: 'quantitative',
    scale: { nice: false },
    axis: { title: null, tickCount: 4, labelExpr: "format(datum.value, '~g') + ' s'" },
  };
  const y: PositionChannel = {
    field: 'throughput',
    type: 'quantitative',
    scale: { domain: [0, highest * 1.08], nice: false },
    axis: { title: null, tickCount: 3, format: ',~r' },
  };
  return {
    id: `timeline-${index}`,
    label: `Concurrency ${formatCount(level.load.concurrency)}${verdict}`,
    spec: {
      ...chartBase({ width: MULTIPLE_WIDTH, height: 84 }),
      data: { values: rows },
      layer: [
        {
          data: { values: [{ result: level.throughputPerSec.value }] },
          mark: { type: 'rule', strokeDash: [3, 3], color: cssColor('--muted'), opacity: 0.8, aria: false },
          encoding: { y: { ...y, field: 'result' } },
        },
        { mark: { type: 'line', color, strokeWidth: 1.5, aria: false }, encoding: { x, y } },
        {
          mark: { type: 'point', filled: true, size: 150, color: 'transparent', opacity: 1 },
          encoding: { x, y, ...aboutChannels },
        },
      ],
    },
  };
}
