/**
 * A sweep from end to end: reads the model, builds the space, runs the study on fresh engines, saves the recommended
 * model folder. The command line calls this and nothing else of this room.
 */
import { systemClock } from '../common/clock.js';
import { PerfTsError } from '../common/errors.js';
import { packageVersion } from '../common/package-root.js';
import { type Nanos, seconds } from '../common/units.js';
import { describeHost } from '../measure/limits/host-fingerprint.js';
import type { PlanOptions } from '../plan/plan.js';
import type { StudyRecord } from '../record/study-record.js';
import type { Constraint } from './constraint.js';
import { describeKnobContext, selectUsable } from './knobs/host-context.js';
import { knobs } from './knobs.js';
import { createEngineLauncher } from './launch-variant.js';
import { atPrice, type Objective, partsOf } from './objective.js';
import {
  type RecommendationFolder,
  type SavedRecommendation,
  saveRecommendations,
} from './results/save-recommendations.js';
import { buildSearchSpace, countVariants, type KnobSelection } from './search-space.js';
import { type StrategyName, strategies } from './strategies/strategy-table.js';
import { runStudy } from './study.js';
import { readStudyModel } from './study-model.js';
import type { StudyJournal, StudyListener } from './study-options.js';
import type { StudyModel } from './variants.js';

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
  /** `MODEL/` with config.pbtxt and version folders; never written to. */
  readonly modelFolder: string;
  readonly isDemoModel: boolean;
  /** Build of ONNX Runtime for every variant that does not choose its own. */
  readonly ortLibrary?: string | undefined;
  /** For everything, confirmation included. */
  readonly budget: Nanos;
  readonly objective: Objective;
  readonly constraints: readonly Constraint[];
  readonly strategy: StrategyName;
  readonly seed: number;
  /** Undefined tunes every knob over its own values. */
  readonly knobs?: KnobSelection | undefined;
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
  readonly requests?: Pick<PlanOptions, 'shapes' | 'inputSource' | 'stringLengthBytes'>;
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
  /** Ctrl-C: the running trial is stopped, everything finished is kept. */
  readonly signal: AbortSignal;
}

/**
 * Runs the sweep and saves study.json after it, also when it was interrupted, and the recommended model folder when
 * there is one. Throws PerfTsError before any trial for a bad model, bad knob values, too little budget, or when there
 * is nothing to choose; after that failures are part of the record.
 */
export async function runSweep(options: SweepOptions, dependencies: SweepDependencies): Promise<StudyRecord> {
  if (options.budget < MIN_BUDGET) {
    const what = 'is too short: the default alone has to be measured several times';
    throw new PerfTsError('BAD_OPTION', { where: '--budget', what, hint: 'give at least 10s; 60s is a good start' });
  }
  checkPrice(options);
  const { store, listener, signal } = dependencies;
  const read = await readStudyModel(options.model, options.modelFolder);
  const model: StudyModel = options.batchSize === undefined ? read : { ...read, batchSize: options.batchSize };
  checkBatchSize(model);
  const { runtimes = [] } = options;
  checkRuntimes(options);
  const wanted = withRuntimes(options.knobs, runtimes);
  const { ortLibrary } = options;
  const context = await describeKnobContext({ model, selection: wanted, ortLibrary, runtimes, signal });
  const { selection, leftOut } = selectUsable(context, wanted);
  for (const sentence of leftOut) dependencies.onLeftOut?.(sentence);
  const space = buildSearchSpace(context, selection);
  if (countVariants(space, 1) === 0) throw nothingToTune(model, leftOut);
  const launcher = await createEngineLauncher({
    model,
    isDemoModel: options.isDemoModel,
    ortLibrary: options.ortLibrary,
    ...(options.requests && { requests: options.requests }),
  });
  try {
    const record = await runStudy(
      {
        model,
        context,
        space,
        strategyName: options.strategy,
        createStrategy: strategies[options.strategy],
        objective: atPrice(options.objective, options.pricePerHour),
        constraints: options.constraints.map((constraint) => withPrice(constraint, options.pricePerHour)),
        budget: options.budget,
        seed: options.seed,
        concurrency: options.concurrency,
        identity: {
          id: store.id,
          directory: store.directory,
          tool: { version: packageVersion, command: [...options.command] },
          host: await describeHost(),
          isDemoModel: options.isDemoModel,
        },
      },
      {
        launchVariant: launcher.launchVariant,
        clock: systemClock,
        now: () => new Date(),
        journal: store,
        listener,
        signal,
      },
    );
    dependencies.onSaved?.(await saveRecommendations(record, model, store, options.requestArguments));
    await store.saveStudy(record);
    return record;
  } finally {
    await launcher.close();
  }
}

const withPrice = (constraint: Constraint, pricePerHour: number | undefined): Constraint =>
  pricePerHour === undefined ? constraint : { ...constraint, pricePerHour };

/** Builds that are listed are tried, unless the knobs already say which. */
function withRuntimes(selection: KnobSelection | undefined, runtimes: readonly string[]): KnobSelection | undefined {
  if (runtimes.length === 0 || selection?.runtime !== undefined) return selection;
  return { ...(selection ?? everyMajorKnob()), runtime: 'auto' };
}

const everyMajorKnob = (): KnobSelection =>
  Object.fromEntries(knobs.filter(({ isMinor = false }) => !isMinor).map(({ name }) => [name, 'auto']));

/** Variants that choose no runtime would take the command line's, and be taken for the bundled one. */
function checkRuntimes({ ortLibrary, runtimes = [] }: SweepOptions): void {
  if (ortLibrary === undefined || runtimes.length === 0) return;
  const what = 'cannot be used beside the runtimes of the sweep file';
  throw new PerfTsError('BAD_OPTION', { where: '--runtime', what, hint: 'name all of them in one of the two places' });
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
