/** What a study is given: the question, the space, and the parts it works with. */
import type { Clock } from '../common/clock.js';
import type { Nanos } from '../common/units.js';
import type { LevelProgress } from '../measure/measurement.js';
import type { StudyRecord, TrialRecord } from '../record/study-record.js';
import type { JournalHeader } from '../record/study-store.js';
import type { ConfirmationPlan } from './confirmation-plan.js';
import type { Constraint } from './constraint.js';
import type { KnobContext } from './knobs.js';
import type { LaunchVariant } from './launched-variant.js';
import type { Objective } from './objective.js';
import type { CreateStrategy, SearchSpace } from './strategy.js';
import type { StudyModel, Variant } from './variants.js';

export interface StudyOptions {
  readonly model: StudyModel;
  readonly context: KnobContext;
  readonly space: SearchSpace;
  readonly strategyName: string;
  readonly createStrategy: CreateStrategy;
  readonly objective: Objective;
  readonly constraints: readonly Constraint[];
  /** For everything, confirmation and the starting and stopping of servers included. */
  readonly budget: Nanos;
  readonly seed: number;
  /** Measures every variant at this load instead of at its own. */
  readonly concurrency?: number | undefined;
  /** What the record says of where it comes from. */
  readonly identity: Pick<StudyRecord, 'id' | 'directory' | 'tool' | 'host' | 'isDemoModel'>;
}

/** Where results go as they come; each call returns when they are safe. */
export interface StudyJournal {
  startJournal(header: JournalHeader): Promise<void>;
  appendTrial(trial: TrialRecord): Promise<void>;
  saveVariant(id: string, configPbtxt: string): Promise<void>;
}

export interface TrialStart {
  readonly id: string;
  readonly phase: TrialRecord['phase'];
  readonly variant: Variant;
  readonly concurrency: number;
  /** Since the study began. */
  readonly elapsedNs: Nanos;
  readonly budgetNs: Nanos;
}

export interface StudyListener {
  onTrialStart(start: TrialStart): void;
  onProgress(progress: LevelProgress): void;
  /** Already in the journal. */
  onTrial(trial: TrialRecord): void;
  /** The search is over, or all finalists before these are out; not told when there is nothing to confirm. */
  onConfirmation(plan: ConfirmationPlan): void;
}

export interface StudyDependencies {
  readonly launchVariant: LaunchVariant;
  readonly clock: Clock;
  /** Wall-clock time, for the record only. */
  readonly now: () => Date;
  readonly journal: StudyJournal;
  readonly listener: StudyListener;
  readonly signal: AbortSignal;
}
