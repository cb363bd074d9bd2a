/**
 * A sweep from end to end: reads the model, builds the space, runs the study on fresh engines, saves the recommended
 * model folder. The command line calls this and nothing else of this room.
 */
import { systemClock } from '../common/clock.js';
import { PerfTsError } from '../common/errors.js';
import { type KeptWrites, keepWrites } from '../common/kept-writes.js';
import { packageVersion } from '../common/package-root.js';
import { elapsed, type Nanos, nanos, seconds } from '../common/units.js';
import { describeHost } from '../measure/limits/host-fingerprint.js';
import { metadataOfConfig } from '../model-config/config-metadata.js';
import { whatIsVisible } from '../monitor/visible.js';
import { checkVersion } from '../onnx/model-location.js';
import type { DescribedModel } from '../plan/plan.js';
import { checkContents, type RequestContents, recordContents } from '../plan/request-contents.js';
import type { StudyRecord } from '../record/study-record.js';
import { openStudyServer } from './launchers/open-server.js';
import type { ServerQuestion, StudyServer } from './launchers/study-server.js';
import type { Constraint } from './objectives/constraint.js';
import { isAccuracyMetric } from './objectives/metric.js';
import { atPrice, type Objective, partsOf } from './objectives/objective.js';
import {
  type RecommendationFolder,
  type SavedRecommendation,
  saveRecommendations,
} from './results/save-recommendations.js';
import { type StrategyName, strategies } from './strategies/strategy-table.js';
import { keepJournal } from './studies/kept-journal.js';
import { checkMeasurable } from './studies/measurable.js';
import { runStudy } from './studies/study.js';
import { takeFingerprint } from './studies/study-fingerprint.js';
import { journalHeader } from './studies/study-header.js';
import { readModelConfig } from './studies/study-model.js';
import type { StudyJournal, StudyListener, StudyOptions } from './studies/study-options.js';
import { affordableKnobs, searchLevelDuration } from './studies/study-plan.js';
import { describeSubject } from './studies/study-subject.js';
import { checkResume, knobsLeftOut, type ResumedSweep, readEarlierStudy, usedBefore } from './sweep-resume.js';
import { compareAll } from './together/compare-all.js';
import { describeMembers, type SweptMember } from './together/describe-members.js';
import { countVariants, type KnobSelection } from './variants/search-space.js';
import type { StudyModel } from './variants/variants.js';

/** Less leaves no room for even one variant beside the default. */
const MIN_BUDGET = seconds(10);

/** Where a study's results go: the part of a study store that a sweep uses. */
export interface SweepStore extends StudyJournal, RecommendationFolder {
  readonly id: string;
  readonly directory: string;
  saveStudy(record: StudyRecord): Promise<void>;
}

export interface SweepOptions {
  readonly model: string;
  /** `MODEL/` with config.pbtxt and version folders; never written to. Undefined where a running server has the model. */
  readonly modelFolder: string | undefined;
  /** All of several models that are tuned at once; `model` is then their joint name. */
  readonly together?: readonly SweptMember[] | undefined;
  /** Where variants are served; our engine when left out. */
  readonly server?: ServerQuestion | undefined;
  readonly isDemoModel: boolean;
  /** Build of ONNX Runtime for every variant that does not choose its own. */
  readonly ortLibrary?: string | undefined;
  /** For everything, confirmation included. */
  readonly budget: Nanos;
  readonly objective: Objective;
  readonly constraints: readonly Constraint[];
  /** Share of requests that may fail, where no constraint says so; 1% when left out. */
  readonly maxErrorRatio?: number | undefined;
  readonly strategy: StrategyName;
  readonly seed: number;
  /** Undefined tunes every knob over its own values. */
  readonly knobs?: KnobSelection | undefined;
  /** Variants that accept less than the unchanged model, such as smaller batches, may be proposed. */
  readonly mayNarrow?: boolean | undefined;
  /** Those of them that nobody named: left out where the model has no use for them. */
  readonly optionalKnobs?: readonly string[] | undefined;
  /** Requests in flight for every variant, instead of each variant's own best load. */
  readonly concurrency?: number | undefined;
  /** Rows in each request; 1 when left out. */
  readonly batchSize?: number | undefined;
  /** What the host costs, for cost_per_million. */
  readonly pricePerHour?: number | undefined;
  /** Other builds of ONNX Runtime to try, by name. */
  readonly runtimes?: readonly string[] | undefined;
  /** Arguments of the command line that say what requests hold, for the script that measures again. */
  readonly requestArguments?: readonly string[];
  /** What requests hold, where the model leaves it open. */
  readonly requests?: RequestContents;
  /** The version of the only model that is tuned; empty or left out, the one that a server answers with. */
  readonly modelVersion?: string | undefined;
  /** Goes on with a study that was stopped; `store` is then that study's. */
  readonly resume?: ResumedSweep | undefined;
  /** Command line for the record. */
  readonly command: readonly string[];
}

export interface SweepDependencies {
  readonly store: SweepStore;
  readonly listener: StudyListener;
  /** Told before the first trial what is left out, and why. */
  onLeftOut?(sentence: string): void;
  /** Told what was written. */
  onSaved?(saved: readonly SavedRecommendation[]): void;
  /** Told at once of each thing that could not be written; the sweep goes on without it, and its record is `failed`. */
  onUnsaved?(fault: Error): void;
  /** Ctrl-C: the running trial is stopped, everything finished is kept. */
  readonly signal: AbortSignal;
}

/**
 * Runs the sweep and saves study.json after it, also when it was interrupted, and the recommended model folder when
 * there is one. Throws PerfTsError before any trial for a bad model, bad knob values, too little budget, when there is
 * nothing to choose, or when a study that is to go on no longer means the same; after that failures are part of the record.
 */
export async function runSweep(options: SweepOptions, dependencies: SweepDependencies): Promise<StudyRecord> {
  if (options.budget < MIN_BUDGET) {
    const what = 'is too short: the default alone has to be measured several times';
    throw new PerfTsError('BAD_OPTION', { where: '--budget', what, hint: 'give at least 10s; 60s is a good start' });
  }
  checkPrice(options);
  const begun = systemClock.now();
  const { signal } = dependencies;
  checkRuntimes(options);
  await checkAskedVersion(options);
  const server = await openStudyServer({ ...options, signal, say: (sentence) => dependencies.onLeftOut?.(sentence) });
  const writes = keepWrites((fault) => dependencies.onUnsaved?.(fault));
  let isMeasured = false;
  try {
    const record = await runOnServer(options, dependencies, server, begun, writes);
    isMeasured = true;
    return record;
  } finally {
    // A server that does not end is no reason to lose what was measured on it.
    if (isMeasured) await writes.attempt(() => server.close());
    else await server.close();
  }
}

async function runOnServer(
  options: SweepOptions,
  dependencies: SweepDependencies,
  server: StudyServer,
  begun: ReturnType<typeof systemClock.now>,
  writes: KeptWrites,
): Promise<StudyRecord> {
  const { store, listener } = dependencies;
  const signal = server.lost === undefined ? dependencies.signal : AbortSignal.any([dependencies.signal, server.lost]);
  const journal = keepJournal(store, writes);
  const [model] = withBatchSize([server.model], options) as [StudyModel];
  for (const one of withBatchSize(server.models ?? [model], options)) checkBatchSize(one);
  checkAnswers(options, server);
  checkMeasurable(options.objective, options.constraints, {
    visible: await whatIsVisible(options.server?.kind === 'remote' ? options.server.endpoint : undefined),
    areSeveral: (server.models?.length ?? 1) > 1,
  });
  checkContents(options.requests, describedModels(server), [options.batchSize ?? 1]);
  const question = await describeQuestion(options, dependencies, server, model, begun);
  if (options.resume !== undefined) {
    const header = journalHeader(question, new Date(), searchLevelDuration(options.budget));
    checkResume(options.resume, header, options.budget);
  }
  const compareAnswers = compareAll(server.models ?? [model], {
    requests: options.requests,
    isCtc: options.constraints.some(({ metric }) => metric === 'accuracy_cer'),
  });
  const measured = await runStudy(
    { ...question, usedNs: nanos((question.usedNs ?? 0) + elapsed(begun, systemClock.now())) },
    {
      launchVariant: server.launchVariant,
      ...(server.canCompareAnswers && { compareAnswers }),
      clock: systemClock,
      now: () => new Date(),
      journal,
      listener,
      signal,
    },
  );
  const record = { ...measured, warnings: [...measured.warnings, ...server.warnings()] };
  if (server.lost?.aborted === true) {
    if (measured.trials.length === 0) throw server.lost.reason;
    await writes.attempt(() => Promise.reject(server.lost?.reason));
  }
  await journal.flush();
  await writes.attempt(() => saveAll(options, dependencies, server, record));
  return await saveRecord(store, record, writes);
}

async function saveAll(
  options: SweepOptions,
  { store, onSaved }: SweepDependencies,
  server: StudyServer,
  record: StudyRecord,
): Promise<void> {
  const models = [server.models?.[0] ?? server.model, ...(server.models?.slice(1) ?? [])] as const;
  onSaved?.(await saveRecommendations(record, models, store, options.requestArguments, options.server));
}

/** With what could not be written as warnings; once more, if the record itself was the first that could not be. */
async function saveRecord(store: SweepStore, record: StudyRecord, writes: KeptWrites): Promise<StudyRecord> {
  const withFaults = (): StudyRecord => ({
    ...record,
    ...(writes.faults.length > 0 && { state: 'failed' as const }),
    warnings: [
      ...record.warnings,
      ...writes.faults.map((fault) => ({
        code: fault instanceof PerfTsError ? fault.code : 'UNEXPECTED_ERROR',
        message: fault.message,
      })),
    ],
  });
  if (!(await writes.attempt(() => store.saveStudy(withFaults())))) {
    await writes.attempt(() => store.saveStudy(withFaults()));
  }
  return withFaults();
}

/** Everything of the study that does not need a server; `usedNs` is what an earlier part of it used. */
async function describeQuestion(
  options: SweepOptions,
  dependencies: SweepDependencies,
  server: StudyServer,
  model: StudyModel,
  begun: ReturnType<typeof systemClock.now>,
): Promise<StudyOptions> {
  const { ortLibrary, runtimes = [], resume, budget, together } = options;
  const { store, signal } = dependencies;
  const asked = {
    selection: options.knobs,
    optionalKnobs: options.optionalKnobs,
    mayNarrow: options.mayNarrow,
    ortLibrary,
    runtimes,
    signal,
  };
  const subject =
    together === undefined
      ? await describeSubject(server, asked)
      : await describeMembers(server, withBatchSize(server.models ?? [], options), together, asked);
  const { context, leftOut } = subject;
  for (const sentence of leftOut) dependencies.onLeftOut?.(sentence);
  const { space: whole } = subject.without([]);
  if (countVariants(whole, 1) === 0) throw nothingToTune(model, leftOut);
  const used = resume === undefined ? nanos(0) : usedBefore(resume);
  const names = whole.dimensions.map(({ name }) => name);
  const affordable = affordableKnobs(budget, elapsed(begun, systemClock.now()), names.length);
  const unaffordable = (resume && knobsLeftOut(resume)) ?? names.slice(affordable);
  if (unaffordable.length > 0) {
    dependencies.onLeftOut?.(`left as they are, because the budget is small: ${unaffordable.join(', ')}`);
  }
  const host = await describeHost();
  return {
    model,
    context,
    ...subject.without(unaffordable),
    strategyName: options.strategy,
    createStrategy: strategies[options.strategy],
    objective: atPrice(options.objective, options.pricePerHour),
    constraints: options.constraints.map((constraint) => withPrice(constraint, options.pricePerHour)),
    maxErrorRatio: options.maxErrorRatio,
    budget,
    usedNs: used,
    seed: options.seed,
    concurrency: options.concurrency,
    ...(resume !== undefined && { earlier: readEarlierStudy(resume, budget) }),
    server: server.record,
    fingerprint: {
      ...(await takeFingerprint({
        modelFolder: options.modelFolder,
        together,
        host,
        ortLibrary,
        runtimes: context.runtimes,
      })),
      server: server.record,
      requests: recordContents(options.requests ?? {}, describedModels(server)),
      pricePerHour: options.pricePerHour ?? null,
      knobsLeftOut: unaffordable,
      processId: process.pid,
      workingFolder: process.cwd(),
    },
    identity: {
      id: store.id,
      directory: store.directory,
      tool: { version: packageVersion, command: [...options.command] },
      host,
      isDemoModel: options.isDemoModel,
    },
  };
}

/** As a server would describe them. */
const describedModels = ({ model, models = [model] }: StudyServer): DescribedModel[] =>
  models.map(({ name, completed }) => ({
    model: name,
    metadata: metadataOfConfig(name, completed),
    config: completed,
  }));

/** Trials ask for no version, so that what they measure is what clients get that name none. */
async function checkAskedVersion({
  modelVersion = '',
  model,
  modelFolder,
  together,
  server,
}: SweepOptions): Promise<void> {
  if (modelVersion === '') return;
  const refuse = (what: string): never => {
    throw new PerfTsError('BAD_OPTION', { where: '-x', what, hint: 'leave it out' });
  };
  if (together !== undefined) return refuse('names the version of one model, and there are several');
  if (server?.kind === 'remote' || modelFolder === undefined) {
    return refuse('has no effect on a running server: the trials measure the version that it answers with');
  }
  await checkVersion(modelFolder, await readModelConfig(model, modelFolder), modelVersion, { isLatest: true });
}

const withPrice = (constraint: Constraint, pricePerHour: number | undefined): Constraint =>
  pricePerHour === undefined ? constraint : { ...constraint, pricePerHour };

const withBatchSize = (models: readonly StudyModel[], { batchSize }: SweepOptions): readonly StudyModel[] =>
  batchSize === undefined ? models : models.map((model) => ({ ...model, batchSize }));

/** Variants that choose no runtime would take the command line's, and be taken for the bundled one. */
function checkRuntimes({ ortLibrary, runtimes = [] }: SweepOptions): void {
  if (ortLibrary === undefined || runtimes.length === 0) return;
  const what = 'cannot be used beside the runtimes of the sweep file';
  throw new PerfTsError('BAD_OPTION', { where: '--runtime', what, hint: 'name all of them in one of the two places' });
}

/** What is not there to be compared with cannot be a limit. */
function checkAnswers({ constraints }: SweepOptions, { canCompareAnswers }: StudyServer): void {
  const limits = constraints.filter(({ metric }) => isAccuracyMetric(metric));
  if (canCompareAnswers || limits.length === 0) return;
  const what = `${limits.map(({ text }) => `'${text}'`).join(', ')} cannot be kept: the model’s ONNX file is not at hand to compare with`;
  throw new PerfTsError('BAD_OPTION', { where: '--constraint', what, hint: 'tune it on the bundled engine' });
}

function checkPrice({ objective, constraints, pricePerHour }: SweepOptions): void {
  const metrics = [...partsOf(objective), ...constraints].map(({ metric }) => metric);
  if (pricePerHour !== undefined || !metrics.includes('cost_per_million')) return;
  const what = 'is needed for cost_per_million: what an hour of this host costs';
  throw new PerfTsError('BAD_OPTION', { where: '--price-per-hour', what, hint: 'such as --price-per-hour 1.20' });
}

function checkBatchSize({ batchSize = 1, completed, name }: StudyModel): void {
  const most = Math.max(1, completed.max_batch_size ?? 0);
  if (batchSize <= most) return;
  const what = `${batchSize} is more than ${name} takes in one request, which is ${most}`;
  throw new PerfTsError('BAD_OPTION', { where: 'load.batch_size', what });
}

const nothingToTune = ({ name }: StudyModel, leftOut: readonly string[]): PerfTsError =>
  new PerfTsError('BAD_OPTION', {
    where: 'knobs',
    what: [
      `there is no variant of ${name} to try: the listed values are the ones it has, or have no effect on it`,
      ...leftOut,
    ].join('; '),
    hint: 'list more values or knobs; max_batch_size and max_queue_delay_us act only with dynamic_batching',
  });
