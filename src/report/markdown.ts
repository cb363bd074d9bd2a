/** Reports as GitHub-flavoured Markdown, for pull requests, wikis and CI summaries. */
import { onOneLine, withoutControls } from '../common/safe-text.js';
import type { RunRecord } from '../record/run-record.js';
import type { StudyRecord } from '../record/study-record.js';
import type { Caveat } from './caveats.js';
import type { Cell } from './level-table.js';
import { buildRunView } from './run-view.js';
import type { RecommendationView } from './study/recommendation-view.js';
import { buildStudyView } from './study-view.js';
import { rowsOf, type SideTable } from './tables/side-table.js';

/** A run as Markdown, ending in a line break. */
export function renderRunMarkdown(record: RunRecord): string {
  const view = buildRunView(record);
  const titles = view.columns.map(({ title, unit }) => escapeText(unit === '' ? title : `${title} (${unit})`));
  const rows = view.levels.map((_, row) => view.columns.map(({ cells }) => escapeText(showCell(cells[row]!))));
  return join([
    `## ${escapeText(view.model)}`,
    `**${escapeText(view.headline)}** ${escapeText(view.advice)}`.trimEnd(),
    escapeText(view.subject),
    rows.length === 0
      ? ''
      : table(
          titles,
          view.columns.map(({ isNumber }) => isNumber),
          rows,
        ),
    caveatList(view.caveats),
    ...view.tables.map(sideTable),
    `Repeat with:\n\n${fence(view.command, 'sh')}`,
  ]);
}

/** A sweep as Markdown, ending in a line break. */
export function renderStudyMarkdown(record: StudyRecord): string {
  const view = buildStudyView(record);
  const score = view.scoreUnit === '' ? view.scoreTitle : `${view.scoreTitle} (${view.scoreUnit})`;
  const p99 = view.p99Unit === '' ? 'p99' : `p99 (${view.p99Unit})`;
  const titles = ['#', 'Variant', score, 'Gain', p99, 'Concurrency', 'Status', 'Changed knobs'];
  const rows = view.ranking.map((row) => [
    escapeText(row.rank),
    row.mark === '' || row.mark === row.variantId
      ? escapeText(row.variantId)
      : `${escapeText(row.variantId)} (${escapeText(row.mark)})`,
    showCell(row.score),
    row.gain,
    row.p99,
    escapeText(row.load),
    escapeText(row.status),
    escapeText(row.changes),
  ]);
  const numbers = [true, false, true, true, true, true, false, false];
  return join([
    `## ${escapeText(view.model)}`,
    `**${escapeText(view.headline)}** ${escapeText(view.advice)}`,
    escapeText(view.subject),
    caveatList(view.caveats),
    ...view.recommendations.map(recommendation),
    rows.length === 0 ? '' : `### Variants\n\n${table(titles, numbers, rows)}`,
    escapeText(view.rankingRest),
    ...view.tables.map(sideTable),
    `Repeat with:\n\n${fence(view.command, 'sh')}`,
  ]);
}

const recommendation = (view: RecommendationView): string =>
  [
    `### ${escapeText(view.title)}`,
    `Variant ${escapeText(view.id)}, gain ${view.gain}.`,
    view.needs.map(escapeText).join(' '),
    fence(view.diff.trimEnd(), 'diff'),
    ...view.steps.map(({ purpose, command }) => `${escapeText(purpose)}:\n\n${fence(command, 'sh')}`),
  ]
    .filter(Boolean)
    .join('\n\n');

function sideTable(side: SideTable): string {
  const titles = side.columns.map(({ title, unit }) => escapeText(unit === '' ? title : `${title} (${unit})`));
  const isNumber = side.columns.map((column) => column.isNumber);
  const rows = rowsOf(side).map((cells) => cells.map(escapeText));
  return [
    `### ${escapeText(side.title)}`,
    table(titles, isNumber, rows),
    escapeText(side.note),
    bulletList(side.remarks ?? []),
  ]
    .filter(Boolean)
    .join('\n\n');
}

const join = (parts: readonly string[]): string => `${parts.filter(Boolean).join('\n\n')}\n`;

const showCell = ({ text, bounds }: Cell): string => {
  if (bounds === '') return text;
  return bounds.startsWith('±') ? `${text} ${bounds}` : `${text} (${bounds})`;
};

function table(titles: readonly string[], isNumber: readonly boolean[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(titles), line(isNumber.map((number) => (number ? '---:' : '---'))), ...rows.map(line)].join('\n');
}

const bulletList = (lines: readonly string[]): string => lines.map((line) => `- ${escapeText(line)}`).join('\n');

const caveatList = (caveats: readonly Caveat[]): string =>
  caveats.map(({ kind, text }) => `- ${kind === 'warning' ? '**Warning:** ' : ''}${escapeText(text)}`).join('\n');

/** A code block whose fence is longer than any run of backticks within. */
function fence(code: string, language: string): string {
  const shown = withoutControls(code);
  const longest = [...shown.matchAll(/`+/g)].reduce((most, [ticks]) => Math.max(most, ticks.length), 2);
  const ticks = '`'.repeat(longest + 1);
  return `${ticks}${language}\n${shown}\n${ticks}`;
}

/** Text that Markdown shows as it is: no markup, links, HTML or table cells come out of it. */
const escapeText = (text: string): string =>
  onOneLine(text)
    .replaceAll('&', '&amp;')
    .replace(/[\\`*{}[\]<>|#~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])/g, '\\$&')
    // Not every renderer takes a backslash before what would begin a tag.
    .replace(/\\<(?=[A-Za-z/!?])/g, '&lt;');
