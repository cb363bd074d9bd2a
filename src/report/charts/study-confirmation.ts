/** The gain of each finalist in its paired rounds: every round's own, and the mean with its interval. */
import { largestOf, smallestOf } from '../../common/append-all.js';
import { formatGain, NO_VALUE } from '../../common/format.js';
import type { StudyRecord } from '../../record/study-record.js';
import { confirmationRounds, findFinalists } from '../study/rounds.js';
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

/** Undefined where nothing was confirmed. */
export function studyConfirmationFigure(record: StudyRecord, layout: 'half' | 'wide' = 'half'): Figure | undefined {
  const rounds = confirmationRounds(record);
  const finalists = findFinalists(record, rounds).filter(({ gain }) => gain !== null);
  if (finalists.length === 0) return undefined;
  const names = finalists.map(({ variantId }) => variantId);
  const pairs = finalists.flatMap(({ variantId, gains, isRecommended }) =>
    gains.flatMap((gain, index) =>
      gain === null
        ? []
        : [
            {
              name: variantId,
              gain,
              kind: variantKind({ isRecommended, isDefault: false }),
              about: `${variantId}, round ${rounds[index]!.number}\n${gain.toFixed(2)}x the default`,
            },
          ],
    ),
  );
  const window = drawnWindow([1, ...pairs.map(({ gain }) => gain), ...finalists.map(({ gain }) => gain?.value ?? 1)]);
  const means = finalists.map(({ variantId, gain, isRecommended, objection }) => ({
    name: variantId,
    gain: gain?.value,
    low: Math.max(window[0], gain?.low ?? gain?.value ?? 1),
    high: Math.min(window[1], gain?.high ?? gain?.value ?? 1),
    kind: variantKind({ isRecommended, isDefault: false }),
    about: `${variantId}\n${gain === null ? NO_VALUE : formatGain(gain)}${objection === null ? '' : `\n${objection}`}`,
  }));
  const ends = [1, ...pairs.map(({ gain }) => gain), ...means.flatMap(({ low, high }) => [low, high])];
  const [low, high] = [smallestOf(ends), largestOf(ends)];
  const margin = (high - low || 0.1) * 0.06;
  const x: PositionChannel = {
    field: 'gain',
    type: 'quantitative',
    scale: { domain: [low - margin, high + margin], nice: false, zero: false },
    axis: { title: 'Gain over the default (1 is as good)', format: '.2~f', grid: true, domain: false, tickCount: 6 },
  };
  const y: PositionChannel = {
    field: 'name',
    type: 'ordinal',
    sort: names,
    axis: { title: null, labelLimit: 130, labelColor: cssColor('--ink') },
  };
  return {
    title: 'Gain in paired runs',
    note: 'Small rings are single rounds, the large point is their mean with its 95 % interval. An interval right of the dashed line proves a gain.',
    legend: [
      ...(means.some(({ kind }) => kind === 'recommended')
        ? [{ label: 'recommended', color: variantColors.recommended, shape: 'circle' as const }]
        : []),
      ...(means.some(({ kind }) => kind === 'other')
        ? [{ label: 'other finalist', color: variantColors.other, shape: 'circle' as const }]
        : []),
    ],
    layout,
    charts: [
      {
        id: 'study-confirmation',
        label: '',
        spec: {
          ...chartBase({
            width: layout === 'wide' ? 2 * CHART_WIDTH : CHART_WIDTH,
            height: 34 + finalists.length * 44,
          }),
          data: { values: means },
          layer: [
            {
              data: { values: [{ gain: 1 }] },
              mark: { type: 'rule', strokeDash: [4, 3], color: cssColor('--default'), aria: false },
              encoding: { x },
            },
            {
              mark: { type: 'rule', strokeWidth: 2.5, opacity: 0.7, aria: false },
              encoding: { y, x: { ...x, field: 'low' }, x2: { field: 'high' }, color: kindColor },
            },
            {
              data: { values: pairs },
              mark: {
                type: 'point',
                size: 34,
                filled: false,
                strokeWidth: 1.5,
                opacity: 0.8,
                yOffset: 13,
                aria: false,
              },
              encoding: { x, y, color: kindColor },
            },
            {
              data: { values: pairs },
              mark: { ...hoverTarget, size: 120, yOffset: 13 },
              encoding: { x, y, ...aboutChannels },
            },
            {
              mark: { type: 'point', filled: true, size: 95, opacity: 1, aria: false },
              encoding: { x, y, color: kindColor },
            },
            { mark: hoverTarget, encoding: { x, y, ...aboutChannels } },
          ],
        },
      },
    ],
  };
}

/**
 * Of two wildly different rounds the interval spans orders of magnitude, and drawn whole it would hide everything else;
 * it is cut at half the lowest and twice the highest point, and the tooltip has its ends.
 */
const drawnWindow = (points: readonly number[]): readonly [number, number] => [
  smallestOf(points) / 2,
  largestOf(points) * 2,
];
