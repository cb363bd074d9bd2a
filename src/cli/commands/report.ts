/** `perf-ts report RECORD…`: renders records again from what is on disk. */
import { PerfTsError } from '../../common/errors.js';
import { type OptionValues, optional, withDefault } from '../../common/option-row.js';
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

const formats = ['table', 'html', 'csv', 'metrics-csv', 'json', 'markdown'] as const;
type Format = (typeof formats)[number];

const rows = {
  format: withDefault({
    flag: 'format',
    placeholder: formats.join('|'),
    group: 'Output',
    help: 'what to render; csv of a run has perf_analyzer’s columns, metrics-csv every figure under perf-ts’s names',
    defaultText: 'table',
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
  const text = await render(await readRecord(path), values.format, context);
  if (values.output === undefined) {
    if (values.format === 'html') context.terminal.printDocument(text);
    else context.terminal.print(text.replace(/\n$/, ''));
    return exitCodes.ok;
  }
  await writeOutput('--output', values.output, text);
  return exitCodes.ok;
}

async function renderHtml(record: RunRecord | StudyRecord): Promise<string> {
  const { renderRunReport, renderStudyReport } = await import('../../report/html-report.js');
  return record.schema === 'perf-ts/run@1' ? renderRunReport(record) : renderStudyReport(record);
}

function render(
  record: RunRecord | StudyRecord,
  format: Format,
  { terminal }: CommandContext,
): Promise<string> | string {
  const options = { width: terminal.width, color: terminal.hasColor };
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
