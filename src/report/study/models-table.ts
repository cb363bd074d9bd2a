/** Several models that were tuned together: what each got of the load with the default and with what is recommended. */
import { NO_VALUE } from '../../common/format.js';
import type { StudyRecord } from '../../record/study-record.js';
import { metricFormat } from '../metric-format.js';
import { numbers, type SideColumn, type SideTable, words } from '../tables/side-table.js';
import { decisiveTrials, medianOfValues, ratio } from './side-by-side-table.js';

type Share = NonNullable<StudyRecord['trials'][number]['level']>['models'][number];

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
  const rates = metricFormat('throughput');
  const latencies = metricFormat('latency_p99');
  const valuesOf = (shares: readonly Share[], read: (share: Share) => number | null | undefined): (number | null)[] =>
    models.map(({ name }) =>
      medianOfValues(shares.filter(({ model }) => model === name).flatMap((share) => read(share) ?? [])),
    );
  const columns = (metric: typeof rates, title: string, read: (share: Share) => number | undefined): SideColumn[] => {
    const values = sides.map(({ shares }) => valuesOf(shares, read));
    const column = metric.column(values.flat());
    return sides.flatMap(({ id }, side) => [
      numbers(
        `${title}, ${id}`,
        values[side]!.map((value) => (value === null ? NO_VALUE : column.format(value))),
        column.unit,
      ),
      ...(side === 0
        ? []
        : [
            numbers(
              'ratio',
              values[side]!.map((value, row) => ratio(value, values[0]![row])),
            ),
          ]),
    ]);
  };
  return {
    id: 'models',
    title: 'By model',
    note: 'What each model had of the whole load, as medians of the same runs; the weights decide how the requests are shared, so all throughputs grow alike.',
    columns: [
      words(
        'Model',
        models.map(({ name }) => name),
      ),
      numbers(
        'Weight',
        models.map(({ weight }) => String(weight)),
      ),
      ...columns(rates, 'throughput', (share) => share.throughputPerSec.value),
      ...columns(latencies, 'p99', (share) => share.latencyNs?.p99),
    ],
    isDetail: false,
  };
}
