/** The search over time: each trial's score when it ended, and the best so far. */
import { formatDuration } from '../../common/format.js';
import { NANOS_PER_SEC } from '../../common/units.js';
import type { StudyRecord } from '../../record/study-record.js';
import { metricFormat } from '../metric-format.js';
import {
  aboutChannels,
  CHART_WIDTH,
  chartBase,
  cssColor,
  type Figure,
  hoverTarget,
  type PositionChannel,
} from './chart.js';
import { kindColor, variantColors, variantKind } from './study-ranking.js';

/** Undefined with fewer than two scored trials. Trials ran one after the other, so their durations give the time. */
export function studyProgressFigure(record: StudyRecord): Figure | undefined {
  const { trials, objective } = record;
  const scored = trials.filter((trial) => trial.score !== null);
  if (scored.length < 2) return undefined;
  const metric = metricFormat(objective.metric);
  const format = metric.column(scored.map((trial) => trial.score));
  const better = objective.direction === 'maximize' ? Math.max : Math.min;
  const { portable, engine } = record.recommended;
  let endNs = 0;
  let best: number | undefined;
  const rows = trials.map((trial) => {
    endNs += trial.durationNs;
    if (trial.score !== null) best = best === undefined ? trial.score : better(best, trial.score);
    const isRecommended = portable?.id === trial.variantId || engine?.id === trial.variantId;
    const outcome =
      trial.score === null ? `${trial.state}: ${trial.reason ?? 'no reason given'}` : metric.format(trial.score);
    return {
      sec: endNs / NANOS_PER_SEC,
      score: trial.score === null ? null : trial.score / format.scale,
      best: best === undefined ? null : best / format.scale,
      kind: variantKind({ isRecommended, isDefault: trial.variantId === 'default' }),
      about: `${trial.id}${trial.id === trial.variantId ? '' : ` (${trial.variantId})`}, ${trial.phase}\n${outcome}\nended at ${formatDuration(endNs)}`,
    };
  });
  const scores = rows.flatMap((row) => row.score ?? []);
  const lowest = Math.min(...scores);
  const span = Math.max(...scores) - lowest || Math.abs(lowest) || 1;
  const floor = lowest - span * 0.12;
  const x: PositionChannel = {
    field: 'sec',
    type: 'quantitative',
    scale: { zero: true, nice: false },
    axis: { title: 'Time since the start of the sweep', tickCount: 6, labelExpr: "format(datum.value, ',~r') + ' s'" },
  };
  const y: PositionChannel = {
    field: 'score',
    type: 'quantitative',
    scale: { domain: [floor, lowest + span * 1.08], nice: false },
    axis: { title: `${metric.title} (${format.unit})`, format: ',~r', tickCount: 5 },
  };
  const failed = rows.filter((row) => row.score === null).map((row) => ({ ...row, score: floor }));
  return {
    title: 'Best so far',
    note: `The line is the best score so far${failed.length > 0 ? '; crosses at the bottom are trials without a score' : ''}.`,
    legend: [
      ...(portable || engine
        ? [{ label: 'recommended', color: variantColors.recommended, shape: 'circle' as const }]
        : []),
      { label: 'default', color: variantColors.default, shape: 'circle' },
      { label: 'other', color: variantColors.other, shape: 'circle' },
      ...(failed.length > 0 ? [{ label: 'no score', color: '--critical', shape: 'cross' as const }] : []),
    ],
    layout: 'wide',
    charts: [
      {
        id: 'study-progress',
        label: '',
        spec: {
          ...chartBase({ width: 2 * CHART_WIDTH, height: 230 }),
          padding: { left: 2, right: 16, top: 22, bottom: 2 },
          data: { values: rows },
          layer: [
            {
              transform: [{ filter: 'isValid(datum.best)' }],
              mark: { type: 'line', interpolate: 'step-after', color: cssColor('--line'), strokeWidth: 2, aria: false },
              encoding: { x, y: { ...y, field: 'best' } },
            },
            {
              transform: [{ filter: 'isValid(datum.score)' }],
              mark: { type: 'point', filled: true, size: 60, opacity: 1, aria: false },
              encoding: { x, y, color: kindColor },
            },
            {
              transform: [{ filter: 'isValid(datum.score)' }],
              mark: hoverTarget,
              encoding: { x, y, ...aboutChannels },
            },
            ...(failed.length > 0 ? [failedLayer(failed, { x, y })] : []),
          ],
        },
      },
    ],
  };
}

/** Crosses for trials without a score; the layer must not be there without any, as its axis would have no extent. */
const failedLayer = (
  failed: readonly object[],
  channels: { readonly x: PositionChannel; readonly y: PositionChannel },
) => ({
  data: { values: [...failed] },
  mark: {
    type: 'point' as const,
    shape: 'cross' as const,
    filled: true,
    size: 70,
    color: cssColor('--critical'),
    opacity: 1,
    angle: 45,
  },
  encoding: { ...channels, ...aboutChannels },
});
