/** The main effect of each knob: the gain at each of its values, the other knobs averaged out, as small multiples. */
import { largestOf, smallestOf } from '../../common/append-all.js';
import { formatGain } from '../../common/format.js';
import type { StudyRecord } from '../../record/study-record.js';
import { defaultTrial } from '../ranking.js';
import { mainEffectsTable } from '../study/knobs-table.js';
import {
  aboutChannels,
  type Chart,
  chartBase,
  cssColor,
  type Figure,
  hoverTarget,
  MULTIPLE_WIDTH,
  type PositionChannel,
} from './chart.js';
import { kindColor, variantColors } from './study-ranking.js';

type MainEffect = NonNullable<StudyRecord['mainEffects']>[number];

/** Undefined where the study was too small to tell. */
export function studyMainEffectsFigure(record: StudyRecord): Figure | undefined {
  const { mainEffects = [] } = record;
  const drawn = mainEffects.filter(({ values }) => values.length > 1);
  const table = mainEffectsTable(record);
  if (drawn.length === 0 || table === undefined) return undefined;
  const gains = drawn.flatMap(({ values }) => values.map(({ gain }) => gain));
  const ends = drawn.flatMap(({ values }) => values.flatMap((effect) => [effect.low, effect.high]));
  // Few trials give intervals that would hide the effects; they are cut, and the table has their ends.
  const low = Math.max(smallestOf(gains, 1) * 0.6, smallestOf(ends, 1));
  const high = Math.min(largestOf(gains, 1) * 1.6, largestOf(ends, 1));
  const margin = (high - low || 0.1) * 0.08;
  const { portable, engine } = record.recommended;
  const chosen = record.trials.find(({ variantId }) => variantId === (portable ?? engine)?.id)?.parameters ?? {};
  const unchanged = defaultTrial(record)?.parameters ?? {};
  return {
    title: 'Main effects',
    note: 'Gain over the default’s value of each knob, the other knobs averaged out, with 95 % intervals; hollow points were never tried and are the model’s guess.',
    legend: [
      ...(portable || engine
        ? [{ label: 'recommended value', color: variantColors.recommended, shape: 'circle' as const }]
        : []),
      { label: 'default value', color: variantColors.default, shape: 'circle' },
      { label: 'other', color: variantColors.other, shape: 'circle' },
    ],
    layout: 'multiples',
    charts: drawn.map((effect, index) =>
      effectChart(effect, index, [Math.max(0, low - margin), high + margin], {
        chosen: chosen[effect.knob],
        unchanged: unchanged[effect.knob],
      }),
    ),
    table,
  };
}

type KnobValue = MainEffect['values'][number]['value'];

function effectChart(
  { knob, values }: MainEffect,
  index: number,
  domain: [number, number],
  { chosen, unchanged }: { readonly chosen: KnobValue | undefined; readonly unchanged: KnobValue | undefined },
): Chart {
  const rows = values.map(({ value, gain, low, high, count }) => ({
    value: String(value),
    gain,
    low: Math.max(domain[0], low),
    high: Math.min(domain[1], high),
    kind: value === chosen ? 'recommended' : value === unchanged ? 'default' : 'other',
    isTried: count > 0,
    about: `${knob} ${value}\n${formatGain({ value: gain, low, high })}\n${count === 0 ? 'never tried' : `${count} ${count === 1 ? 'trial' : 'trials'}`}`,
  }));
  const x: PositionChannel = {
    field: 'value',
    type: 'ordinal',
    sort: rows.map(({ value }) => value),
    scale: { padding: 0.5 },
    axis: { title: null, labelAngle: 0, labelLimit: 70, labelOverlap: true },
  };
  const y: PositionChannel = {
    field: 'gain',
    type: 'quantitative',
    scale: { domain, nice: false, zero: false },
    axis: { title: null, tickCount: 4, format: '.2~f' },
  };
  return {
    id: `effect-${index}`,
    label: knob,
    spec: {
      ...chartBase({ width: MULTIPLE_WIDTH, height: 130 }),
      data: { values: rows },
      layer: [
        {
          data: { values: [{ gain: 1 }] },
          mark: { type: 'rule', strokeDash: [4, 3], color: cssColor('--line'), aria: false },
          encoding: { y },
        },
        {
          mark: { type: 'rule', strokeWidth: 2, opacity: 0.55, aria: false },
          encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, color: kindColor },
        },
        {
          mark: { type: 'point', size: 60, strokeWidth: 2, opacity: 1, fillOpacity: 1, aria: false },
          encoding: {
            x,
            y,
            stroke: kindColor,
            fill: {
              condition: Object.entries(variantColors).map(([kind, color]) => ({
                test: `datum.isTried && datum.kind === '${kind}'`,
                value: cssColor(color),
              })),
              value: cssColor('--surface'),
            },
          },
        },
        { mark: { ...hoverTarget, size: 200 }, encoding: { x, y, ...aboutChannels } },
      ],
    },
  };
}
