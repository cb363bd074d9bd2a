/** The variants of a study by score, each with its interval, beside the default. */
import { formatInterval } from '../../common/format.js';
import type { StudyRecord } from '../../record/study-record.js';
import { metricFormat } from '../metric-format.js';
import { type RankedVariant, rankVariants } from '../ranking.js';
import {
  aboutChannels,
  CHART_WIDTH,
  chartBase,
  cssColor,
  type Figure,
  hoverTarget,
  type PositionChannel,
} from './chart.js';

/** Rows beyond this are left to the table; the default is always shown. */
const MOST_ROWS = 15;

/** Kinds of variants by colour; the order is the legend's. */
export const variantColors = {
  recommended: '--good',
  default: '--default',
  other: '--accent',
} as const;
export type VariantKind = keyof typeof variantColors;

export const variantKind = ({
  isRecommended,
  isDefault,
}: Pick<RankedVariant, 'isRecommended' | 'isDefault'>): VariantKind =>
  isRecommended ? 'recommended' : isDefault ? 'default' : 'other';

/** The colour channel of rows with a `kind`. */
export const kindColor = {
  field: 'kind',
  type: 'nominal',
  scale: { domain: Object.keys(variantColors), range: Object.values(variantColors).map(cssColor) },
  legend: null,
} as const;

/** Undefined when nothing was scored. */
export function studyRankingFigure(record: StudyRecord, layout: 'half' | 'wide' = 'wide'): Figure | undefined {
  const ranked = rankVariants(record).filter((variant) => variant.score.value !== null);
  if (ranked.length === 0) return undefined;
  const shown = ranked.filter((variant, index) => index < MOST_ROWS || variant.isDefault || variant.isRecommended);
  const metric = metricFormat(record.objective.metric);
  const format = metric.column(ranked.map((variant) => variant.score.value));
  const rows = shown.map((variant) => {
    const { low, high } = variant.score;
    const value = variant.score.value ?? 0;
    return {
      name: variant.variantId,
      kind: variantKind(variant),
      mark: variant.confirmationCount > 0 ? 'confirmed' : 'search only',
      score: value / format.scale,
      low: (low ?? value) / format.scale,
      high: (high ?? value) / format.scale,
      about: describe(variant, `${formatInterval(variant.score, format)} ${format.unit}`.trimEnd()),
    };
  });
  const reference = rows.filter((row) => row.kind === 'default');
  const x: PositionChannel = {
    field: 'score',
    type: 'quantitative',
    scale: { zero: false, nice: true },
    axis: {
      title: format.unit === '' ? metric.title : `${metric.title} (${format.unit})`,
      format: ',~r',
      grid: true,
      domain: false,
      tickCount: layout === 'wide' ? 7 : 5,
    },
  };
  const y: PositionChannel = {
    field: 'name',
    type: 'ordinal',
    sort: rows.map((row) => row.name),
    axis: { title: null, labelLimit: 110, labelColor: cssColor('--ink') },
  };
  const left = ranked.length - shown.length;
  return {
    title: 'Ranking',
    note: `Score of each variant with its 95 % interval, confirmed ones first; the dashed line is the default.${left > 0 ? ` ${left} lower ones are in the table only.` : ''}`,
    legend: [
      ...(rows.some((row) => row.kind === 'recommended')
        ? [{ label: 'recommended', color: variantColors.recommended, shape: 'circle' as const }]
        : []),
      { label: 'default', color: variantColors.default, shape: 'circle' },
      { label: 'confirmed', color: variantColors.other, shape: 'circle' },
      { label: 'search only', color: variantColors.other, shape: 'circle', isHollow: true },
    ],
    layout,
    charts: [
      {
        id: 'study-ranking',
        label: '',
        spec: {
          ...chartBase({
            width: layout === 'wide' ? 2 * CHART_WIDTH : CHART_WIDTH,
            height: Math.max(60, rows.length * 26),
          }),
          data: { values: rows },
          layer: [
            {
              data: { values: reference.map((row) => ({ score: row.score })) },
              mark: { type: 'rule', strokeDash: [4, 3], color: cssColor('--default'), aria: false },
              encoding: { x },
            },
            {
              mark: { type: 'rule', strokeWidth: 2, opacity: 0.6, aria: false },
              encoding: { y, x: { ...x, field: 'low' }, x2: { field: 'high' }, color: kindColor },
            },
            {
              mark: { type: 'point', size: 80, strokeWidth: 2, opacity: 1, fillOpacity: 1, aria: false },
              encoding: {
                x,
                y,
                stroke: kindColor,
                fill: {
                  condition: Object.entries(variantColors).map(([kind, color]) => ({
                    test: `datum.mark === 'confirmed' && datum.kind === '${kind}'`,
                    value: cssColor(color),
                  })),
                  value: cssColor('--surface'),
                },
              },
            },
            { mark: hoverTarget, encoding: { x, y, ...aboutChannels } },
          ],
        },
      },
    ],
  };
}

function describe(variant: RankedVariant, score: string): string {
  const lines = [variant.variantId, score];
  if (variant.gain !== null && !variant.isDefault) lines.push(`${variant.gain.toFixed(2)}x the default`);
  lines.push(
    variant.confirmationCount > 0 ? `confirmed ${variant.confirmationCount} times` : 'measured in the search only',
  );
  if (variant.changes !== '') lines.push(variant.changes.replaceAll(', ', '\n'));
  return lines.join('\n');
}
