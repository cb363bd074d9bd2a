/** What the server's own metrics endpoint said while a level ran. */
import { formatRate } from '../../common/format.js';
import type { LevelRecord } from '../../record/run-record.js';
import { loadAxis, loadLabel } from '../load-axis.js';
import { numbers, type SideTable, words } from './side-table.js';

/** Rows beyond this are in the record only. */
const MOST_ROWS = 60;

/** Undefined where the endpoint was not asked. */
export function metricsTable(levels: readonly LevelRecord[]): SideTable | undefined {
  const asked = levels.filter((level) => level.monitors?.serverMetrics);
  const names = [...new Set(asked.flatMap(({ monitors }) => Object.keys(monitors?.serverMetrics ?? {})))];
  const shown = names.slice(0, MOST_ROWS);
  if (shown.length === 0) return undefined;
  const axis = loadAxis(levels);
  const left = names.length - shown.length;
  return {
    id: 'server-metrics',
    title: 'The server’s own metrics',
    note: `Gauges are means, counters grew by so much.${left > 0 ? ` ${left} more are in the record.` : ''}`,
    columns: [
      words('Metric', shown),
      ...asked.map((level) =>
        numbers(
          `${axis.title} ${loadLabel(axis, level.load)}`,
          shown.map((name) => formatRate(level.monitors?.serverMetrics?.[name])),
        ),
      ),
    ],
    isDetail: true,
  };
}
