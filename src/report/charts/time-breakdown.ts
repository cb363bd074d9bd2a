/** Where a request's time goes at each level, as shares of the mean latency, from the client's wait to the output. */
import { type ColumnFormat, formatPercent } from '../../common/format.js';
import { describeLoad } from '../../record/load-name.js';
import type { LevelRecord } from '../../record/run-record.js';
import { type LatencyPart, latencyParts } from '../latency-parts.js';
import { latencyFormat } from '../level-table.js';
import { type LoadAxis, loadAxis, loadLabel } from '../load-axis.js';
import { aboutChannels, CHART_WIDTH, chartBase, cssColor, type Figure, type PositionChannel } from './chart.js';
import { capitalize, drawableLevels } from './level-rows.js';

/** Undefined when no level has server statistics. */
export function timeBreakdownFigure(all: readonly LevelRecord[]): Figure | undefined {
  const levels = drawableLevels(all).filter((level) => latencyParts(level) !== undefined);
  const parts = legendParts(levels);
  if (parts.length === 0) return undefined;
  const times = latencyFormat(all);
  const axis = loadAxis(all);
  const rows = levels.flatMap((level) => toRows(level, times, axis));
  const step = levels.length > 16 ? 18 : 28;
  const order = levels.map(({ load }) => loadLabel(axis, load));
  const y: PositionChannel = {
    field: 'level',
    type: 'ordinal',
    sort: order,
    axis: { title: axis.title, grid: false },
    scale: { paddingInner: 0.3, paddingOuter: 0.15 },
  };
  return {
    title: 'Where the time goes',
    note: 'Shares of the mean latency, which stands at the end of each bar. Server parts are from the server’s own statistics.',
    legend: parts.map(({ label, color }) => ({ label, color, shape: 'area' })),
    layout: 'wide',
    charts: [
      {
        id: 'time-breakdown',
        label: '',
        spec: {
          ...chartBase({ width: 2 * CHART_WIDTH, height: levels.length * step }),
          padding: { left: 2, right: 66, top: 22, bottom: 2 },
          data: { values: rows },
          layer: [
            {
              mark: { type: 'bar', stroke: cssColor('--surface'), strokeWidth: 1.5 },
              encoding: {
                y,
                x: {
                  field: 'start',
                  type: 'quantitative',
                  scale: { domain: [0, 1] },
                  axis: { title: null, format: '.0%', tickCount: 5 },
                },
                x2: { field: 'end' },
                color: {
                  field: 'part',
                  type: 'nominal',
                  scale: { domain: parts.map(({ label }) => label), range: parts.map((part) => cssColor(part.color)) },
                  legend: null,
                },
                ...aboutChannels,
              },
            },
            {
              transform: [{ filter: 'datum.isLast' }],
              mark: { type: 'text', align: 'left', dx: 6, fontSize: 11, color: cssColor('--ink'), aria: false },
              encoding: { y, x: { datum: 1, type: 'quantitative' }, text: { field: 'total', type: 'nominal' } },
            },
          ],
        },
      },
    ],
  };
}

/** Parts that take any time at all; an empty one would only be a name in the legend. */
function legendParts(levels: readonly LevelRecord[]): LatencyPart[] {
  const all = levels.map((level) => latencyParts(level) ?? []);
  return (all[0] ?? []).filter((_, index) => all.some((parts) => (parts[index]?.valueNs ?? 0) > 0));
}

function toRows(level: LevelRecord, times: ColumnFormat, axis: LoadAxis) {
  const parts = latencyParts(level) ?? [];
  const sumNs = parts.reduce((sum, part) => sum + part.valueNs, 0);
  let start = 0;
  return parts.map(({ label, valueNs }, index) => {
    const share = sumNs === 0 ? 0 : valueNs / sumNs;
    const from = start;
    start += share;
    return {
      level: loadLabel(axis, level.load),
      part: label,
      start: from,
      end: start,
      isLast: index === parts.length - 1,
      total: `${times.format(level.latencyNs?.mean)} ${times.unit}`,
      about: `${capitalize(describeLoad(level.load))}\n${label}: ${times.format(valueNs)} ${times.unit}, ${formatPercent(share)}`,
    };
  });
}
