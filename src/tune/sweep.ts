/**
 * A sweep from end to end: reads the model, builds the space, runs the study on fresh engines, saves the recommended
 * model folder. The command line calls this and nothing else of this room.
 */
import { availableParallelism } from 'node:os';
import { systemClock } from '../common/clock.js';
import { PerfTsError } from '../common/errors.js';
import { packageVersion } from '../common/package-root.js';
import { type Nanos, seconds } from '../common/units.js';
import { describeHost } from '../measure/host-fingerprint.js';
import type { PlanOptions } from '../plan/plan.js';
import type { StudyRecord } from '../record/study-record.js';
import type { Constraint } from './constraint.js';
import { createEngineLauncher } from './launch-variant.js';
import type { Objective } from './objective.js';
import { buildSearchSpace, countVariants, type KnobSelection } from './search-space.js';
import { type StrategyName, strategies } from './strategies/strategy-table.js';
import { runStudy } from './study.js';
import { readStudyModel } from './study-model.js';
import type { StudyJournal, StudyListener } from './study-options.js';
import type { StudyModel } from './variants.js';

/** Less leaves no room for even one variant beside the default. */
const MIN_BUDGET = seconds(10);

/** Where a study's results go: the part of a study store that a sweep uses. */
export interface SweepStore extends StudyJournal {
  readonly id: string;
  readonly directory: string;
  saveStudy(record: StudyRecord): Promise<void>;
  saveRecommendation(configPbtxt: string, modelFolder: string): Promise<string>;
}

export interface SweepOptions {
  readonly model: string;
  /** `MODEL/` with config.pbtxt and version folders; never written to. */
  readonly modelFolder: string;
  readonly isDemoModel: boolean;
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
  /** What requests hold, where the model leaves it open. */
  readonly requests?: Pick<PlanOptions, 'shapes' | 'inputSource' | 'stringLengthBytes'>;
  /** Command line for the record. */
  readonly command: readonly string[];
}

export interface SweepDependencies {
  readonly store: SweepStore;
  readonly listener: StudyListener;
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
  const model = await readStudyModel(options.model, options.modelFolder);
  const context = { config: model.completed, cpuCount: availableParallelism() };
  const space = buildSearchSpace(context, options.knobs);
  if (countVariants(space) === 0) throw nothingToTune(model);
  const { store, listener, signal } = dependencies;
  const launcher = await createEngineLauncher({
    model,
    isDemoModel: options.isDemoModel,
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
        objective: options.objective,
        constraints: options.constraints,
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
    await saveOutcome(record, model, store);
    return record;
  } finally {
    await launcher.close();
  }
}

async function saveOutcome(record: StudyRecord, model: StudyModel, store: SweepStore): Promise<void> {
  const { portable } = record.recommended;
  if (portable !== null) await store.saveRecommendation(portable.configPbtxt, model.folder);
  await store.saveStudy(record);
}

const nothingToTune = ({ name }: StudyModel): PerfTsError =>
  new PerfTsError('BAD_OPTION', {
    where: 'knobs',
    what: `there is no variant of ${name} to try: the listed values are the ones it has, or have no effect on it`,
    hint: 'list more values or knobs; max_batch_size and max_queue_delay_us act only with dynamic_batching',
  });
