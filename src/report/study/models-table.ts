/** Several models that were tuned together: what each got of the load with the default and with what is recommended. */
import type { StudyRecord } from '../../record/study-record.js';
import { metricFormat } from '../metric-format.js';
import { numbers, type SideTable, words } from '../tables/side-table.js';
import { decisiveTrials, medianOfValues, ratio } from './side-by-side-table.js';

type Share = NonNullable<StudyRecord['trials'][number]['level']>['models'][number];

const shown: readonly { readonly metric: string; read(share: Share): number | null | undefined }[] = [
  { metric: 'throughput', read: (share) => share.throughputPerSec.value },
  { metric: 'latency_p50', read: (share) => share.latencyNs?.p50 },
  { metric: 'latency_p99', read: (share) => share.latencyNs?.p99 },
];

/** Undefined for a study of one model, and where no trial of the default was measured. */
export function modelsTable(record: StudyRecord): SideTable | undefined {
  const { models, recommended } = record;
  if (models === undefined) return undefined;
  const ids = [...new Set([recommended.portable, recommended.engine].flatMap((found) => found?.id ?? []))];
  const sides = ['default', ...ids].map((id) => ({
    id,
    shares: decisiveTrials(record, id).flatMap(({ level }) => level?.models ?? []),
  }));
  if (sides[0]?.shares.length === 0) return undefined;
  const rows = models.flatMap((model) => shown.map(({ metric, read }) => ({ model, metric, read })));
  const values = sides.map(({ shares }) =>
    rows.map(({ model, read }) =>
      medianOfValues(shares.filter((share) => share.model === model.name).flatMap((share) => read(share) ?? [])),
    ),
  );
  return {
    id: 'models',
    title: 'By model',
    note: 'What each model had of the whole load, as medians of the same runs; the weights decide how the requests are shared, so all throughputs grow alike.',
    columns: [
      words(
        'Model',
        rows.map(({ model: { name } }, row) => (row % shown.length === 0 ? name : '')),
      ),
      numbers(
        'Weight',
        rows.map(({ model: { weight } }, row) => (row % shown.length === 0 ? String(weight) : '')),
      ),
      words(
        'Metric',
        rows.map(({ metric }) => metricFormat(metric).title),
      ),
      ...sides.flatMap(({ id }, side) => [
        numbers(
          id,
          rows.map(({ metric }, row) => metricFormat(metric).format(values[side]![row])),
        ),
        ...(side === 0
          ? []
          : [
              numbers(
                'ratio',
                rows.map((_, row) => ratio(values[side]![row], values[0]![row])),
              ),
            ]),
      ]),
    ],
    isDetail: false,
  };
}
