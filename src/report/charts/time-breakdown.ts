/** Where a request's time goes at each level, as shares of the mean latency, from the client's wait to the output. */
import { type ColumnFormat, formatCount, formatPercent } from '../../common/format.js';
import type { LevelRecord } from '../../record/run-record.js';
import { latencyFormat } from '../level-table.js';
import { aboutChannels, CHART_WIDTH, chartBase, cssColor, type Figure, type PositionChannel } from './chart.js';
import { drawableLevels } from './level-rows.js';

interface Part {
  readonly label: string;
  readonly color: string;
  readonly valueNs: number;
}

/** The parts of a level's mean latency in the order a request meets them; undefined without server statistics. */
export function latencyParts({ latencyNs, serviceNs, server }: LevelRecord): Part[] | undefined {
  if (latencyNs === null || serviceNs === null || server === null) return undefined;
  const { queueNs, computeInputNs, computeInferNs, computeOutputNs } = server;
  const insideNs = queueNs + computeInputNs + computeInferNs + computeOutputNs;
  // Client and server average over slightly different requests, so a difference may fall just below zero.
  return [
    { label: 'Wait to send', color: '--part-send', valueNs: Math.max(0, latencyNs.mean - serviceNs.mean) },
    { label: 'Network and front end', color: '--part-network', valueNs: Math.max(0, serviceNs.mean - insideNs) },
    { label: 'Queue', color: '--part-queue', valueNs: queueNs },
    { label: 'Compute input', color: '--part-input', valueNs: computeInputNs },
    { label: 'Compute infer', color: '--part-infer', valueNs: computeInferNs },
    { label: 'Compute output', color: '--part-output', valueNs: computeOutputNs },
  ];
}

/** Undefined when no level has server statistics. */
export function timeBreakdownFigure(all: readonly LevelRecord[]): Figure | undefined {
  const levels = drawableLevels(all).filter((level) => latencyParts(level) !== undefined);
  const parts = levels[0] && latencyParts(levels[0]);
  if (parts === undefined) return undefined;
  const times = latencyFormat(all);
  const rows = levels.flatMap((level) => toRows(level, times));
  const step = levels.length > 16 ? 18 : 28;
  const order = levels.map(({ load }) => formatCount(load.concurrency));
  const y: PositionChannel = {
    field: 'level',
    type: 'ordinal',
    sort: order,
    axis: { title: 'Concurrency', grid: false },
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

function toRows(level: LevelRecord, times: ColumnFormat) {
  const parts = latencyParts(level) ?? [];
  const sumNs = parts.reduce((sum, part) => sum + part.valueNs, 0);
  let start = 0;
  return parts.map(({ label, valueNs }, index) => {
    const share = sumNs === 0 ? 0 : valueNs / sumNs;
    const from = start;
    start += share;
    return {
      level: formatCount(level.load.concurrency),
      part: label,
      start: from,
      end: start,
      isLast: index === parts.length - 1,
      total: `${times.format(level.latencyNs?.mean)} ${times.unit}`,
      about: `Concurrency ${level.load.concurrency}\n${label}: ${times.format(valueNs)} ${times.unit}, ${formatPercent(share)}`,
    };
  });
}
