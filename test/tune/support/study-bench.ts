/** A whole study against a simulated landscape: model, space, journal in memory, manual clock. */
import { nanos, seconds } from '../../../src/common/units.js';
import type { ModelConfig } from '../../../src/model-config/model-config.js';
import type { JournalHeader } from '../../../src/record/study-journal.js';
import type { StudyPlan, StudyRecord, TrialRecord } from '../../../src/record/study-record.js';
import type { ConfirmationPlan } from '../../../src/tune/confirmation/confirmation-plan.js';
import type { KnobContext } from '../../../src/tune/knobs/knobs.js';
import { type Constraint, parseConstraint } from '../../../src/tune/objectives/constraint.js';
import { parseObjective } from '../../../src/tune/objectives/objective.js';
import { type StrategyName, strategies } from '../../../src/tune/strategies/strategy-table.js';
import { runStudy } from '../../../src/tune/studies/study.js';
import type { EarlierStudy, StudyOptions, StudyStanding, TrialStart } from '../../../src/tune/studies/study-options.js';
import { buildSearchSpace, type KnobSelection } from '../../../src/tune/variants/search-space.js';
import type { StudyModel, Variant } from '../../../src/tune/variants/variants.js';
import { ManualClock } from '../../support/manual-clock.js';
import { type Simulation, simulateVariants } from '../../support/simulated-variants.js';

export const plainConfig: ModelConfig = {
  name: 'm',
  backend: 'onnxruntime',
  max_batch_size: 32,
  input: [{ name: 'x', data_type: 'TYPE_FP32', dims: [4] }],
  output: [{ name: 'y', data_type: 'TYPE_FP32', dims: [4] }],
};

export const completedPlainConfig: ModelConfig = {
  ...plainConfig,
  platform: 'onnxruntime_onnx',
  default_model_filename: 'model.onnx',
  instance_group: [{ name: 'm', kind: 'KIND_CPU', count: 2 }],
};

export const plainModel: StudyModel = {
  name: 'm',
  folder: '/models/m',
  configPbtxt: 'name: "m"\nbackend: "onnxruntime"\nmax_batch_size: 32\n',
  config: plainConfig,
  completed: completedPlainConfig,
};

export const plainContext: KnobContext = { config: completedPlainConfig, cpuCount: 2 };

export interface BenchOptions {
  readonly landscape: Simulation['landscape'];
  readonly noise?: number;
  readonly host?: Simulation['host'];
  readonly seed?: number;
  readonly budgetSeconds?: number;
  readonly strategy?: StrategyName;
  readonly objective?: string;
  readonly constraints?: readonly string[];
  readonly knobs?: KnobSelection;
  readonly startSeconds?: number;
  readonly stopSeconds?: number;
  /** Goes on where an earlier part ended. */
  readonly earlier?: EarlierStudy;
  readonly usedSeconds?: number;
  /** Seconds that one variant takes to start, where not `startSeconds`. */
  readonly slowStart?: (variant: Variant) => number | undefined;
  /** What is tuned, where it is not the plain model. */
  readonly subject?: Pick<StudyOptions, 'model' | 'context' | 'space' | 'together'>;
  readonly signal?: AbortSignal;
  readonly onTrialStart?: (start: TrialStart) => void;
  readonly onTrial?: (trial: TrialRecord) => void;
}

export interface BenchResult {
  readonly record: StudyRecord;
  readonly header: JournalHeader;
  readonly journal: readonly TrialRecord[];
  readonly savedVariants: ReadonlyMap<string, string>;
  readonly plan: ConfirmationPlan | undefined;
  /** As it was told first. */
  readonly studyPlan: StudyPlan | undefined;
  readonly standings: readonly StudyStanding[];
  readonly elapsedSeconds: number;
  readonly stillRunning: number;
  readonly starts: readonly TrialStart[];
}

export async function runSimulatedStudy(options: BenchOptions): Promise<BenchResult> {
  const clock = new ManualClock();
  const { seed = 1, budgetSeconds = 60, strategy = 'quick', landscape, noise = 0 } = options;
  const start = {
    ...(options.startSeconds !== undefined && { startNs: seconds(options.startSeconds) }),
    ...(options.host !== undefined && { host: options.host }),
    ...(options.stopSeconds !== undefined && { stopNs: seconds(options.stopSeconds) }),
  };
  const slow = options.slowStart === undefined ? {} : { slowStart: options.slowStart };
  const servers = simulateVariants({ clock, landscape, noise, seed: seed * 7919, ...start, ...slow });
  const journal: TrialRecord[] = [];
  const starts: TrialStart[] = [];
  const savedVariants = new Map<string, string>();
  let header: JournalHeader | undefined;
  let plan: ConfirmationPlan | undefined;
  let studyPlan: StudyPlan | undefined;
  const standings: StudyStanding[] = [];
  const constraints: Constraint[] = (options.constraints ?? []).map(parseConstraint);
  const record = await runStudy(
    {
      ...(options.subject ?? {
        model: plainModel,
        context: plainContext,
        space: buildSearchSpace(plainContext, options.knobs),
      }),
      strategyName: strategy,
      createStrategy: strategies[strategy],
      objective: parseObjective(options.objective ?? 'throughput'),
      constraints,
      budget: seconds(budgetSeconds),
      seed,
      earlier: options.earlier,
      usedNs: options.usedSeconds === undefined ? undefined : seconds(options.usedSeconds),
      identity: {
        id: 'study',
        directory: 'results/study',
        tool: { version: '0.0.0', command: ['perf-ts', 'sweep'] },
        host: { os: 'test', cpu: 'test', cpuCount: 2, memoryBytes: 1, node: 'v20' },
        isDemoModel: false,
      },
    },
    {
      launchVariant: servers.launchVariant,
      clock,
      now: () => new Date(Date.UTC(2026, 0, 1) + clock.now() / 1e6),
      journal: {
        async startJournal(first) {
          header = first;
        },
        async appendTrial(trial) {
          journal.push(trial);
        },
        async saveVariant(id, text, model) {
          savedVariants.set(model === undefined ? id : `${id}/${model}`, text);
        },
      },
      listener: {
        onTrialStart(started) {
          starts.push(started);
          options.onTrialStart?.(started);
        },
        onProgress() {},
        onPlan(told) {
          studyPlan = told;
        },
        onTrial(trial, standing) {
          standings.push(standing);
          options.onTrial?.(trial);
        },
        onConfirmation(told) {
          plan = told;
        },
      },
      signal: options.signal ?? new AbortController().signal,
    },
  );
  const elapsedSeconds = nanos(clock.now()) / 1e9;
  return {
    record,
    header: header!,
    journal,
    savedVariants,
    plan,
    studyPlan,
    standings,
    elapsedSeconds,
    stillRunning: servers.running(),
    starts,
  };
}
