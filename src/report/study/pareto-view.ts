/** The trade-offs of a study: each variant's figures for several metrics with their intervals, and which are on the front. */
import type { Bounded, ColumnFormat } from '../../common/format.js';
import type { StudyRecord, TrialRecord } from '../../record/study-record.js';
import { metricFormat } from '../metric-format.js';
import { pool, readMetric } from '../metric-value.js';
import { defaultTrial, describeChanges } from '../ranking.js';
import { numbers, type SideTable, words } from '../tables/side-table.js';

export interface ParetoMetric {
  readonly name: string;
  readonly title: string;
  readonly direction: 'maximize' | 'minimize';
  readonly column: ColumnFormat;
}

export interface ParetoVariant {
  readonly variantId: string;
  readonly isOnFront: boolean;
  readonly isDefault: boolean;
  readonly isRecommended: boolean;
  /** `instance_count 2, …`; empty for the default. */
  readonly changes: string;
  /** In the order of the metrics. */
  readonly figures: readonly Bounded[];
}

export interface ParetoView {
  readonly metrics: readonly ParetoMetric[];
  readonly variants: readonly ParetoVariant[];
}

/** Undefined where the record has no trade-offs. */
export function paretoView(record: StudyRecord): ParetoView | undefined {
  const { pareto } = record;
  if (pareto === undefined || pareto.metrics.length < 2 || pareto.points.length < 2) return undefined;
  const { portable, engine } = record.recommended;
  const reference = defaultTrial(record);
  const trials = new Map<string, TrialRecord[]>();
  for (const trial of record.trials) {
    if (trial.state !== 'complete') continue;
    const known = trials.get(trial.variantId);
    if (known === undefined) trials.set(trial.variantId, [trial]);
    else known.push(trial);
  }
  const metrics = pareto.metrics.map(({ metric, direction }): ParetoMetric => {
    const format = metricFormat(metric);
    const column = format.column(pareto.points.map(({ values }) => values[metric]));
    return { name: metric, title: format.title, direction, column };
  });
  const variants = pareto.points
    .filter(({ values }) => metrics.every(({ name }) => values[name] !== undefined))
    .map(({ variantId, values, isOnFront }): ParetoVariant => {
      const own = trials.get(variantId) ?? [];
      return {
        variantId,
        isOnFront,
        isDefault: variantId === 'default',
        isRecommended: variantId === portable?.id || variantId === engine?.id,
        changes: own[0] === undefined ? '' : describeChanges(own[0], reference),
        figures: metrics.map(({ name }) => around(values[name]!, pool(own.map((trial) => readMetric(trial, name))))),
      };
    });
  return { metrics, variants };
}

/** The record's value with the bounds of its trials, which hold it. */
const around = (value: number, { low, high }: Bounded): Bounded => ({
  value,
  low: low === null ? null : Math.min(low, value),
  high: high === null ? null : Math.max(high, value),
});

/** The variants of the front and the default; undefined where the record has no trade-offs. */
export function paretoTable(record: StudyRecord): SideTable | undefined {
  const view = paretoView(record);
  if (view === undefined) return undefined;
  const shown = view.variants.filter(({ isOnFront, isDefault }) => isOnFront || isDefault);
  return {
    id: 'trade-offs',
    title: 'Trade-offs',
    note: 'Variants that no other surely beats in everything, and the default; means of all their trials.',
    columns: [
      words(
        'Variant',
        shown.map(({ variantId }) => variantId),
      ),
      words(
        'On the front',
        shown.map(({ isOnFront }) => (isOnFront ? 'yes' : 'no')),
      ),
      ...view.metrics.map(({ title, column }, index) =>
        numbers(
          title,
          shown.map(({ figures }) => column.format(figures[index]!.value)),
          column.unit,
        ),
      ),
      words(
        'Changed knobs',
        shown.map(({ changes, isDefault }) => (isDefault ? 'the config as it is' : changes)),
      ),
    ],
    isDetail: true,
  };
}
