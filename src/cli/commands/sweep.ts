/** `perf-ts sweep -m MODEL`: try variants, confirm the best, recommend a config.pbtxt. */
import { join } from 'node:path';
import { PerfTsError } from '../../common/errors.js';
import { type OptionValues, optional, repeated, toggle } from '../../common/option-row.js';
import { seconds } from '../../common/units.js';
import { parseChoice, parseDuration, parseInteger, parseText } from '../../common/value-parsers.js';
import { createStudyStore, type StudyStore } from '../../record/study-store.js';
import { renderStudyReportText } from '../../report/study-console.js';
import { resolveRuntime } from '../../runtime/resolve-runtime.js';
import { findLocalModel } from '../../target/choose-target.js';
import { parseConstraint } from '../../tune/constraint.js';
import { objectiveNames, parseObjective } from '../../tune/objective.js';
import { applyRecommendation } from '../../tune/results/apply-recommendation.js';
import type { SavedRecommendation } from '../../tune/results/save-recommendations.js';
import { strategyNames } from '../../tune/strategies/strategy-table.js';
import { runSweep, type SweepOptions } from '../../tune/sweep.js';
import { readSweepFile, type SweepFile } from '../../tune/sweep-file.js';
import { type CommandContext, defineCommand } from '../command.js';
import { exitCodes } from '../exit-code.js';
import { createStudyProgress } from '../study-progress.js';
import { findSweepFile } from '../sweep-path.js';
import { jsonRow, modelRepositoryRow, modelRow, resultsRow, shapeRow } from './measure-options.js';
import { generatedDataRow, stringLengthRow } from './request-options.js';
import { runtimeRow } from './runtime-options.js';

/** A sweep file may name the model instead. */
const sweptModelRow = {
  flag: modelRow.flag,
  aliases: modelRow.aliases,
  placeholder: modelRow.placeholder,
  group: modelRow.group,
  help: 'model to tune, where the sweep file names none or several',
};

const rows = {
  model: optional({ ...sweptModelRow, parse: parseText }),
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
    help: `${objectiveNames.slice(0, -1).join(', ')} or ${objectiveNames.at(-1)} (default throughput)`,
    parse: parseObjective,
  }),
  constraints: repeated({
    flag: 'constraint',
    placeholder: 'LIMIT',
    group: 'Search',
    help: 'such as "latency_p99 <= 20ms"; repeatable',
    parse: parseConstraint,
  }),
  pricePerHour: optional({
    flag: 'price-per-hour',
    placeholder: 'PRICE',
    group: 'Search',
    help: 'what an hour of this host costs, for cost_per_million',
    parse: parsePrice,
  }),
  apply: toggle({
    flag: 'apply',
    group: 'Search',
    help: 'put the portable recommendation into the model repository, after a copy of what it replaces',
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
  runtime: runtimeRow,
  shapes: shapeRow,
  inputData: generatedDataRow,
  stringLength: stringLengthRow,
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

function parsePrice(text: string): number {
  const price = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
  if (price <= 0) throw new Error(`must be a price above 0, such as 1.20, not '${text}'`);
  return price;
}

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
  for (const note of file?.notes ?? []) terminal.milestone(note);
  const swept = chooseModel(values.model, file);
  const model = swept.name;
  const local = await findLocalModel(model, values.modelRepository, (sentence) => terminal.milestone(sentence));
  if (values.apply && local.isDemoModel) {
    const what = `has nothing to put it into: '${model}' is a demo model that perf-ts keeps in its cache`;
    throw new PerfTsError('BAD_OPTION', { where: '--apply', what, hint: 'name a --model-repository that has it' });
  }
  if (local.isDemoModel) terminal.milestone(`Tuning '${model}', a demo model with random weights.`);
  const options: SweepOptions = {
    model,
    modelFolder: local.modelFolder,
    isDemoModel: local.isDemoModel,
    ortLibrary: values.runtime === undefined ? undefined : resolveRuntime(values.runtime).libraryPath,
    budget: values.budget ?? file?.budget ?? DEFAULT_BUDGET,
    objective: values.objective ?? file?.objective ?? parseObjective('throughput'),
    constraints: [...(file?.constraints ?? []), ...values.constraints],
    strategy: values.strategy ?? file?.strategy ?? 'quick',
    seed: values.seed ?? file?.seed ?? 1,
    knobs: swept.knobs,
    concurrency: values.concurrency ?? file?.concurrency,
    batchSize: file?.batchSize,
    pricePerHour: values.pricePerHour ?? file?.pricePerHour,
    runtimes: file?.runtimes,
    requestArguments: requestArguments(values),
    requests: {
      shapes: Object.fromEntries(values.shapes.map(({ input, dims }) => [input, dims])),
      inputSource: values.inputData,
      stringLengthBytes: values.stringLength,
    },
    command: ['perf-ts', ...context.argv],
  };
  const store = await createStudyStore({ resultsFolder: values.results, model });
  let isKept = false;
  try {
    const progress = createStudyProgress(terminal);
    let saved: readonly SavedRecommendation[] = [];
    const record = await runSweep(options, {
      store,
      listener: progress,
      signal,
      onLeftOut: (sentence) => terminal.milestone(sentence),
      onSaved(written) {
        saved = written;
      },
    });
    progress.close();
    isKept = record.trials.length > 0;
    if (!isKept) throw new PerfTsError('INTERRUPTED', { what: 'stopped before a trial was finished' });
    const { renderStudyReport } = await import('../../report/html-report.js');
    await store.saveText('report.html', await renderStudyReport(record));
    if (values.json) terminal.print(JSON.stringify(record));
    else terminal.print(renderStudyReportText(record, { width: terminal.width, color: terminal.hasColor }));
    const tell = values.json ? terminal.say : terminal.print;
    tellWhere(store, saved, tell);
    if (values.apply) await apply(saved, local.modelFolder, tell);
    return record.trials.some(({ state }) => state === 'complete') ? exitCodes.ok : exitCodes.noValidLevel;
  } finally {
    await store.close();
    if (!isKept) await store.discard();
  }
}

/** The model of the command line, else the only one of the file; with the knobs that the file has for it. */
function chooseModel(
  name: string | undefined,
  file: SweepFile | undefined,
): Pick<SweepFile['models'][number], 'name' | 'knobs'> {
  const { models = [], tunesTogether = false, knobs } = file ?? {};
  const names = models.map((model) => model.name).join(', ');
  const listed = models.find((model) => model.name === name) ?? (models.length === 1 ? models[0] : undefined);
  if (name === undefined && models.length > 1) {
    const what = tunesTogether
      ? `the file tunes several models together (${names}), which this version cannot do yet`
      : `the file has several models: ${names}`;
    throw new PerfTsError('BAD_OPTION', { where: '--model', what, hint: 'choose one of them with -m' });
  }
  const chosen = name ?? listed?.name;
  if (chosen === undefined) throw new PerfTsError('BAD_OPTION', { where: '--model', what: 'is required' });
  return { name: chosen, knobs: (listed?.name === chosen ? listed.knobs : undefined) ?? knobs };
}

/** What requests hold, as a command that measures takes it. */
function requestArguments({ shapes, stringLength, inputData }: SweepValues): string[] {
  return [
    ...shapes.flatMap(({ input, dims }) => ['--shape', `${input}:${dims.join(',')}`]),
    ...(stringLength === undefined ? [] : ['--string-length', String(stringLength)]),
    ...(inputData === 'zero' ? ['--input-data', 'zero'] : []),
  ];
}

async function apply(
  saved: readonly SavedRecommendation[],
  modelFolder: string,
  tell: (text: string) => void,
): Promise<void> {
  const portable = saved.find(({ kind }) => kind === 'portable');
  if (portable === undefined) {
    tell('Applied      nothing: no recommendation that a real Triton would take');
    return;
  }
  const { changed, backups } = await applyRecommendation(portable.modelFolder, modelFolder, new Date());
  tell(`Applied      ${changed.join(', ') || 'nothing: it is there already'} in ${modelFolder}`);
  if (backups.length > 0) tell(`Kept         ${backups.join(', ')}`);
}

function tellWhere(store: StudyStore, saved: readonly SavedRecommendation[], tell: (text: string) => void): void {
  const place = (name: string): string => join(store.directory, name);
  const lines = [`Record       ${place('study.json')}`, `Report       ${place('report.html')}`];
  for (const { kind } of saved) {
    lines.push(
      `Recommended  ${place(join('recommended', kind))}${kind === 'engine' ? ' (only for perf-ts serve)' : ''}`,
    );
  }
  tell(`\n${lines.join('\n')}`);
}
