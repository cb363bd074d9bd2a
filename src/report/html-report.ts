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
import { contentSecurityPolicy, escapeJson, pageScripts } from './page-scripts.js';
import { pageStyle, renderTemplate } from './page-template.js';
import { buildRunView } from './run-view.js';
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
  const tables = view.tables.map((table) => ({ remarks: [], ...table, rows: rowsWithKinds(table) }));
  return renderPage('run', record, { ...view, rows, tables, settings }, runFigures(record));
}

const rowsWithKinds = (table: SideTable) =>
  rowsOf(table).map((cells) => cells.map((text, index) => ({ text, isNumber: table.columns[index]!.isNumber })));

/** A sweep's report page. Throws only for bugs. */
export async function renderStudyReport(record: StudyRecord): Promise<string> {
  const view = buildStudyView(record);
  const recommendations = view.recommendations.map((recommendation) => ({
    ...recommendation,
    diffLines: diffLines(recommendation.diff),
  }));
  const ranking = view.ranking.map((row) => ({ ...row, isMarked: row.mark !== '' && row.mark !== row.variantId }));
  const settings = [{ title: 'The default’s config.pbtxt', text: record.default.configPbtxt }];
  return renderPage('study', record, { ...view, recommendations, ranking, settings }, studyFigures(record));
}

const showJson = (value: unknown): string =>
  value === null || value === undefined ? '' : JSON.stringify(value, null, 2);

async function renderPage(
  template: 'run' | 'study',
  record: RunRecord | StudyRecord,
  view: object,
  figures: readonly Figure[],
): Promise<string> {
  const drawn = [];
  for (const figure of figures) drawn.push(await drawFigure(figure));
  const scripts = drawn.length === 0 ? [] : await pageScripts();
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

interface DrawnFigure extends Omit<Figure, 'charts' | 'legend'> {
  readonly legend: readonly Required<LegendItem>[];
  readonly charts: readonly (Omit<DrawnChart, 'vegaJson'> & { readonly json: string })[];
}

async function drawFigure(figure: Figure): Promise<DrawnFigure> {
  const charts = [];
  for (const chart of figure.charts) {
    const { vegaJson, ...drawn } = await drawChart(chart);
    charts.push({ ...drawn, json: escapeJson(vegaJson) });
  }
  const legend = figure.legend.map((item) => ({ isHollow: false, ...item }));
  return { ...figure, legend, charts };
}

type DiffKind = 'added' | 'removed' | 'context' | 'place';

/** A unified diff's lines with their kind, file headers left out. */
function diffLines(diff: string): { kind: DiffKind; text: string }[] {
  const lines = diff.trimEnd().split('\n');
  const body = lines.slice(
    Math.max(
      0,
      lines.findIndex((line) => line.startsWith('@@')),
    ),
  );
  return body.map((text) => ({ kind: diffKind(text), text }));
}

function diffKind(line: string): DiffKind {
  if (line.startsWith('+')) return 'added';
  if (line.startsWith('-')) return 'removed';
  return line.startsWith('@@') ? 'place' : 'context';
}
