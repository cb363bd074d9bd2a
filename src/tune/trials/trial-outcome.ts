/**
 * What a trial came to: the record of what was measured, and what the study reads from a record, so that a trial of an
 * earlier process counts as one of this.
 */
import { type Nanos, nanos } from '../../common/units.js';
import type { LevelRecord } from '../../record/run-record.js';
import type { TrialAccuracy, TrialCause, TrialRecord } from '../../record/study-record.js';
import {
  type Constraint,
  type ConstraintOutcome,
  describeMisses,
  evaluateConstraint,
  totalViolation,
} from '../objectives/constraint.js';
import { isErrorLimit } from '../objectives/error-limit.js';
import { isAccuracyMetric } from '../objectives/metric.js';
import { type Objective, utilityError, utilityOf } from '../objectives/objective.js';
import type { TrialResult } from '../strategies/strategy.js';
import type { Variant } from '../variants/variants.js';
import { isHeldBackByClient } from './client-limit.js';
import { bindsWithoutAnswers } from './trial-accuracy.js';
import { failureOfLevel, type TrialFailure } from './trial-cause.js';

export const CLIENT_LIMITED_REASON =
  'client limited: the load generator was the limit, so this is a lower bound and cannot win';

/** Logarithms beyond this say no more; an error rate of 0 has none. */
const MOST_MARGIN = 10;

export interface FinishedTrial {
  readonly record: TrialRecord;
  readonly result: TrialResult;
  readonly variant: Variant;
  /** Time spent in levels; the rest of the trial is starting and stopping. */
  readonly measuredNs: Nanos;
  /** The objective in its own unit, also where a limit was missed; undefined without a usable level. */
  readonly value: number | undefined;
  readonly isClientLimited: boolean;
}

/** How trials are judged. */
export interface Judgement {
  readonly objective: Objective;
  /** The limits of this variant, those on its accuracy included. */
  readonly constraints: readonly Constraint[];
  /** Requests that keep the variant's instances busy. */
  readonly busyInFlight: number;
}

/** What was seen of a trial. */
export interface TrialFacts extends Pick<TrialRecord, 'id' | 'phase' | 'durationNs' | 'loadTimeNs' | 'startedNs'> {
  readonly effort: number;
  readonly round?: TrialRound | undefined;
  readonly isUnasked?: boolean | undefined;
  readonly measuredNs: Nanos;
  readonly inferenceNs?: Nanos | undefined;
  readonly level: LevelRecord | null;
  readonly accuracy: TrialAccuracy | undefined;
  readonly failure: TrialFailure | undefined;
  /** Set when it was ended before its time. */
  readonly cut: { readonly cause: 'timeout' | 'early_abort'; readonly reason: string } | undefined;
}

/** A confirmation trial's place: which round, and how many trials that round has. */
export interface TrialRound {
  readonly index: number;
  readonly size: number;
}

export function finishTrial(variant: Variant, facts: TrialFacts, judgement: Judgement): FinishedTrial {
  const { level, accuracy, loadTimeNs, round } = facts;
  const value = readValue(judgement.objective, level, loadTimeNs);
  const outcome = judge(facts, value, judgement);
  const record: TrialRecord = {
    id: facts.id,
    variantId: variant.id,
    phase: facts.phase,
    state: outcome.state,
    parameters: { ...variant.parameters },
    score: outcome.state === 'complete' ? (value ?? null) : null,
    durationNs: facts.durationNs,
    loadTimeNs,
    reason: outcome.reason,
    level,
    ...(facts.startedNs !== undefined && { startedNs: facts.startedNs }),
    measuredNs: facts.measuredNs,
    ...(facts.inferenceNs !== undefined && { inferenceNs: facts.inferenceNs }),
    effort: facts.effort,
    ...(round !== undefined && { round: round.index, roundSize: round.size }),
    memoryBytes: memoryOf(level),
    ...(accuracy !== undefined && { accuracy }),
    ...(outcome.cause !== undefined && { cause: outcome.cause }),
    ...(level !== null &&
      isHeldBackByClient(level, judgement.objective, judgement.busyInFlight) && { isLowerBound: true }),
    ...(facts.isUnasked === true && { isUnasked: true }),
  };
  return readTrial(record, variant, judgement);
}

/** A record as the study sees it; `variant` is the one with the record's parameters. */
export function readTrial(record: TrialRecord, variant: Variant, judgement: Judgement): FinishedTrial {
  const { objective } = judgement;
  const { level, state } = record;
  const value = readValue(objective, level, record.loadTimeNs);
  // What ended early because it could not win still says where the variant stands.
  const isScored = value !== undefined && (state === 'complete' || record.cause === 'early_abort');
  const scoreError = level === null ? undefined : utilityError(objective, level);
  const misses = missesOf(record, judgement);
  const margins = level === null || misses?.isAccuracy === true ? undefined : misses?.margins;
  // A search learns how fast its like are from what missed a limit too.
  const isLearntFrom = isScored || (value !== undefined && record.cause === 'constraint' && margins !== undefined);
  return {
    record,
    variant,
    value,
    isClientLimited: level !== null && isHeldBackByClient(level, objective, judgement.busyInFlight),
    measuredNs: nanos(record.measuredNs ?? level?.durationNs ?? 0),
    result: {
      state: isScored ? 'complete' : state,
      ...(isLearntFrom && { score: utilityOf(objective, value) }),
      ...(isLearntFrom && scoreError !== undefined && { scoreError }),
      ...(isLearntFrom && margins !== undefined && { margins }),
      ...(misses !== undefined && { violation: misses.violation }),
    },
  };
}

function readValue(objective: Objective, level: LevelRecord | null, loadTimeNs: number | null): number | undefined {
  if (level === null || level.verdict === 'INVALID') return undefined;
  const value = objective.read({ level, loadTimeNs });
  return value !== undefined && value > 0 ? value : undefined;
}

interface Misses {
  readonly violation: number;
  readonly text: string;
  readonly isAccuracy: boolean;
  /** As `TrialResult` has them; undefined where one cannot be told. */
  readonly margins: Readonly<Record<string, number>> | undefined;
}

/** How far a trial misses its limits; undefined when nothing was measured that a limit could be on. */
export function missesOf(
  { level, loadTimeNs, accuracy }: Pick<TrialFacts, 'level' | 'loadTimeNs'> & Pick<TrialRecord, 'accuracy'>,
  { constraints }: Pick<Judgement, 'constraints'>,
): Misses | undefined {
  if (level === null && accuracy === undefined) return undefined;
  // Without a level, answers that were wrong are all there is to judge.
  const judged = constraints
    .filter(({ metric }) => level !== null || isAccuracyMetric(metric))
    .filter((constraint) => accuracy !== undefined || bindsWithoutAnswers(constraint));
  const outcomes = judged.map((constraint) => evaluateConstraint(constraint, { level, loadTimeNs, accuracy }));
  const isAccuracy = outcomes.some(({ constraint, violation }) => violation > 0 && isAccuracyMetric(constraint.metric));
  return {
    violation: totalViolation(outcomes),
    text: describeMisses(outcomes),
    isAccuracy,
    margins: marginsOf(outcomes),
  };
}

/** A limit of 0 that is kept has no scale to keep it by; one that is missed leaves nothing to pool. */
function marginsOf(outcomes: readonly ConstraintOutcome[]): Readonly<Record<string, number>> | undefined {
  const served = outcomes.filter(({ constraint }) => !isAccuracyMetric(constraint.metric));
  if (served.some(({ constraint, violation }) => constraint.limit <= 0 && violation > 0)) return undefined;
  const margins = served
    .filter(({ constraint }) => constraint.limit > 0)
    .map(({ constraint: { text, operator, limit }, value = Number.NaN }): [string, number] => {
      const margin = Math.log(value / limit) * (operator === '<=' ? 1 : -1);
      return [text, Math.max(-MOST_MARGIN, Math.min(MOST_MARGIN, margin))];
    });
  return margins.some(([, margin]) => Number.isNaN(margin)) ? undefined : Object.fromEntries(margins);
}

function judge(
  facts: TrialFacts,
  value: number | undefined,
  judgement: Judgement,
): { readonly state: TrialRecord['state']; readonly reason: string | null; readonly cause?: TrialCause } {
  const { level, failure, cut } = facts;
  if (cut !== undefined) return { state: 'pruned', ...cut };
  const misses = missesOf(facts, judgement);
  if (misses?.isAccuracy === true) return { state: 'infeasible', reason: misses.text, cause: 'accuracy' };
  const failing = failingShare(facts, judgement);
  if (failing !== undefined) return { state: 'infeasible', reason: failing, cause: 'requests_failed' };
  if (level === null || value === undefined) {
    const nothing: TrialFailure = { message: 'nothing was measured', cause: 'unknown' };
    const { message, cause } = failure ?? (level === null ? nothing : failureOfLevel(level));
    return { state: 'failed', reason: message, cause };
  }
  if (misses !== undefined && misses.violation > 0)
    return { state: 'infeasible', reason: misses.text, cause: 'constraint' };
  const isClientLimited = isHeldBackByClient(level, judgement.objective, judgement.busyInFlight);
  return { state: 'complete', reason: isClientLimited ? CLIENT_LIMITED_REASON : (failure?.message ?? null) };
}

/** The miss of the limit on failed requests with their most frequent cause; undefined where it is kept or nothing succeeded. */
function failingShare({ level, loadTimeNs }: TrialFacts, { constraints }: Judgement): string | undefined {
  if (level === null || level.requestCount === 0) return undefined;
  const outcomes = constraints
    .filter(isErrorLimit)
    .map((constraint) => evaluateConstraint(constraint, { level, loadTimeNs }));
  if (totalViolation(outcomes) <= 0) return undefined;
  const [most] = Object.entries(level.errors).toSorted(([, a], [, b]) => b - a);
  return `${describeMisses(outcomes)}${most === undefined ? '' : ` (mostly ${most[0]})`}`;
}

/** Of the server's process and of the devices, as far as they were watched. */
function memoryOf(level: LevelRecord | null): number | null {
  const monitors = level?.monitors;
  const known = [
    monitors?.serverMemoryBytes ?? null,
    ...(monitors?.gpus ?? []).map(({ memoryUsedBytes }) => memoryUsedBytes),
  ].filter((bytes) => bytes !== null);
  return known.length === 0 ? null : known.reduce((sum, bytes) => sum + bytes, 0);
}
