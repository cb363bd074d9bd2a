/** A side table for a terminal. */

import type { createColors } from 'picocolors';
import { largestOf } from '../../common/append-all.js';
import { withoutControls } from '../../common/safe-text.js';
import { wrapText } from '../../common/wrap-text.js';
import { type PlainColumn, plainTableWidth, renderPlainTable } from '../plain-table.js';
import type { SideTable } from './side-table.js';

/** Longer lines of prose are hard to read. */
const WIDEST_PROSE = 120;
/** Columns of words are cut to what is left, but not below this. */
const LEAST_WORDS = 16;

/** A side table, its longest words cut to the terminal; or its remarks alone where it is too narrow even so. */
export function renderSideTable(side: SideTable, width: number, colors: ReturnType<typeof createColors>): string {
  const plain = cutWords(
    side.columns.map((column) => ({
      title: `${column.title} ${column.unit}`.trimEnd(),
      align: column.isNumber ? ('right' as const) : ('left' as const),
      cells: column.cells.map(withoutControls),
    })),
    width,
  );
  const table =
    plainTableWidth(plain) <= width
      ? renderPlainTable(plain, (text, _, row) => (row < 0 ? colors.dim(text) : text))
      : colors.dim('The table is in the report; this terminal is too narrow for it.');
  const remarks = (side.remarks ?? []).map(
    (line) => `- ${wrapText(withoutControls(line), Math.min(width, WIDEST_PROSE) - 2, '  ')}`,
  );
  return [colors.bold(side.title), table, ...remarks].join('\n');
}

/** Cuts the widest columns of words, with an ellipsis, as far as the terminal asks for. */
function cutWords(columns: readonly PlainColumn[], width: number): PlainColumn[] {
  const cut = [...columns];
  for (let excess = plainTableWidth(cut) - width; excess > 0; excess = plainTableWidth(cut) - width) {
    const widths = cut.map(({ align, cells }) =>
      align === 'left'
        ? largestOf(
            cells.map((c) => c.length),
            0,
          )
        : 0,
    );
    const widest = largestOf(widths);
    if (widest <= LEAST_WORDS) break;
    // Down to the second widest first, so that columns share what is missing.
    const second = largestOf(
      widths.filter((own) => own < widest),
      LEAST_WORDS,
    );
    const most = Math.max(second, widest - excess, LEAST_WORDS);
    const target = most < widest ? most : widest - 1;
    const at = widths.indexOf(widest);
    cut[at] = clipColumn(cut[at]!, target);
  }
  return cut;
}

/** A column whose longer cells end in an ellipsis; the reports on disk have them whole. */
export const clipColumn = (column: PlainColumn, width: number): PlainColumn => ({
  ...column,
  cells: column.cells.map((cell) => (cell.length <= width ? cell : `${cell.slice(0, width - 1)}…`)),
});
