/** `perf-ts -m MODEL …`: measure, show, save. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, PerfTsError } from '../../common/errors.js';
import type { OptionValues } from '../../common/option-row.js';
import { type Nanos, seconds } from '../../common/units.js';
import { renderRunTable } from '../../report/console-table.js';
import { renderRunCsv } from '../../report/csv.js';
import { type FinishedRun, type MeasurementOptions, runMeasurement } from '../../run/run-measurement.js';
import { type CommandContext, defineCommand } from '../command.js';
import { exitCodeOfError, exitCodeOfVerdicts } from '../exit-code.js';
import { createLevelProgress } from '../level-progress.js';
import { measureRows } from './measure-options.js';

type MeasureValues = OptionValues<typeof measureRows>;

export const measureCommand = defineCommand({
  usage: 'perf-ts -m MODEL [options]',
  examples: [
    ['perf-ts -m text_recognition --concurrency-range 1:64', 'a demo model on the bundled engine'],
    ['perf-ts -m resnet50 -u localhost:8001 --concurrency-range 1:32', 'a model on a running server'],
    ['perf-ts -m mine --model-repository ./models -b 8', 'your model on the bundled engine'],
  ],
  rows: measureRows,
  run: measure,
});

async function measure(values: MeasureValues, context: CommandContext): Promise<number> {
  const { terminal, signal } = context;
  const progress = createLevelProgress(terminal);
  const finished = await runMeasurement(toMeasurementOptions(values, context.argv), progress, signal);
  progress.close();
  await showRun(finished, values, context);
  if (finished.failure !== undefined) {
    terminal.say(`perf-ts: the run ended early: ${finished.failure.message}`);
    return exitCodeOfError(finished.failure.code);
  }
  return exitCodeOfVerdicts(finished.record.levels.map((level) => level.verdict));
}

function toMeasurementOptions(values: MeasureValues, argv: readonly string[]): MeasurementOptions {
  return {
    target: {
      server: values.server,
      endpoint: values.url,
      protocol: values.protocol,
      model: values.model,
      modelVersion: values.modelVersion,
      modelRepository: values.modelRepository,
    },
    plan: {
      sequence: values.concurrencyRange,
      batchSize: values.batchSize,
      shapes: Object.fromEntries(values.shapes.map(({ input, dims }) => [input, dims])),
      inputSource: values.inputData,
      stringLengthBytes: values.stringLength,
      stopRule: {
        minDuration: minTimeOf(values),
        maxDuration: values.maxTime,
        targetHalfWidth: values.confidenceTarget,
      },
      latencyLimit: values.latencyThreshold,
      requestTimeout: values.requestTimeout,
      workerCount: values.workers,
      seed: values.seed,
    },
    resultsFolder: values.results,
    command: ['perf-ts', ...argv],
  };
}

/** As long as perf_analyzer's window, unless the level may not last that long. */
const DEFAULT_MIN_TIME = seconds(5);

function minTimeOf({ minTime, maxTime }: MeasureValues): Nanos {
  if (minTime === undefined) return maxTime < DEFAULT_MIN_TIME ? maxTime : DEFAULT_MIN_TIME;
  if (minTime <= maxTime) return minTime;
  const hint = 'raise --max-time too';
  throw new PerfTsError('BAD_OPTION', { where: '--min-time', what: 'is longer than --max-time', hint });
}

async function showRun({ record, store }: FinishedRun, values: MeasureValues, context: CommandContext): Promise<void> {
  const { terminal } = context;
  // Loaded late: the charts’ libraries take half a second, which a mistyped option should not wait for.
  const { renderRunReport } = await import('../../report/html-report.js');
  await store.saveText('report.html', await renderRunReport(record));
  if (values.csv !== undefined) await writeCsv(values.csv, renderRunCsv(record));
  if (values.json) terminal.print(JSON.stringify(record));
  else terminal.print(renderRunTable(record, { width: terminal.width, color: terminal.hasColor }));
  const tell = values.json ? terminal.say : terminal.print;
  tell(`\nRecord  ${join(store.directory, 'run.json')}\nReport  ${join(store.directory, 'report.html')}`);
}

async function writeCsv(file: string, text: string): Promise<void> {
  await writeFile(file, text).catch((cause: unknown) => {
    throw new PerfTsError('OUTPUT_UNWRITABLE', { where: `--csv ${file}`, what: messageOf(cause) }, cause);
  });
}
