/**
 * A sweep for a terminal: ranking, what was proved, what is recommended as its diff, which knobs mattered, what failed,
 * and the answer last, where the eye is when the text has run past.
 */
import { createColors } from 'picocolors';
import { withoutControls } from '../common/safe-text.js';
import { wrapText } from '../common/wrap-text.js';
import type { StudyRecord } from '../record/study-record.js';
import { type ConsoleOptions, renderCaveats } from './console-table.js';
import { type PlainColumn, plainTableWidth, renderPlainTable } from './plain-table.js';
import { budgetRemarks } from './study/budget-table.js';
import type { RecommendationView } from './study/recommendation-view.js';
import { buildStudyView, type RankingRow, type StudyView } from './study-view.js';
import { clipColumn, renderSideTable } from './tables/side-table-text.js';

type Colors = ReturnType<typeof createColors>;

const WIDEST = 120;
/** Less than this is no use for a list of changed knobs. */
const LEAST_TEXT = 16;

/** The whole text, without a final line break. */
export function renderStudyReportText(record: StudyRecord, options: ConsoleOptions): string {
  const colors = createColors(options.color);
  const width = Math.min(options.width, WIDEST);
  const view = buildStudyView(record);
  const parts = [
    wrapText(`${colors.bold(withoutControls(view.model))}: ${withoutControls(view.subject)}`, width),
    view.ranking.length > 0 ? renderRanking(view, width, colors) : '',
    ...view.tables.filter(({ isDetail }) => !isDetail).map((table) => renderSideTable(table, width, colors)),
    budgetRemarks(record)
      .map((line) => colors.dim(wrapText(withoutControls(line), width)))
      .join('\n'),
    ...view.recommendations.map((recommendation) => renderRecommendation(recommendation, width, colors)),
    `${colors.bold(wrapText(view.headline, width))}\n${wrapText(view.advice, width)}`,
    renderCaveats(view.caveats, width, colors),
  ];
  return parts.filter(Boolean).join('\n\n');
}

function renderRanking(view: StudyView, width: number, colors: Colors): string {
  const columns = rankingColumns(view);
  const text = (key: 'status' | 'changes'): PlainColumn => ({
    title: key === 'status' ? 'Status' : 'Changed knobs',
    align: 'left',
    cells: view.ranking.map((row) => withoutControls(row[key])),
  });
  const room = width - plainTableWidth(columns) - 2;
  const status = clipColumn(text('status'), Math.max(LEAST_TEXT, Math.min(room, 34)));
  const changesRoom = room - plainTableWidth([status]) - 2;
  const all =
    changesRoom < LEAST_TEXT ? [...columns, status] : [...columns, status, clipColumn(text('changes'), changesRoom)];
  const table = renderPlainTable(all, (cell, column, row) => {
    if (row < 0) return colors.dim(cell);
    return paintRow(cell, column === 1, view.ranking[row], colors);
  });
  const hasMark = view.ranking.some((row) => row.mark === 'recommended');
  const notes = [hasMark ? '* recommended' : '', view.rankingRest].filter(Boolean);
  return [table, ...notes.map((note) => colors.dim(note))].join('\n');
}

function rankingColumns(view: StudyView): PlainColumn[] {
  const { ranking } = view;
  const withUnit = (title: string, unit: string): string => (unit === '' ? title : `${title} ${unit}`);
  const title = view.scoreUnit === 'inferences/s' ? 'Inferences/s' : withUnit(view.scoreTitle, view.scoreUnit);
  return [
    { title: '#', align: 'right', cells: ranking.map((row) => row.rank) },
    {
      title: 'Variant',
      align: 'left',
      cells: ranking.map((row) => `${row.variantId}${row.mark === 'recommended' ? ' *' : ''}`),
    },
    { title, align: 'right', cells: ranking.map(({ score }) => `${score.text} ${score.bounds}`.trim()) },
    { title: 'Gain', align: 'right', cells: ranking.map((row) => row.gain) },
    { title: withUnit('p99', view.p99Unit), align: 'right', cells: ranking.map((row) => row.p99) },
    { title: 'Conc.', align: 'right', cells: ranking.map((row) => row.load) },
  ];
}

function paintRow(cell: string, isName: boolean, row: RankingRow | undefined, colors: Colors): string {
  if (row === undefined) return cell;
  if (row.mark === 'recommended' && isName) return colors.green(cell);
  return row.rank === '–' ? colors.dim(cell) : cell;
}

/** The diff has the reasons on its lines; the whole config lies on disk. */
function renderRecommendation(view: RecommendationView, width: number, colors: Colors): string {
  const head = `${colors.bold(view.title)}  ${view.id}, ${view.gain}`;
  const diff = view.diff
    .trimEnd()
    .split('\n')
    .map((line) => paintDiffLine(withoutControls(line), colors));
  const steps = view.steps.map(({ purpose, command }) => `${colors.dim(`${purpose}:`)}\n  ${withoutControls(command)}`);
  const needs = view.needs.map((need) => wrapText(withoutControls(need), width));
  return [head, diff.join('\n'), ...needs, steps.join('\n')].join('\n\n');
}

function paintDiffLine(line: string, colors: Colors): string {
  if (line.startsWith('+++') || line.startsWith('---') || line.startsWith('@@')) return colors.dim(line);
  if (line.startsWith('+')) return colors.green(line);
  return line.startsWith('-') ? colors.red(line) : line;
}
