/** The account of the whole mean latency of each level, in the order a request meets its parts. */
import { latencyColumn, NO_VALUE } from '../../common/format.js';
import type { LevelRecord } from '../../record/run-record.js';
import { latencyParts } from '../latency-parts.js';
import { loadAxis, loadLabel } from '../load-axis.js';
import { numbers, type SideTable, words } from './side-table.js';

/** Undefined when no level has server statistics. */
export function partsTable(levels: readonly LevelRecord[]): SideTable | undefined {
  const rows = levels.flatMap((level) => {
    const parts = latencyParts(level);
    return parts === undefined ? [] : [{ level, parts }];
  });
  const first = rows[0];
  if (first === undefined) return undefined;
  const axis = loadAxis(levels);
  const sum = (values: readonly { readonly valueNs: number }[]): number =>
    values.reduce((total, { valueNs }) => total + valueNs, 0);
  const totals = rows.map(({ level, parts }) => level.latencyParts?.totalNs ?? sum(parts));
  // One unit and as many decimals in all columns, so that a row can be added up.
  const format = latencyColumn([...totals, ...rows.flatMap(({ parts }) => parts.map(({ valueNs }) => valueNs))]);
  return {
    id: 'latency-parts',
    title: 'Where the mean latency goes',
    note: `Averages a request; a row adds up. Queue and compute come from the server’s statistics, send and receive from the client’s instants, and network and front end is what neither accounts for.${scaleNote(levels)}`,
    columns: [
      words(
        axis.title,
        rows.map(({ level }) => loadLabel(axis, level.load)),
      ),
      ...first.parts.flatMap(({ shortLabel }, index) => {
        const cells = rows.map(({ parts }) => parts[index]!);
        if (cells.every(({ isKnown }) => !isKnown)) return [];
        const texts = cells.map(({ isKnown, valueNs }) => (isKnown ? format.format(valueNs) : NO_VALUE));
        return [numbers(shortLabel, texts, format.unit)];
      }),
      numbers('Total', totals.map(format.format), format.unit),
    ],
    isDetail: true,
  };
}

/** Where it applies, in one line. */
const scaleNote = (levels: readonly LevelRecord[]): string =>
  levels.some(({ server }) => server?.scaledBy !== undefined)
    ? ' Where the server claimed more than the latency left for it, its times are scaled to fit, here and in every table and file.'
    : '';
