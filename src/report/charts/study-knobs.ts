/** Scores against each knob, as small multiples on one scale: which knobs mattered, and in which direction. */
import { largestOf, smallestOf } from '../../common/append-all.js';
import type { StudyRecord, TrialRecord } from '../../record/study-record.js';
import { metricFormat } from '../metric-format.js';
import {
  aboutChannels,
  type Chart,
  chartBase,
  type Figure,
  hoverTarget,
  MULTIPLE_WIDTH,
  type PositionChannel,
} from './chart.js';
import { kindColor, variantColors, variantKind } from './study-ranking.js';

type KnobValue = TrialRecord['parameters'][string];

/** A page of more points than this says nothing and loads slowly. */
const MOST_TRIALS = 120;

/** Undefined when no knob was tried at two values, or with too many trials. */
export function studyKnobsFigure(record: StudyRecord): Figure | undefined {
  const scored = record.trials.filter((trial) => trial.score !== null);
  if (scored.length > MOST_TRIALS) return undefined;
  const knobs = [...new Set(scored.flatMap((trial) => Object.keys(trial.parameters)))];
  const tried = knobs
    .map((knob) => ({ knob, values: sortValues(new Set(scored.flatMap((trial) => trial.parameters[knob] ?? []))) }))
    .filter(({ values }) => values.length > 1);
  if (tried.length === 0) return undefined;
  const metric = metricFormat(record.objective.metric);
  const format = metric.column(scored.map((trial) => trial.score));
  const hasWinner = record.recommended.portable !== null || record.recommended.engine !== null;
  return {
    title: 'Score against each knob',
    note: `Each point is a trial: ${metric.title}${format.unit === '' ? '' : ` (${format.unit})`}. Other knobs differ between the points, so read trends, not single points.`,
    legend: [
      ...(hasWinner ? [{ label: 'recommended', color: variantColors.recommended, shape: 'circle' as const }] : []),
      { label: 'default', color: variantColors.default, shape: 'circle' },
      { label: 'other', color: variantColors.other, shape: 'circle' },
    ],
    layout: 'multiples',
    charts: tried.map(({ knob, values }, index) => knobChart(record, scored, knob, values, index, format.scale)),
  };
}

function knobChart(
  record: StudyRecord,
  scored: readonly TrialRecord[],
  knob: string,
  values: readonly string[],
  index: number,
  scale: number,
): Chart {
  const metric = metricFormat(record.objective.metric);
  const { portable, engine } = record.recommended;
  const rows = scored
    .filter((trial) => trial.parameters[knob] !== undefined)
    .map((trial) => ({
      value: String(trial.parameters[knob]),
      score: trial.score! / scale,
      kind: variantKind({
        isRecommended: portable?.id === trial.variantId || engine?.id === trial.variantId,
        isDefault: trial.variantId === 'default',
      }),
      about: `${trial.id}${trial.id === trial.variantId ? '' : ` (${trial.variantId})`}\n${knob} ${trial.parameters[knob]}\n${metric.format(trial.score)}`,
    }));
  const all = scored.map((trial) => trial.score! / scale);
  const [low, high] = [smallestOf(all), largestOf(all)];
  const margin = (high - low || Math.abs(high) || 1) * 0.1;
  const x: PositionChannel = {
    field: 'value',
    type: 'ordinal',
    sort: [...values],
    scale: { padding: 0.5 },
    axis: { title: null, labelAngle: 0, labelLimit: 70 },
  };
  const y: PositionChannel = {
    field: 'score',
    type: 'quantitative',
    scale: { domain: [low - margin, high + margin], nice: false },
    axis: { title: null, tickCount: 4, format: ',~r' },
  };
  return {
    id: `knob-${index}`,
    label: knob,
    spec: {
      ...chartBase({ width: MULTIPLE_WIDTH, height: 120 }),
      data: { values: rows },
      layer: [
        {
          mark: { type: 'point', filled: true, size: 50, opacity: 0.85, aria: false },
          encoding: { x, y, color: kindColor },
        },
        { mark: { ...hoverTarget, size: 160 }, encoding: { x, y, ...aboutChannels } },
      ],
    },
  };
}

/** Numbers by size, then the rest as words. */
function sortValues(values: ReadonlySet<KnobValue>): string[] {
  return [...values]
    .sort((a, b) => (typeof a === 'number' && typeof b === 'number' ? a - b : String(a) < String(b) ? -1 : 1))
    .map(String);
}
