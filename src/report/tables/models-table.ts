/** What each of several models that were loaded together got, level by level. */
import { formatCount, formatInterval, latencyColumn, numberColumn } from '../../common/format.js';
import type { LevelRecord } from '../../record/run-record.js';
import { loadAxis, loadLabel } from '../load-axis.js';
import { numbers, type SideTable, words } from './side-table.js';

/** Undefined for a run of one model. */
export function modelsTable(levels: readonly LevelRecord[]): SideTable | undefined {
  const axis = loadAxis(levels);
  const rows = levels.flatMap((level) => level.models.map((share) => ({ level, share })));
  if (rows.length === 0) return undefined;
  const rates = numberColumn(rows.map(({ share }) => share.throughputPerSec.value));
  const times = latencyColumn(rows.flatMap(({ share }) => [share.latencyNs?.mean, share.latencyNs?.p99]));
  const column = (title: string, read: (row: (typeof rows)[number]) => string, unit = '') =>
    numbers(title, rows.map(read), unit);
  const latency = (key: 'mean' | 'p50' | 'p90' | 'p99', title: string) =>
    column(title, ({ share }) => times.format(share.latencyNs?.[key]), times.unit);
  return {
    id: 'models',
    title: 'By model',
    note: 'The models were loaded at the same time; the weights say how the requests were shared.',
    columns: [
      words(
        axis.title,
        rows.map(({ level }) => loadLabel(axis, level.load)),
      ),
      words(
        'Model',
        rows.map(({ share }) => share.model),
      ),
      column('Weight', ({ share }) => String(share.weight)),
      column('Inferences/s', ({ share }) => formatInterval(share.throughputPerSec, rates)),
      latency('mean', 'Avg'),
      latency('p50', 'p50'),
      latency('p90', 'p90'),
      latency('p99', 'p99'),
      column('Requests', ({ share }) => formatCount(share.requestCount)),
      column('Errors', ({ share }) => formatCount(share.errorCount)),
    ],
    isDetail: false,
  };
}
