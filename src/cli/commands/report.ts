/** `perf-ts report RECORD…`: renders records again from what is on disk. */
import { extname } from 'node:path';
import { PerfTsError } from '../../common/errors.js';
import { type OptionValues, optional } from '../../common/option-row.js';
import { safeJson } from '../../common/safe-text.js';
import { parseChoice, parseText } from '../../common/value-parsers.js';
import { readRecord } from '../../record/read-record.js';
import type { RunRecord } from '../../record/run-record.js';
import type { StudyRecord } from '../../record/study-record.js';
import { renderRunTable } from '../../report/console-table.js';
import { renderMetricsCsv, renderStudyCsv } from '../../report/csv.js';
import { renderRunMarkdown, renderStudyMarkdown } from '../../report/markdown.js';
import { renderRunCsv } from '../../report/perf-analyzer/level-csv.js';
import { renderStudyReportText } from '../../report/study-console.js';
import { type CommandContext, defineCommand } from '../command.js';
import { exitCodes } from '../exit-code.js';
import { writeOutput } from '../output-file.js';
import { NO_TERMINAL_WIDTH } from '../terminal.js';

const formats = ['table', 'html', 'csv', 'metrics-csv', 'json', 'markdown'] as const;
type Format = (typeof formats)[number];

const rows = {
  format: optional({
    flag: 'format',
    placeholder: formats.join('|'),
    group: 'Output',
    help: 'what to render, else what the file’s ending says, else the table; csv of a run has perf_analyzer’s columns, metrics-csv every figure under perf-ts’s names',
    parse: parseChoice(...formats),
  }),
  output: optional({
    flag: 'output',
    aliases: ['o'],
    placeholder: 'FILE',
    group: 'Output',
    help: 'write into this file instead of to stdout',
    writes: 'file',
    parse: parseText,
  }),
} as const;

export const reportCommand = defineCommand({
  usage: 'perf-ts report RECORD [--format FORMAT] [-o FILE]',
  examples: [
    ['perf-ts report results/20260131T142501Z-resnet18-1a2b3c', 'the table again'],
    ['perf-ts report results/… --format markdown', 'for a pull request'],
  ],
  rows,
  takesPositionals: true,
  run: report,
});

async function report(values: OptionValues<typeof rows>, context: CommandContext): Promise<number> {
  const [path, ...more] = context.positionals;
  if (path === undefined || more.length > 0) {
    const what = path === undefined ? 'names no record' : 'takes one record at a time';
    throw new PerfTsError('BAD_OPTION', { where: 'report', what, hint: 'give a folder below results/' });
  }
  const format = values.format ?? formatOfFile(values.output);
  const text = await render(await readRecord(path), format, context, values.output !== undefined);
  if (values.output === undefined) {
    if (format === 'html') context.terminal.printDocument(text);
    else context.terminal.print(text.replace(/\n$/, ''));
    return exitCodes.ok;
  }
  await writeOutput('--output', values.output, text);
  return exitCodes.ok;
}

const endings: Readonly<Record<string, Format>> = {
  '.html': 'html',
  '.htm': 'html',
  '.csv': 'csv',
  '.json': 'json',
  '.md': 'markdown',
  '.markdown': 'markdown',
};

const formatOfFile = (path = ''): Format => endings[extname(path).toLowerCase()] ?? 'table';

async function renderHtml(record: RunRecord | StudyRecord): Promise<string> {
  const { renderRunReport, renderStudyReport } = await import('../../report/html-report.js');
  return record.schema === 'perf-ts/run@1' ? renderRunReport(record) : renderStudyReport(record);
}

function render(
  record: RunRecord | StudyRecord,
  format: Format,
  { terminal }: CommandContext,
  isFile: boolean,
): Promise<string> | string {
  const options = isFile
    ? { width: NO_TERMINAL_WIDTH, color: false, hasFixedColumns: true }
    : { width: terminal.width, color: terminal.hasColor, hasFixedColumns: !terminal.hasKnownWidth };
  const isRun = record.schema === 'perf-ts/run@1';
  switch (format) {
    case 'html':
      return renderHtml(record);
    case 'csv':
      return isRun ? renderRunCsv(record) : renderStudyCsv(record);
    case 'metrics-csv':
      return isRun ? renderMetricsCsv(record) : renderStudyCsv(record);
    case 'markdown':
      return isRun ? renderRunMarkdown(record) : renderStudyMarkdown(record);
    case 'json':
      return `${safeJson(record, 2)}\n`;
    case 'table':
      return isRun ? renderRunTable(record, options) : renderStudyReportText(record, options);
  }
}
