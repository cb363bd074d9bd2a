/** What a study is given: the question, the space, and the parts it works with. */
import type { Clock } from '../../common/clock.js';
import type { Nanos } from '../../common/units.js';
import type { LevelProgress } from '../../measure/measurement.js';
import type { JournalHeader } from '../../record/study-journal.js';
import type { StudyPlan, StudyRecord, StudyServer, TrialRecord } from '../../record/study-record.js';
import type { ConfirmationPlan } from '../confirmation/confirmation-plan.js';
import type { KnobContext } from '../knobs/knobs.js';
import type { LaunchVariant } from '../launchers/launched-variant.js';
import type { Constraint } from '../objectives/constraint.js';
import type { Objective } from '../objectives/objective.js';
import type { Gain } from '../results/recommendation.js';
import type { CreateStrategy, SearchSpace } from '../strategies/strategy.js';
import type { Member } from '../together/member.js';
import type { CompareAnswers } from '../trials/trial-accuracy.js';
import type { StudyModel, Variant } from '../variants/variants.js';

export interface StudyOptions {
  readonly model: StudyModel;
  readonly context: KnobContext;
  readonly space: SearchSpace;
  /** Set where several models are tuned together: `model` stands for all, `space` is that of all. */
  readonly together?: readonly Member[] | undefined;
  readonly strategyName: string;
  readonly createStrategy: CreateStrategy;
  readonly objective: Objective;
  readonly constraints: readonly Constraint[];
  /** Share of requests that may fail, where no constraint says so; 1% when left out. */
  readonly maxErrorRatio?: number | undefined;
  /** For everything, confirmation and the starting and stopping of servers included. */
  readonly budget: Nanos;
  readonly seed: number;
  /** Measures every variant at this load instead of at its own. */
  readonly concurrency?: number | undefined;
  /** Used of the budget before the study begins: what its preparation took, and all of an earlier part. */
  readonly usedNs?: Nanos | undefined;
  /** Set when a study is resumed. */
  readonly earlier?: EarlierStudy | undefined;
  /** What a resumed study must agree with beside the question itself: files, engine, host. */
  readonly fingerprint?: Readonly<Record<string, unknown>>;
  readonly server?: StudyServer | undefined;
  /** What the record says of where it comes from. */
  readonly identity: Pick<StudyRecord, 'id' | 'directory' | 'tool' | 'host' | 'isDemoModel'>;
}

/** What an earlier part of the study left in the journal. */
export interface EarlierStudy {
  /** ISO 8601. */
  readonly startedAt: string;
  readonly trials: readonly TrialRecord[];
  readonly levelDuration: Nanos;
  /** How often it was resumed, this time included. */
  readonly resumedCount: number;
  /** Whether its budget is larger than it was, so that a search that had ended may go on. */
  readonly hasMoreTime: boolean;
}

/** Where results go as they come; each call returns when they are safe. */
export interface StudyJournal {
  /** Once before the first trial, and again by each part of a resumed study. */
  startJournal(header: JournalHeader): Promise<void>;
  appendTrial(trial: TrialRecord): Promise<void>;
  /** `model` is given where a variant has several, each with a config. */
  saveVariant(id: string, configPbtxt: string, model?: string): Promise<void>;
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

/** Where a study stands after a trial. */
export interface StudyStanding {
  /** Finished trials, those of confirmation included. */
  readonly trialCount: number;
  /** Search trials that the plan expects; a guess that may be passed. */
  readonly expectedTrials: number;
  /** Since the study began. */
  readonly elapsedNs: Nanos;
  /** The best complete variant of the search so far, with its gain over the default's search trial (1.2 is 20 % better). */
  readonly best: { readonly trial: TrialRecord; readonly gain: Gain } | undefined;
}

export interface StudyListener {
  /** Before the first trial, and again when a study is resumed. */
  onPlan?(plan: StudyPlan): void;
  onTrialStart(start: TrialStart): void;
  onProgress(progress: LevelProgress): void;
  /** Already in the journal. */
  onTrial(trial: TrialRecord, standing: StudyStanding): void;
  /** The search is over, or all finalists before these are out; not told when there is nothing to confirm. */
  onConfirmation(plan: ConfirmationPlan): void;
}

export interface StudyDependencies {
  readonly launchVariant: LaunchVariant;
  /** Left out where there is nothing to compare answers with; no variant's are compared then. */
  readonly compareAnswers?: CompareAnswers | undefined;
  readonly clock: Clock;
  /** Wall-clock time, for the record only. */
  readonly now: () => Date;
  readonly journal: StudyJournal;
  readonly listener: StudyListener;
  readonly signal: AbortSignal;
}
