/** A table beside that of the levels, as finished text that terminal, page and Markdown only arrange. */

export interface SideColumn {
  readonly title: string;
  /** Empty where the numbers carry none. */
  readonly unit: string;
  readonly isNumber: boolean;
  readonly cells: readonly string[];
}

export interface SideTable {
  /** Unique in a page; letters and dashes. */
  readonly id: string;
  readonly title: string;
  /** How to read it. */
  readonly note: string;
  readonly columns: readonly SideColumn[];
  /** What the rows say, a line each. */
  readonly remarks?: readonly string[];
  /** Too wide or too detailed for a terminal; the page and Markdown have it. */
  readonly isDetail: boolean;
}

export const words = (title: string, cells: readonly string[]): SideColumn => ({
  title,
  unit: '',
  isNumber: false,
  cells,
});

export const numbers = (title: string, cells: readonly string[], unit = ''): SideColumn => ({
  title,
  unit,
  isNumber: true,
  cells,
});

/** A table's rows, for renderers that go row by row. */
export const rowsOf = ({ columns }: Pick<SideTable, 'columns'>): string[][] =>
  (columns[0]?.cells ?? []).map((_, row) => columns.map(({ cells }) => cells[row]!));
