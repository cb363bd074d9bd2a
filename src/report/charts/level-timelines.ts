/**
 * Throughput over time within each level, as small multiples on one scale: a level that drifts or stalls shows here. A
 * run of one level, such as a soak, has throughput and mean latency over its whole width instead.
 */
import { largestOf } from '../../common/append-all.js';
import { type ColumnFormat, durationColumn, formatRate } from '../../common/format.js';
import { NANOS_PER_SEC } from '../../common/units.js';
import { compareLoads, describeLoad } from '../../record/load-name.js';
import type { LevelRecord } from '../../record/run-record.js';
import {
  aboutChannels,
  CHART_WIDTH,
  type Chart,
  type ChartLayer,
  chartBase,
  cssColor,
  type Figure,
  MULTIPLE_WIDTH,
  type PositionChannel,
} from './chart.js';
import { capitalize } from './level-rows.js';

/** More small charts than this are no longer looked at. */
const MOST_CHARTS = 24;

/** Undefined when no level has a timeline of at least two slices. */
export function levelTimelinesFigure(all: readonly LevelRecord[]): Figure | undefined {
  const levels = all
    .map((level, index) => ({ level, index }))
    .filter(({ level }) => level.timeline.length >= 2)
    .sort((a, b) => compareLoads(a.level.load, b.level.load));
  if (levels.length === 0) return undefined;
  const every = Math.ceil(levels.length / MOST_CHARTS);
  const shown = levels.filter((_, position) => position % every === 0);
  const highest = largestOf(levels.flatMap(({ level }) => level.timeline.map((slice) => slice.throughputPerSec)));
  if (levels.length === 1) return soakFigure(levels[0]!.level);
  const left = every === 1 ? '' : ` Every ${every}th level is shown.`;
  return {
    title: 'Throughput over time in each level',
    note: `Inferences/s after warm-up, all on one scale; the dashed line is the level’s result.${left}`,
    legend: [],
    layout: 'multiples',
    charts: shown.map(({ level, index }) => timelineChart(level, index, highest)),
  };
}

/** One level over the whole width. */
function soakFigure(level: LevelRecord): Figure {
  const times = durationColumn(level.timeline.map(({ latencyMeanNs }) => latencyMeanNs));
  const highest = largestOf(level.timeline.map(({ throughputPerSec }) => throughputPerSec));
  const slowest = largestOf(level.timeline.map(({ latencyMeanNs }) => latencyMeanNs ?? 0)) / times.scale;
  const isWide = { width: 2 * CHART_WIDTH, height: 120 };
  const throughput = timelineChart(level, 0, highest, isWide);
  return {
    title: 'Over time',
    note: 'After warm-up; the dashed line is the result of the whole level.',
    legend: [],
    layout: 'wide',
    charts: [
      { ...throughput, label: 'Inferences/s' },
      ...(slowest > 0 ? [latencyChart(level, times, slowest, isWide)] : []),
    ],
  };
}

function latencyChart(level: LevelRecord, times: ColumnFormat, slowest: number, size: typeof SMALL): Chart {
  const origin = level.timeline[0]!.startNs;
  const rows = level.timeline.flatMap(({ startNs, latencyMeanNs }) => {
    const sec = (startNs - origin) / NANOS_PER_SEC;
    if (latencyMeanNs === null) return [];
    return {
      sec,
      latency: latencyMeanNs / times.scale,
      about: `${sec.toFixed(2)} s: ${times.format(latencyMeanNs)} ${times.unit}`,
    };
  });
  const y: PositionChannel = {
    field: 'latency',
    type: 'quantitative',
    scale: { domain: [0, slowest * 1.08], nice: false },
    axis: { title: null, tickCount: 3, format: ',~r' },
  };
  const mean = (level.latencyNs?.mean ?? 0) / times.scale;
  return {
    id: 'timeline-latency',
    label: `Mean latency (${times.unit})`,
    spec: { ...chartBase(size), data: { values: rows }, layer: timelineLayers(y, mean, cssColor('--accent')) },
  };
}

const SMALL = { width: MULTIPLE_WIDTH, height: 84 };

const timeAxis: PositionChannel = {
  field: 'sec',
  type: 'quantitative',
  scale: { nice: false },
  axis: { title: null, tickCount: 4, labelExpr: "format(datum.value, '~g') + ' s'" },
};

/** The result as a dashed line, the course, and what to point at. */
function timelineLayers(y: PositionChannel, result: number, color: string): ChartLayer[] {
  const x = timeAxis;
  return [
    {
      data: { values: [{ result }] },
      mark: { type: 'rule', strokeDash: [3, 3], color: cssColor('--muted'), opacity: 0.8, aria: false },
      encoding: { y: { ...y, field: 'result' } },
    },
    { mark: { type: 'line', color, strokeWidth: 1.5, aria: false }, encoding: { x, y } },
    {
      mark: { type: 'point', filled: true, size: 150, color: 'transparent', opacity: 1 },
      encoding: { x, y, ...aboutChannels },
    },
  ];
}

function timelineChart(level: LevelRecord, index: number, highest: number, size = SMALL): Chart {
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
  const y: PositionChannel = {
    field: 'throughput',
    type: 'quantitative',
    scale: { domain: [0, highest * 1.08], nice: false },
    axis: { title: null, tickCount: 3, format: ',~r' },
  };
  return {
    id: `timeline-${index}`,
    label: `${capitalize(describeLoad(level.load))}${verdict}`,
    spec: {
      ...chartBase(size),
      data: { values: rows },
      layer: timelineLayers(y, level.throughputPerSec.value, color),
    },
  };
}
