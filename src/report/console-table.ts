/** A run for a terminal: the table of levels, the answer in words, then what to know before trusting it. */

import { createColors } from 'picocolors';
import { largestOf } from '../common/append-all.js';
import { withoutControls } from '../common/safe-text.js';
import { wrapText } from '../common/wrap-text.js';
import type { RunRecord } from '../record/run-record.js';
import type { Caveat } from './caveats.js';
import { type LevelColumn, type LevelColumnKey, levelColumns } from './level-table.js';
import { type PlainColumn, plainTableWidth, renderPlainTable } from './plain-table.js';
import { buildRunView, type RunView } from './run-view.js';
import { renderSideTable } from './tables/side-table-text.js';

export interface ConsoleOptions {
  /** Columns of the terminal. Tables use what they need of it, prose at most 120; about 60 is the least. */
  readonly width: number;
  readonly color: boolean;
  /** The same columns whatever the figures, for pipes and files; the width then is of the prose only. */
  readonly hasFixedColumns?: boolean;
}

type Colors = ReturnType<typeof createColors>;

/** Longer lines of prose are hard to read. */
const WIDEST_PROSE = 120;

interface Layout {
  /** Columns that show their interval beside the value. */
  readonly bounded: readonly LevelColumnKey[];
  readonly dropped: readonly LevelColumnKey[];
  /** Short titles, with the unit of time said once below. */
  readonly isShort?: boolean;
  /** With the columns past p99, which the page always has. */
  readonly hasFarTail?: boolean;
}

const FAR_TAIL: readonly LevelColumnKey[] = ['p99_9', 'max'];

/** From the fullest to the barest; the first that fits is taken. */
const layouts: readonly Layout[] = [
  { bounded: ['throughput', 'mean', 'p50', 'p90', 'p95', 'p99'], dropped: [], hasFarTail: true },
  { bounded: ['throughput', 'mean', 'p50', 'p90', 'p95', 'p99'], dropped: [] },
  { bounded: ['throughput', 'mean', 'p50', 'p90', 'p95', 'p99'], dropped: [], isShort: true },
  { bounded: ['throughput', 'mean', 'p50', 'p99'], dropped: [] },
  { bounded: ['throughput', 'mean', 'p50', 'p99'], dropped: [], isShort: true },
  { bounded: ['throughput', 'p50', 'p99'], dropped: [] },
  { bounded: ['throughput', 'p50', 'p99'], dropped: [], isShort: true },
  { bounded: ['throughput', 'p99'], dropped: [] },
  { bounded: ['throughput'], dropped: [] },
  { bounded: ['throughput'], dropped: [], isShort: true },
  { bounded: ['throughput'], dropped: ['p90'], isShort: true },
  { bounded: ['throughput'], dropped: ['p90', 'p95'], isShort: true },
  { bounded: ['throughput'], dropped: ['p90', 'p95', 'p50'], isShort: true },
  { bounded: [], dropped: ['p90'], isShort: true },
  { bounded: [], dropped: ['p90', 'p95'], isShort: true },
  { bounded: [], dropped: ['p90', 'p95', 'queue', 'compute'], isShort: true },
  { bounded: [], dropped: ['p90', 'p95', 'queue', 'compute', 'mean', 'delayed'], isShort: true },
];

/** The whole text, without a final line break. Lines keep to the width as far as the bare layout can. */
export function renderRunTable(record: RunRecord, options: ConsoleOptions): string {
  const colors = createColors(options.color);
  const width = Math.min(options.width, WIDEST_PROSE);
  const view = buildRunView(record);
  const parts = [
    wrapText(`${colors.bold(withoutControls(view.model))} on ${withoutControls(view.subject)}`, width),
    view.columns[0]?.cells.length ? renderLevels(view, options, colors) : '',
    wrapText([view.headline, view.advice].filter(Boolean).join(' '), width),
    ...view.tables.filter(({ isDetail }) => !isDetail).map((table) => renderSideTable(table, options.width, colors)),
    renderNotes(view, width, colors),
    renderCaveats(view.caveats, width, colors),
  ];
  return parts.filter(Boolean).join('\n\n');
}

/** The peak's account of time and what was watched, a line each. */
function renderNotes({ notes }: RunView, width: number, colors: Colors): string {
  return notes.map((note) => colors.dim(wrapText(withoutControls(note), width, '  '))).join('\n');
}

function renderLevels(view: RunView, { width, hasFixedColumns = false }: ConsoleOptions, colors: Colors): string {
  const columns = hasFixedColumns ? levelColumns(view.levels, true) : view.columns;
  const laidOut = layouts.map((layout) => layOut(columns, layout));
  const fitting = laidOut.find((table) => plainTableWidth(table.plain) <= width) ?? laidOut.at(-1)!;
  const chosen = hasFixedColumns ? laidOut[0]! : fitting;
  const table = renderPlainTable(chosen.plain, (text, column, row) => {
    if (row < 0) return colors.dim(text);
    return chosen.keys[column] === 'verdict' ? paintVerdict(text, colors) : text;
  });
  const unit = chosen.isShort ? columns.find((column) => column.key === 'mean')?.unit : undefined;
  const legend = [unit === undefined ? '' : `Times in ${unit}.`, explainBounds(columns, chosen)]
    .filter(Boolean)
    .join(' ');
  return legend === '' ? table : `${table}\n${colors.dim(wrapText(legend, Math.min(width, WIDEST_PROSE)))}`;
}

/** What the intervals beside the values are, in whichever of their two forms the table has them. */
function explainBounds(columns: readonly LevelColumn[], { bounded }: LaidOut): string {
  const shown = columns
    .filter(({ key }) => bounded.includes(key))
    .flatMap(({ cells }) => cells.map((cell) => cell.bounds));
  const hasHalves = shown.some((bounds) => bounds.startsWith(PLUS_MINUS));
  const hasRanges = shown.some((bounds) => bounds !== '' && !bounds.startsWith(PLUS_MINUS));
  if (hasHalves && hasRanges) return '± is half the width of the 95% interval; A to B is one that is lopsided.';
  if (hasHalves) return '± is half the width of the 95% interval.';
  return hasRanges ? 'A to B is the 95% interval.' : '';
}

interface LaidOut {
  readonly plain: PlainColumn[];
  readonly keys: LevelColumnKey[];
  readonly isShort: boolean;
  readonly bounded: readonly LevelColumnKey[];
}

function layOut(columns: readonly LevelColumn[], layout: Layout): LaidOut {
  const dropped = layout.hasFarTail ? layout.dropped : [...layout.dropped, ...FAR_TAIL];
  const kept = columns.filter(({ key }) => !dropped.includes(key));
  const plain = kept.map((column) => ({
    title: layout.isShort ? column.shortTitle : `${column.title} ${column.unit}`.trimEnd(),
    align: column.isNumber ? ('right' as const) : ('left' as const),
    cells: layout.bounded.includes(column.key) ? alignBounds(column) : column.cells.map(({ text }) => text),
  }));
  return { plain, keys: kept.map(({ key }) => key), isShort: layout.isShort ?? false, bounded: layout.bounded };
}

const PLUS_MINUS = '± ';

/** Values and intervals side by side, each in its own aligned part of the column. */
function alignBounds({ cells }: LevelColumn): string[] {
  const widest = largestOf(
    cells.map(({ bounds }) => bounds.length),
    0,
  );
  const halves = cells.flatMap(({ bounds }) => (bounds.startsWith(PLUS_MINUS) ? bounds.length : []));
  const widestHalf = largestOf(halves, 0) - PLUS_MINUS.length;
  // Both ± signs and digits line up when the half widths are padded behind the sign.
  return cells.map(({ text, bounds }) => {
    const isHalf = bounds.startsWith(PLUS_MINUS);
    const inner = isHalf ? `${PLUS_MINUS}${bounds.slice(PLUS_MINUS.length).padStart(widestHalf)}` : bounds;
    return widest === 0 ? text : `${text} ${inner.padEnd(widest)}`;
  });
}

/** A verdict in its colour. */
export function paintVerdict(text: string, colors: Colors): string {
  if (text === 'VALID') return colors.green(text);
  return text === 'INVALID' ? colors.red(text) : colors.yellow(text);
}

/** Caveats as a list, one sentence an entry; empty where there are none. */
export function renderCaveats(caveats: readonly Caveat[], width: number, colors: Colors): string {
  return caveats
    .map(({ kind, text }) => {
      const lines = wrapText(withoutControls(text), width - 2, '  ');
      return `${kind === 'warning' ? colors.yellow('!') : colors.dim('i')} ${lines}`;
    })
    .join('\n');
}
