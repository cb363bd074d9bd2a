/** Borderless tables for a terminal; knows nothing of what they show. */
import Table from 'cli-table3';
import { largestOf } from '../common/append-all.js';

export interface PlainColumn {
  readonly title: string;
  readonly align: 'left' | 'right';
  readonly cells: readonly string[];
}

const GAP = 2;

const noBorders = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: ' '.repeat(GAP),
} as const;

/** Columns the table takes; cells must hold no colour codes yet. */
export const plainTableWidth = (columns: readonly PlainColumn[]): number =>
  columns.reduce(
    (sum, { title, cells }) =>
      sum +
      largestOf(
        cells.map((cell) => cell.length),
        title.length,
      ),
    0,
  ) +
  GAP * Math.max(0, columns.length - 1);

/** The table's lines, head first; `paint` may colour a cell, `row` is -1 in the head. */
export function renderPlainTable(
  columns: readonly PlainColumn[],
  paint: (text: string, column: number, row: number) => string = (text) => text,
): string {
  const table = new Table({
    head: columns.map(({ title }, column) => paint(title, column, -1)),
    colAligns: columns.map(({ align }) => align),
    chars: noBorders,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
  });
  const rowCount = columns[0]?.cells.length ?? 0;
  for (let row = 0; row < rowCount; row++) {
    table.push(columns.map(({ cells }, column) => paint(cells[row] ?? '', column, row)));
  }
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
