/**
 * Reports as one HTML file each, which reads without network, scripts or anything beside it. All text comes through
 * escaped templates; only SVG, JSON and scripts made here are inserted as they are, and scripts run by their hash alone.
 */
import type { RunRecord } from '../record/run-record.js';
import type { StudyRecord } from '../record/study-record.js';
import type { Figure, LegendItem } from './charts/chart.js';
import { type DrawnChart, drawChart } from './charts/draw-chart.js';
import { runFigures } from './charts/run-figures.js';
import { studyFigures } from './charts/study-figures.js';
import { describeTime } from './describe.js';
import { contentSecurityPolicy, escapeJson, pageScripts, trialScripts } from './page-scripts.js';
import { pageStyle, renderTemplate } from './page-template.js';
import { buildRunView } from './run-view.js';
import { type TrialTable, trialTable } from './study/trial-table.js';
import { buildStudyView } from './study-view.js';
import { rowsOf, type SideTable } from './tables/side-table.js';

/** A run's report page. Throws only for bugs. */
export async function renderRunReport(record: RunRecord): Promise<string> {
  const view = buildRunView(record);
  const rows = view.levels.map((_, row) => ({
    cells: view.columns.map(({ key, isNumber, cells }) => ({
      key,
      isNumber,
      isVerdict: key === 'verdict',
      ...cells[row]!,
    })),
  }));
  const settings = [
    { title: 'Load plan', text: showJson(record.plan) },
    { title: 'Model configuration', text: showJson(record.modelConfig) },
  ].filter(({ text }) => text !== '');
  const tables = view.tables.map(toPageTable);
  return renderPage('run', record, { ...view, rows, tables, settings }, runFigures(record));
}

/** With its rows, as templates go row by row; long texts may break. */
function toPageTable(table: SideTable) {
  const rows = rowsOf(table).map((cells) =>
    cells.map((text, index) => ({ text, kind: cellKind(text, table.columns[index]!.isNumber) })),
  );
  return { remarks: [], ...table, rows };
}

const LONG_TEXT = 40;

const cellKind = (text: string, isNumber: boolean): string =>
  isNumber ? 'number' : text.length > LONG_TEXT ? 'words' : '';

/** A sweep's report page. Throws only for bugs. */
export async function renderStudyReport(record: StudyRecord): Promise<string> {
  const view = buildStudyView(record);
  const recommendations = view.recommendations.map((recommendation) => ({
    ...recommendation,
    hasReasons: recommendation.changes.some(({ reason }) => reason !== ''),
    diffLines: diffLines(recommendation.diff),
  }));
  const ranking = view.ranking.map((row) => ({ ...row, isMarked: row.mark !== '' && row.mark !== row.variantId }));
  const settings = [{ title: 'The default’s config.pbtxt', text: record.default.configPbtxt }];
  const tables = view.tables.map(toPageTable);
  const leading = tables.filter(({ id }) => leadingTables.has(id));
  const figures = studyFigures(record);
  const withFigures = new Set([...leadingTables, ...figures.map(({ table }) => table?.id ?? '')]);
  const others = tables.filter(({ id }) => !withFigures.has(id));
  const trials = toPageTrials(trialTable(record));
  const content = { ...view, recommendations, ranking, settings, leading, tables: others, trials };
  return renderPage('study', record, content, figures, await trialScripts());
}

const toPageTrials = ({ columns, rows }: TrialTable) => ({
  columns,
  rows: rows.map((row) => ({
    ...row,
    cells: row.cells.map((cell, index) => ({
      ...cell,
      kind: columns[index]!.isNumber ? 'number' : columns[index]!.kind,
    })),
  })),
});

/** What answers how much is gained and how surely stands before the figures. */
const leadingTables: ReadonlySet<string> = new Set(['side-by-side', 'models', 'confirmation']);

const showJson = (value: unknown): string =>
  value === null || value === undefined ? '' : JSON.stringify(value, null, 2);

async function renderPage(
  template: 'run' | 'study',
  record: RunRecord | StudyRecord,
  view: object,
  figures: readonly Figure[],
  ownScripts: readonly string[] = [],
): Promise<string> {
  const drawn = [];
  for (const figure of figures) drawn.push(await drawFigure(figure));
  const scripts = [...(drawn.length === 0 ? [] : await pageScripts()), ...ownScripts];
  return renderTemplate(template, {
    ...view,
    style: await pageStyle(),
    policy: contentSecurityPolicy(scripts),
    scripts,
    figures: drawn,
    version: record.tool.version,
    madeAt: describeTime(record.finishedAt),
  });
}

interface DrawnFigure extends Omit<Figure, 'charts' | 'legend' | 'table'> {
  readonly legend: readonly Required<LegendItem>[];
  readonly charts: readonly (Omit<DrawnChart, 'vegaJson'> & { readonly json: string; readonly choicesJson: string })[];
  readonly table: ReturnType<typeof toPageTable> | null;
}

async function drawFigure(figure: Figure): Promise<DrawnFigure> {
  const charts = [];
  for (const chart of figure.charts) {
    const { vegaJson, ...drawn } = await drawChart(chart);
    const choicesJson = chart.choices === undefined ? '' : JSON.stringify(chart.choices);
    charts.push({ ...drawn, json: escapeJson(vegaJson), choicesJson });
  }
  const legend = figure.legend.map((item) => ({ isHollow: false, ...item }));
  return { ...figure, legend, charts, table: figure.table === undefined ? null : toPageTable(figure.table) };
}

type DiffKind = 'added' | 'removed' | 'context' | 'place';

interface DiffLine {
  readonly kind: DiffKind;
  readonly code: string;
  /** The explanation that an added line ends in; may be empty. */
  readonly comment: string;
}

/** A unified diff's lines with their kind; of the headers of files only the path, where it tells several models apart. */
function diffLines(diff: string): DiffLine[] {
  const lines = diff.trimEnd().split('\n');
  const first = lines.findIndex((line) => line.startsWith('@@') || modelOfHeader.test(line));
  return lines.slice(Math.max(0, first)).flatMap((line): DiffLine[] => {
    const [, path] = modelOfHeader.exec(line) ?? [];
    if (path !== undefined) return [{ kind: 'place', code: path, comment: '' }];
    if (line.startsWith('--- default/')) return [];
    const kind = diffKind(line);
    const at = kind === 'added' ? line.search(/(?<=^\+|\s)# /) : -1;
    return [at < 0 ? { kind, code: line, comment: '' } : { kind, code: line.slice(0, at), comment: line.slice(at) }];
  });
}

const modelOfHeader = /^\+\+\+ recommended\/(.+\/config\.pbtxt)$/;

function diffKind(line: string): DiffKind {
  if (line.startsWith('+')) return 'added';
  if (line.startsWith('-')) return 'removed';
  return line.startsWith('@@') ? 'place' : 'context';
}
