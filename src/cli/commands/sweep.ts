/** `perf-ts sweep -m MODEL`: try variants, confirm the best, recommend a config.pbtxt. */
import { join } from 'node:path';
import { PerfTsError } from '../../common/errors.js';
import { type OptionValues, optional, repeated } from '../../common/option-row.js';
import { seconds } from '../../common/units.js';
import { parseChoice, parseDuration, parseInteger, parseText } from '../../common/value-parsers.js';
import { createStudyStore, type StudyStore } from '../../record/study-store.js';
import { renderStudyReportText } from '../../report/study-console.js';
import { findLocalModel } from '../../target/choose-target.js';
import { parseConstraint } from '../../tune/constraint.js';
import { parseObjective } from '../../tune/objective.js';
import { strategyNames } from '../../tune/strategies/strategy-table.js';
import { runSweep, type SweepOptions } from '../../tune/sweep.js';
import { readSweepFile } from '../../tune/sweep-file.js';
import { type CommandContext, defineCommand } from '../command.js';
import { exitCodes } from '../exit-code.js';
import { createStudyProgress } from '../study-progress.js';
import { findSweepFile } from '../sweep-path.js';
import { jsonRow, measureRows, modelRepositoryRow, modelRow, resultsRow, shapeRow } from './measure-options.js';

const rows = {
  model: modelRow,
  modelRepository: modelRepositoryRow,
  file: optional({
    flag: 'file',
    aliases: ['f'],
    placeholder: 'FILE',
    group: 'Search',
    help: 'sweep file: knobs, objective, constraints, budget; sweeps/NAME.yaml names one that ships',
    parse: parseText,
  }),
  budget: optional({
    flag: 'budget',
    placeholder: 'DURATION',
    group: 'Search',
    help: 'time for everything, confirmation included (default 3m)',
    parse: parseDuration,
  }),
  objective: optional({
    flag: 'objective',
    placeholder: 'METRIC',
    group: 'Search',
    help: 'throughput, latency_mean, latency_p50, latency_p90, latency_p95 or latency_p99 (default throughput)',
    parse: parseObjective,
  }),
  constraints: repeated({
    flag: 'constraint',
    placeholder: 'LIMIT',
    group: 'Search',
    help: 'such as "latency_p99 <= 20ms"; repeatable',
    parse: parseConstraint,
  }),
  strategy: optional({
    flag: 'strategy',
    placeholder: strategyNames.join('|'),
    group: 'Search',
    help: 'how variants are chosen (default quick, a hill climb)',
    parse: parseChoice(...strategyNames),
  }),
  concurrency: optional({
    flag: 'concurrency',
    placeholder: 'N',
    group: 'Load',
    help: 'requests in flight for every variant, instead of each variant’s own load',
    parse: parseInteger(1, 4096),
  }),
  shapes: shapeRow,
  inputData: measureRows.inputData,
  stringLength: measureRows.stringLength,
  seed: optional({
    flag: 'seed',
    placeholder: 'N',
    group: 'Search',
    help: 'seed of everything random in the sweep (default 1)',
    parse: parseInteger(0, 0xffff_ffff),
  }),
  results: resultsRow,
  json: jsonRow,
} as const;

type SweepValues = OptionValues<typeof rows>;

const DEFAULT_BUDGET = seconds(180);

export const sweepCommand = defineCommand({
  usage: 'perf-ts sweep -m MODEL [options]',
  examples: [
    ['perf-ts sweep -m simple_cnn --budget 60s', 'tune a demo model for throughput in a minute'],
    ['perf-ts sweep -m mine --model-repository ./models --constraint "latency_p99 <= 20ms"', 'tune within a limit'],
  ],
  rows,
  run: sweep,
});

async function sweep(values: SweepValues, context: CommandContext): Promise<number> {
  const { terminal, signal } = context;
  const file = values.file === undefined ? undefined : await readSweepFile(findSweepFile(values.file));
  const local = await findLocalModel(values.model, values.modelRepository, (sentence) => terminal.milestone(sentence));
  if (local.isDemoModel) terminal.milestone(`Tuning '${values.model}', a demo model with random weights.`);
  const options: SweepOptions = {
    model: values.model,
    modelFolder: local.modelFolder,
    isDemoModel: local.isDemoModel,
    budget: values.budget ?? file?.budget ?? DEFAULT_BUDGET,
    objective: values.objective ?? file?.objective ?? parseObjective('throughput'),
    constraints: [...(file?.constraints ?? []), ...values.constraints],
    strategy: values.strategy ?? file?.strategy ?? 'quick',
    seed: values.seed ?? file?.seed ?? 1,
    knobs: file?.knobs,
    concurrency: values.concurrency ?? file?.concurrency,
    requests: {
      shapes: Object.fromEntries(values.shapes.map(({ input, dims }) => [input, dims])),
      inputSource: values.inputData,
      stringLengthBytes: values.stringLength,
    },
    command: ['perf-ts', ...context.argv],
  };
  const store = await createStudyStore({ resultsFolder: values.results, model: values.model });
  let isKept = false;
  try {
    const progress = createStudyProgress(terminal);
    const record = await runSweep(options, { store, listener: progress, signal });
    progress.close();
    isKept = record.trials.length > 0;
    if (!isKept) throw new PerfTsError('INTERRUPTED', { what: 'stopped before a trial was finished' });
    const { renderStudyReport } = await import('../../report/html-report.js');
    await store.saveText('report.html', await renderStudyReport(record));
    if (values.json) terminal.print(JSON.stringify(record));
    else terminal.print(renderStudyReportText(record, { width: terminal.width, color: terminal.hasColor }));
    tellWhere(store, record.recommended.portable !== null, values.json ? terminal.say : terminal.print);
    return record.trials.some(({ state }) => state === 'complete') ? exitCodes.ok : exitCodes.noValidLevel;
  } finally {
    await store.close();
    if (!isKept) await store.discard();
  }
}

function tellWhere(store: StudyStore, hasRecommendation: boolean, tell: (text: string) => void): void {
  const place = (name: string): string => join(store.directory, name);
  const lines = [`Record       ${place('study.json')}`, `Report       ${place('report.html')}`];
  if (hasRecommendation) lines.push(`Recommended  ${place('recommended')}`);
  tell(`\n${lines.join('\n')}`);
}
