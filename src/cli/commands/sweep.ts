/** `perf-ts sweep -m MODEL`: try variants, confirm the best, recommend a config.pbtxt. */
import { join } from 'node:path';
import { PerfTsError } from '../../common/errors.js';
import { keepWrites } from '../../common/kept-writes.js';
import { type OptionValues, optional, repeated, toggle } from '../../common/option-row.js';
import { seconds } from '../../common/units.js';
import { parseChoice, parseDuration, parseInteger, parseText } from '../../common/value-parsers.js';
import { parseModels } from '../../plan/parse-load-options.js';
import { createStudyStore, openStudyStore, type StudyStore } from '../../record/study-store.js';
import { renderStudyReportText } from '../../report/study-console.js';
import { resolveRuntime } from '../../runtime/resolve-runtime.js';
import { type Constraint, parseConstraint } from '../../tune/objectives/constraint.js';
import { objectiveNames, parseObjective } from '../../tune/objectives/objective.js';
import { applyRecommendation } from '../../tune/results/apply-recommendation.js';
import type { SavedRecommendation } from '../../tune/results/save-recommendations.js';
import { strategyNames } from '../../tune/strategies/strategy-table.js';
import { runSweep, type SweepOptions } from '../../tune/sweep.js';
import { readSweepFile } from '../../tune/sweep-files/sweep-file.js';
import { earlierBudget, newestHeader, type ResumedSweep } from '../../tune/sweep-resume.js';
import { jointName } from '../../tune/together/member.js';
import { type CommandContext, defineCommand } from '../command.js';
import { exitCodeOfStudy } from '../exit-code.js';
import { reportLate } from '../report-error.js';
import { createStudyProgress } from '../study-progress.js';
import { findSweepFile } from '../sweep-path.js';
import {
  jsonRow,
  maxErrorRateRow,
  modelRepositoryRow,
  modelVersionRow,
  resultsRow,
  shapeRow,
} from './measure-options.js';
import { withoutSecrets } from './measure-requests.js';
import { contentArguments, contentRows, readContents } from './request-contents.js';
import { runtimeRow } from './runtime-options.js';
import { chooseModels, locateModels, modelsOf, sweptModelsRow } from './sweep-models.js';
import { withFileRequests } from './sweep-requests.js';
import { choiceThen, findStudyToResume, isGiven, mergeOptions, pathThen, type StudyToResume } from './sweep-resume.js';
import { sweepServerRows } from './sweep-server.js';

const rows = {
  model: sweptModelsRow,
  modelVersion: modelVersionRow,
  modelRepository: modelRepositoryRow,
  ...sweepServerRows,
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
  allowSmallerBatch: toggle({
    flag: 'allow-smaller-batch',
    group: 'Search',
    help: 'also propose what narrows the contract with clients, such as a lower max_batch_size; a sweep file may list such values instead',
  }),
  strategy: optional({
    flag: 'strategy',
    placeholder: strategyNames.join('|'),
    group: 'Search',
    help: 'how variants are chosen (default forest, led by a model of the results)',
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
  ...contentRows,
  maxErrorRate: maxErrorRateRow,
  strict: toggle({
    flag: 'strict',
    group: 'Search',
    help: 'exit code 5 where the sweep could not tell whether anything is better than the default; else 0 with a warning',
  }),
  seed: optional({
    flag: 'seed',
    placeholder: 'N',
    group: 'Search',
    help: 'seed of everything random in the sweep (default 1)',
    parse: parseInteger(0, 0xffff_ffff),
  }),
  resume: optional({
    flag: 'resume',
    placeholder: '[DIR]',
    group: 'Search',
    help: 'go on with the study in this folder, or with the newest unfinished one, within its budget or a new --budget',
    parse: (text) => text,
  }),
  force: toggle({
    flag: 'force',
    group: 'Search',
    help: 'with --resume: go on although the model, the engine, the host or the question changed since',
  }),
  results: resultsRow,
  json: jsonRow,
} as const;

function parsePrice(text: string): number {
  const price = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
  if (price <= 0) throw new Error(`must be a price above 0, such as 1.20, not '${text}'`);
  return price;
}

const isFirstOfItsText = ({ text }: Constraint, index: number, all: readonly Constraint[]): boolean =>
  all.findIndex((other) => other.text === text) === index;

type SweepValues = OptionValues<typeof rows>;

const DEFAULT_BUDGET = seconds(180);

export const sweepCommand = defineCommand({
  usage: 'perf-ts sweep -m MODEL [options]',
  examples: [
    ['perf-ts sweep -m mine -u localhost:8001', 'tune a model of a running Triton in explicit mode'],
    ['perf-ts sweep -m simple_cnn --budget 60s', 'tune a demo model for throughput in a minute'],
    ['perf-ts sweep -m simple_cnn:3 -m text_recognition:1', 'tune two models that share the host, 3 requests to 1'],
    ['perf-ts sweep -m mine --model-repository ./models --constraint "latency_p99 <= 20ms"', 'tune within a limit'],
  ],
  rows,
  run: sweep,
});

async function sweep(values: SweepValues, context: CommandContext): Promise<number> {
  if (values.resume !== undefined) return resume(values, values.resume, context);
  if (values.force) {
    throw new PerfTsError('BAD_OPTION', { where: '--force', what: 'has a meaning only with --resume' });
  }
  return run(values, context, undefined);
}

/** With the options that the study was begun with, but for those given now. */
async function resume(given: SweepValues, place: string, context: CommandContext): Promise<number> {
  const found = await findStudyToResume(
    place,
    given.results,
    given.model.length === 0 ? undefined : jointName(parseModels(given.model).map(({ model }) => model)),
  );
  try {
    return await goOn(found, given, context);
  } finally {
    await found.release();
  }
}

async function goOn(found: StudyToResume, given: SweepValues, context: CommandContext): Promise<number> {
  const { path, journal, isComplete, release } = found;
  const [header] = journal.headers;
  const resumed = { journal, isForced: given.force };
  const merged = await mergeOptions(sweepCommand, given, context.argv, header);
  const wasGiven = (row: (typeof rows)[keyof typeof rows]): boolean => isGiven(row, context.argv);
  const budget = wasGiven(rows.budget) ? given.budget : earlierBudget(resumed);
  if (isComplete && (budget ?? 0) <= earlierBudget(resumed)) {
    const what = `${path} is complete: there is nothing to go on with`;
    throw new PerfTsError('BAD_OPTION', { where: '--resume', what, hint: 'give it a larger --budget to search on' });
  }
  const values = {
    ...merged,
    model: given.model.length > 0 ? given.model : modelsOf(newestHeader(resumed)),
    budget,
    file: wasGiven(rows.file) ? given.file : pathThen(merged.file, header),
    inputData: wasGiven(rows.inputData)
      ? given.inputData
      : merged.inputData.map((choice) => choiceThen(choice, header)),
    modelRepository: wasGiven(rows.modelRepository) ? given.modelRepository : pathThen(merged.modelRepository, header),
  };
  context.terminal.milestone(
    `Going on with ${path}, of which ${journal.trials.length === 1 ? '1 trial is' : `${journal.trials.length} trials are`} done.`,
  );
  return run(values, context, { ...resumed, path, release });
}

async function run(
  values: SweepValues,
  context: CommandContext,
  resumed: (ResumedSweep & Pick<StudyToResume, 'path' | 'release'>) | undefined,
): Promise<number> {
  const { terminal, signal } = context;
  const file = values.file === undefined ? undefined : await readSweepFile(findSweepFile(values.file));
  for (const note of file?.notes ?? []) terminal.milestone(note);
  const swept = chooseModels(values.model, file);
  const local = await locateModels(values, swept, terminal);
  const { name: model, together } = local;
  const requests = withFileRequests(values, values.file, swept, context.argv);
  const options: SweepOptions = {
    model,
    modelFolder: local.modelFolder,
    together,
    server: local.server,
    isDemoModel: local.isDemoModel,
    ortLibrary: values.runtime === undefined ? undefined : resolveRuntime(values.runtime).libraryPath,
    budget: values.budget ?? file?.budget ?? DEFAULT_BUDGET,
    objective: values.objective ?? swept[0]?.objective ?? file?.objective ?? parseObjective('throughput'),
    constraints: [
      ...(file?.constraints ?? []),
      ...swept.flatMap((one) => one.constraints ?? []).filter(isFirstOfItsText),
      ...values.constraints,
    ],
    strategy: values.strategy ?? file?.strategy ?? 'forest',
    seed: values.seed ?? file?.seed ?? 1,
    maxErrorRatio: values.maxErrorRate,
    mayNarrow: values.allowSmallerBatch,
    knobs: together === undefined ? swept[0]?.knobs : file?.knobs,
    optionalKnobs: swept[0]?.optionalKnobs,
    concurrency: values.concurrency ?? file?.concurrency,
    batchSize: file?.batchSize,
    pricePerHour: values.pricePerHour ?? file?.pricePerHour,
    runtimes: file?.runtimes,
    modelVersion: values.modelVersion,
    requestArguments: [
      ...(values.modelVersion === '' ? [] : ['-x', values.modelVersion]),
      ...requests.shapes.flatMap(({ input, dims }) => ['--shape', `${input}:${dims.join(',')}`]),
      ...contentArguments(requests),
    ],
    requests: {
      ...(await readContents(requests)),
      shapes: Object.fromEntries(requests.shapes.map(({ input, dims }) => [input, dims])),
    },
    resume: resumed,
    command: ['perf-ts', ...withoutSecrets(context.argv)],
  };
  const store =
    resumed === undefined
      ? await createStudyStore({ resultsFolder: values.results, model })
      : await openStudyStore(resumed.path, resumed.journal, resumed.release);
  const writes = keepWrites((fault) => terminal.milestone(`Kept what there is, although: ${fault.message}`));
  let hasGoneOn = false;
  try {
    const progress = createStudyProgress(terminal, { objective: options.objective });
    let saved: readonly SavedRecommendation[] = [];
    const record = await runSweep(options, {
      store,
      listener: {
        ...progress,
        // From the first finished trial on there is something to go on with, whatever happens then.
        onTrial(trial, standing) {
          hasGoneOn = true;
          progress.onTrial(trial, standing);
        },
      },
      signal,
      onLeftOut: (sentence) => terminal.milestone(sentence),
      onSaved(written) {
        saved = written;
      },
      onUnsaved: (fault) => void writes.attempt(() => Promise.reject(fault)),
    });
    progress.close();
    if (record.trials.length === 0 && resumed === undefined)
      throw new PerfTsError('INTERRUPTED', { what: 'stopped before a trial was finished' });
    const hasReport = await writes.attempt(async () => {
      const { renderStudyReport } = await import('../../report/html-report.js');
      await store.saveText('report.html', await renderStudyReport(record));
    });
    if (values.json) terminal.printJson(record);
    else terminal.print(renderStudyReportText(record, { width: terminal.width, color: terminal.hasColor }));
    const tell = values.json ? terminal.say : terminal.print;
    tellWhere(store, saved, hasReport, tell);
    if (local.modelFolder === undefined && saved.length > 0)
      tell('Note         config.pbtxt alone: the model’s files are the server’s');
    if (record.state !== 'complete' && store.isKept) tell(`Go on with   perf-ts sweep --resume ${store.directory}`);
    if (values.apply && local.modelFolder !== undefined) {
      const places = together ?? [{ name: model, folder: local.modelFolder }];
      await writes.attempt(() => apply(saved, new Map(places.map(({ name, folder }) => [name, folder])), tell));
    }
    return reportLate(writes.faults, terminal, exitCodeOfStudy(record, values.strict));
  } catch (thrown) {
    if (hasGoneOn && store.isKept)
      terminal.milestone(`Finished trials are kept; go on with: perf-ts sweep --resume ${store.directory}`);
    throw thrown;
  } finally {
    await writes.attempt(() => store.close());
    // A no-op once a trial is on disk.
    await store.discard();
  }
}

async function apply(
  saved: readonly SavedRecommendation[],
  folders: ReadonlyMap<string, string>,
  tell: (text: string) => void,
): Promise<void> {
  const portable = saved.filter(({ kind }) => kind === 'portable');
  if (portable.length === 0) {
    const why = saved.length === 0 ? 'there is no recommendation' : 'no recommendation that a real Triton would take';
    tell(`Applied      nothing: ${why}`);
  }
  for (const { model, modelFolder: recommended } of portable) {
    const folder = folders.get(model);
    if (folder === undefined) continue;
    const { changed, backups } = await applyRecommendation(recommended, folder, new Date());
    tell(`Applied      ${changed.join(', ') || 'nothing: it is there already'} in ${folder}`);
    if (backups.length > 0) tell(`Kept         ${backups.join(', ')}`);
  }
}

function tellWhere(
  store: StudyStore,
  saved: readonly SavedRecommendation[],
  hasReport: boolean,
  tell: (text: string) => void,
): void {
  const place = (name: string): string => join(store.directory, name);
  const lines = [
    ...(store.isKept ? [`Record       ${place('study.json')}`] : []),
    ...(hasReport ? [`Report       ${place('report.html')}`] : []),
  ];
  for (const kind of new Set(saved.map((one) => one.kind))) {
    lines.push(
      `Recommended  ${place(join('recommended', kind))}${kind === 'engine' ? ' (only for perf-ts serve)' : ''}`,
    );
  }
  tell(`\n${lines.join('\n')}`);
}
