/** Any two metrics of a study against each other: one drawing whose axes the page lets the reader choose. */
import { formatInterval } from '../../common/format.js';
import type { StudyRecord } from '../../record/study-record.js';
import { type ParetoMetric, type ParetoVariant, paretoTable, paretoView } from '../study/pareto-view.js';
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

/** With more variants than this only the front, the default and the recommended show their intervals. */
const MOST_INTERVALS = 40;

/** Undefined where the record has no trade-offs. */
export function studyParetoFigure(record: StudyRecord): Figure | undefined {
  const view = paretoView(record);
  if (view === undefined) return undefined;
  const { metrics, variants } = view;
  const table = paretoTable(record);
  const isCrowded = variants.length > MOST_INTERVALS;
  // The last drawn lies on top.
  const rows = variants
    .toSorted((a, b) => rank(a) - rank(b))
    .map((variant) => toRow(variant, metrics, !isCrowded || rank(variant) > 0));
  const choice = metrics.map(({ title }, index) => ({ label: title, value: index }));
  return {
    title: 'Trade-offs',
    note: 'Filled points are on the front: no other variant surely beats them in everything. Thin bars are 95 % intervals.',
    legend: [
      ...(rows.some(({ kind }) => kind === 'recommended')
        ? [{ label: 'recommended', color: variantColors.recommended, shape: 'circle' as const }]
        : []),
      { label: 'default', color: variantColors.default, shape: 'circle' },
      { label: 'on the front', color: variantColors.other, shape: 'circle' },
      ...(rows.some(({ isOnFront }) => !isOnFront)
        ? [{ label: 'beaten', color: variantColors.other, shape: 'circle' as const, isHollow: true }]
        : []),
    ],
    layout: 'half',
    charts: [
      {
        id: 'study-pareto',
        label: '',
        ...(metrics.length > 2 && {
          choices: [
            { parameter: 'xMetric', label: 'Across', value: 0, options: choice },
            { parameter: 'yMetric', label: 'Up', value: 1, options: choice },
          ],
        }),
        spec: drawTradeOffs(rows, metrics),
      },
    ],
    ...(table !== undefined && { table }),
  };
}

const rank = ({ isOnFront, isDefault, isRecommended }: ParetoVariant): number =>
  isRecommended ? 3 : isDefault ? 2 : isOnFront ? 1 : 0;

function toRow(variant: ParetoVariant, metrics: readonly ParetoMetric[], hasIntervals: boolean) {
  const { variantId, figures, isOnFront, changes, isRecommended, isDefault } = variant;
  const kind = variantKind(variant);
  const scaled = (pick: 'value' | 'low' | 'high'): number[] =>
    figures.map((figure, index) => (figure[pick] ?? figure.value!) / metrics[index]!.column.scale);
  const lines = metrics.map(
    ({ title, column }, index) => `${title} ${formatInterval(figures[index]!, column)} ${column.unit}`,
  );
  return {
    kind,
    isOnFront,
    name: isRecommended || isDefault ? variantId : '',
    v: scaled('value'),
    ...(hasIntervals && { l: scaled('low'), h: scaled('high') }),
    about: [
      variantId,
      ...lines,
      isOnFront ? 'on the front' : 'beaten',
      ...(changes === '' ? [] : changes.split(', ')),
    ].join('\n'),
  };
}

type Row = ReturnType<typeof toRow>;

const describeAxis = ({ title, column, direction }: ParetoMetric): string =>
  `${title}${column.unit === '' ? '' : ` (${column.unit})`}, ${direction === 'maximize' ? 'more' : 'less'} is better`;

function drawTradeOffs(rows: readonly Row[], metrics: readonly ParetoMetric[]) {
  const titles = JSON.stringify(metrics.map(describeAxis));
  const x: PositionChannel = {
    field: 'x',
    type: 'quantitative',
    scale: { zero: false, nice: true, padding: 12 },
    axis: { title: ' ', format: ',~r', tickCount: 6, grid: true, domain: false },
  };
  const y: PositionChannel = { ...x, field: 'y', axis: { title: null, format: ',~r', tickCount: 5 } };
  return {
    ...chartBase({ width: CHART_WIDTH, height: 300 }),
    padding: { left: 2, right: 16, top: 22, bottom: 2 },
    params: [
      { name: 'xMetric', value: 0 },
      { name: 'yMetric', value: 1 },
    ],
    data: { values: [...rows] },
    transform: [
      { calculate: 'datum.v[xMetric]', as: 'x' },
      { calculate: 'datum.v[yMetric]', as: 'y' },
      { calculate: 'datum.l ? datum.l[xMetric] : null', as: 'xLow' },
      { calculate: 'datum.h ? datum.h[xMetric] : null', as: 'xHigh' },
      { calculate: 'datum.l ? datum.l[yMetric] : null', as: 'yLow' },
      { calculate: 'datum.h ? datum.h[yMetric] : null', as: 'yHigh' },
    ],
    layer: [
      {
        transform: [{ filter: 'isValid(datum.xLow)' }],
        mark: { type: 'rule' as const, opacity: 0.45, aria: false },
        encoding: { y, x: { ...x, field: 'xLow' }, x2: { field: 'xHigh' }, color: kindColor },
      },
      {
        transform: [{ filter: 'isValid(datum.yLow)' }],
        mark: { type: 'rule' as const, opacity: 0.45, aria: false },
        encoding: { x, y: { ...y, field: 'yLow' }, y2: { field: 'yHigh' }, color: kindColor },
      },
      {
        mark: { type: 'point' as const, size: 55, strokeWidth: 1.6, opacity: 1, fillOpacity: 1, aria: false },
        encoding: {
          x,
          y,
          stroke: kindColor,
          fill: {
            condition: Object.entries(variantColors).map(([kind, color]) => ({
              test: `datum.kind === '${kind}' && (datum.isOnFront || datum.kind !== 'other')`,
              value: cssColor(color),
            })),
            value: cssColor('--surface'),
          },
        },
      },
      ...(rows.some(({ name }) => name !== '') ? [nameLayer({ x, y })] : []),
      { mark: hoverTarget, encoding: { x, y, ...aboutChannels } },
      // Titles that follow the reader's choice; an axis' own title is fixed.
      axisTitle(`${titles}[yMetric]`, { x: 0, y: -12, align: 'left' }),
      axisTitle(`${titles}[xMetric]`, { x: { expr: 'width / 2' }, y: { expr: 'height + 34' }, align: 'center' }),
    ],
  };
}

/** Names of the default and the recommended; without any, the layer's axes would have no extent. */
const nameLayer = (channels: { readonly x: PositionChannel; readonly y: PositionChannel }) => ({
  transform: [{ filter: "datum.name !== ''" }],
  mark: { type: 'text' as const, dy: -11, fontSize: 11, color: cssColor('--ink'), aria: false },
  encoding: { ...channels, text: { field: 'name', type: 'nominal' as const } },
});

type Place = number | { readonly expr: string };

const axisTitle = (
  expression: string,
  { x, y, align }: { readonly x: Place; readonly y: Place; readonly align: 'left' | 'center' },
) => ({
  data: { values: [{}] },
  mark: {
    type: 'text' as const,
    text: { expr: expression },
    x,
    y,
    align,
    fontSize: 11,
    color: cssColor('--muted'),
    aria: false,
  },
});
