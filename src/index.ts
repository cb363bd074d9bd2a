/**
 * The library: what the command line does, for programs. Everything here is documented where it is defined; names that
 * are not exported here may change in any version.
 */

export type { ServerAdmin } from './client/server-admin.js';
export { type ErrorCode, PerfTsError, type Problem } from './common/errors.js';
export { createRng, deriveSeed, type Rng } from './common/random.js';
export { micros, millis, type Nanos, nanos, seconds } from './common/units.js';
export type { LevelProgress, MeasureListener } from './measure/measurement.js';
export type { Arrival, LevelSequence, LoadKind, LoadLevel, LoadPlan, ModelLoad, StopRule } from './plan/load-plan.js';
export { readRecord, readRun, readStudy } from './record/read-record.js';
export { type LevelRecord, type RunRecord, runRecordSchema } from './record/run-record.js';
export { type StudyRecord, studyRecordSchema, type TrialRecord } from './record/study-record.js';
export { createStudyStore, type StudyStore } from './record/study-store.js';
export { renderRunTable } from './report/console-table.js';
export { renderMetricsCsv, renderStudyCsv } from './report/csv.js';
export { renderRunReport, renderStudyReport } from './report/html-report.js';
export { renderRunMarkdown, renderStudyMarkdown } from './report/markdown.js';
export { renderRunCsv } from './report/perf-analyzer/level-csv.js';
export { type FinishedRun, type MeasurementOptions, type RunListener, runMeasurement } from './run/run-measurement.js';
export { findLocalModel, openTarget, type TargetChoice } from './target/choose-target.js';
export type { Target } from './target/target.js';
export { parseConstraint } from './tune/objectives/constraint.js';
export { parseObjective } from './tune/objectives/objective.js';
export { isHopeless, type RunningScore } from './tune/strategies/early-abort.js';
export {
  type Bounds,
  type KnobEffect,
  type KnobImportance,
  knobImportance,
  type TriedVariant,
} from './tune/strategies/knob-importance.js';
export {
  type CreateStrategy,
  type KnobValue,
  nextProposal,
  type Proposal,
  type SearchDimension,
  type SearchSpace,
  type Strategy,
  type StrategyOptions,
  type TrialResult,
  type VariantParameters,
} from './tune/strategies/strategy.js';
export { type StrategyName, strategies } from './tune/strategies/strategy-table.js';
export { runSweep, type SweepOptions } from './tune/sweep.js';
