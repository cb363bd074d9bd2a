/** One trial: a fresh server for the variant, one or a few levels, the verdict on them. Whatever happens, it is an outcome. */
import type { Clock } from '../common/clock.js';
import { messageOf } from '../common/errors.js';
import { elapsed, type Nanos, nanos } from '../common/units.js';
import type { LevelProgress } from '../measure/measurement.js';
import type { LevelRecord } from '../record/run-record.js';
import type { TrialRecord } from '../record/study-record.js';
import { isHeldBackByClient } from './client-limit.js';
import { type Constraint, describeMisses, evaluateConstraint, totalViolation } from './constraint.js';
import type { LaunchedVariant, LaunchVariant } from './launched-variant.js';
import { type Objective, utilityError, utilityOf } from './objective.js';
import type { TrialResult } from './strategy.js';
import { closedLoad, gentlerConcurrency } from './study-load.js';
import type { Variant } from './variants.js';

/** Requests that each slot must have had answered in the window, how many a longer level aims at, and its longest time. */
const LEAST_TURNS = 2;
const ENOUGH_TURNS = 8;
const MAX_STRETCH = 10;
/** A level is measured again at a lower load at most this often. */
const MAX_STEPS_DOWN = 2;

export const CLIENT_LIMITED_REASON =
  'client limited: the load generator was the limit, so this is a lower bound and cannot win';

export interface TrialOptions {
  readonly id: string;
  readonly variant: Variant;
  readonly phase: TrialRecord['phase'];
  readonly concurrency: number;
  /** Requests that keep the variant's instances busy. */
  readonly busyInFlight: number;
  /** Whether a missed latency limit may be met at a lower load. */
  readonly mayStepDown: boolean;
  readonly duration: Nanos;
  /** The trial is cut off after this time. */
  readonly limit: Nanos;
  /** What it means when the limit is reached. */
  readonly limitReason: string;
  readonly seed: number;
  readonly objective: Objective;
  readonly constraints: readonly Constraint[];
}

export interface TrialDependencies {
  readonly launchVariant: LaunchVariant;
  readonly clock: Clock;
  /** The user's interrupt. */
  readonly signal: AbortSignal;
  onProgress(progress: LevelProgress): void;
}

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

interface Judged {
  readonly level: LevelRecord;
  readonly violation: number;
  readonly misses: string;
}

/** Undefined when the user's interrupt ended it: an unfinished trial is no result. Never rejects for a failing variant. */
export async function runTrial(
  options: TrialOptions,
  dependencies: TrialDependencies,
): Promise<FinishedTrial | undefined> {
  const { clock, signal } = dependencies;
  const started = clock.now();
  const cutOff = startCutOff(clock, options.limit, signal);
  let launched: LaunchedVariant | undefined;
  let judged: Judged | undefined;
  let failure: string | undefined;
  let measuredNs = 0;
  try {
    launched = await dependencies.launchVariant(options.variant, { seed: options.seed, signal: cutOff.signal });
    const measureStart = clock.now();
    judged = await measureBest(options, dependencies, launched, cutOff.signal);
    measuredNs = elapsed(measureStart, clock.now());
  } catch (thrown) {
    failure = messageOf(thrown);
  }
  // What was measured in time counts, even if the server takes long to stop.
  const isCutOff = cutOff.isReached() && judged === undefined;
  cutOff.end();
  // The server may be what failed, so stopping it may fail too; that adds nothing to the outcome.
  await launched?.close().catch((thrown: unknown) => {
    failure ??= `the server did not stop: ${messageOf(thrown)}`;
  });
  if (signal.aborted) return undefined;
  const timing = { durationNs: elapsed(started, clock.now()), loadTimeNs: launched?.loadTimeNs ?? null };
  const outcome = isCutOff ? { state: 'pruned' as const, reason: options.limitReason } : undefined;
  return finish(options, { ...timing, measuredNs, judged, failure, outcome });
}

/** Aborts its signal after `limit` or with the user's interrupt. */
function startCutOff(clock: Clock, limit: Nanos, interrupt: AbortSignal) {
  const timeout = new AbortController();
  const ended = new AbortController();
  void clock.sleep(limit, ended.signal).then(() => {
    if (!ended.signal.aborted) timeout.abort();
  });
  return {
    signal: AbortSignal.any([timeout.signal, interrupt]),
    isReached: () => timeout.signal.aborted,
    end: () => ended.abort(),
  };
}

/** The first level that keeps the limits, or the one that missed them least. */
async function measureBest(
  options: TrialOptions,
  dependencies: TrialDependencies,
  launched: LaunchedVariant,
  signal: AbortSignal,
): Promise<Judged | undefined> {
  let best: Judged | undefined;
  let concurrency: number | undefined = options.concurrency;
  for (let step = 0; concurrency !== undefined && step <= MAX_STEPS_DOWN && !signal.aborted; step++) {
    const level = await measureEnough(options, dependencies, launched, concurrency, signal);
    if (level === undefined) break;
    const outcomes = options.constraints.map((constraint) =>
      evaluateConstraint(constraint, { level, loadTimeNs: launched.loadTimeNs }),
    );
    const judged = { level, violation: totalViolation(outcomes), misses: describeMisses(outcomes) };
    if (best === undefined || judged.violation < best.violation) best = judged;
    concurrency = options.mayStepDown && judged.violation > 0 ? gentlerConcurrency(concurrency, outcomes) : undefined;
  }
  return best;
}

/**
 * One level; one more for long enough where a short one held too few requests of a slow model to say anything. Undefined
 * when it was cut off before either told something.
 */
async function measureEnough(
  { variant, duration }: TrialOptions,
  dependencies: TrialDependencies,
  launched: LaunchedVariant,
  concurrency: number,
  signal: AbortSignal,
): Promise<LevelRecord | undefined> {
  const measure = (time: Nanos): Promise<LevelRecord> =>
    launched.measure({
      load: closedLoad(concurrency, variant.load?.batchSize),
      duration: time,
      signal,
      onProgress: (progress) => dependencies.onProgress(progress),
    });
  const short = await measure(duration);
  if (signal.aborted) return undefined;
  const longer = timeForEnough(short, duration, concurrency);
  if (longer === undefined) return short;
  const long = await measure(longer);
  if (!signal.aborted) return long;
  return short.requestCount > 0 ? short : undefined;
}

/** How long a level must be for enough requests, from the pace of this one; undefined where it has them, or failures. */
function timeForEnough(level: LevelRecord, duration: Nanos, concurrency: number): Nanos | undefined {
  const { requestCount, warmupRequestCount, errorCount, durationNs, warmupNs } = level;
  if (errorCount > 0 || requestCount >= LEAST_TURNS * concurrency) return undefined;
  const answered = requestCount + warmupRequestCount;
  const wanted = (ENOUGH_TURNS * concurrency * (durationNs + warmupNs)) / Math.max(1, answered);
  return nanos(Math.min(MAX_STRETCH * duration, Math.max(2 * duration, wanted)));
}

interface TrialParts {
  readonly durationNs: Nanos;
  readonly loadTimeNs: Nanos | null;
  readonly measuredNs: number;
  readonly judged: Judged | undefined;
  readonly failure: string | undefined;
  readonly outcome: { readonly state: 'pruned'; readonly reason: string } | undefined;
}

function finish(options: TrialOptions, parts: TrialParts): FinishedTrial {
  const { objective, variant } = options;
  const { judged } = parts;
  const level = judged?.level ?? null;
  const read = level === null ? undefined : objective.read({ level, loadTimeNs: parts.loadTimeNs });
  const value = read !== undefined && read > 0 && level?.verdict !== 'INVALID' ? read : undefined;
  const isClientLimited = level !== null && isHeldBackByClient(level, objective, options.busyInFlight);
  const { state, reason } = parts.outcome ?? judge(judged, value, isClientLimited, parts.failure);
  const isComplete = state === 'complete' && value !== undefined;
  const scoreError = level === null ? undefined : utilityError(objective, level);
  return {
    variant,
    value,
    isClientLimited,
    measuredNs: nanos(parts.measuredNs),
    result: {
      state,
      ...(isComplete && { score: utilityOf(objective, value) }),
      ...(isComplete && scoreError !== undefined && { scoreError }),
      ...(judged !== undefined && { violation: judged.violation }),
    },
    record: {
      id: options.id,
      variantId: variant.id,
      phase: options.phase,
      state,
      parameters: { ...variant.parameters },
      score: isComplete ? value : null,
      durationNs: parts.durationNs,
      loadTimeNs: parts.loadTimeNs,
      reason,
      level,
    },
  };
}

function judge(
  judged: Judged | undefined,
  value: number | undefined,
  isClientLimited: boolean,
  failure: string | undefined,
): Pick<TrialRecord, 'state' | 'reason'> {
  if (judged === undefined) return { state: 'failed', reason: failure ?? 'nothing was measured' };
  if (value === undefined) return { state: 'failed', reason: failure ?? whyUnusable(judged.level) };
  if (judged.violation > 0) return { state: 'infeasible', reason: judged.misses };
  return { state: 'complete', reason: isClientLimited ? CLIENT_LIMITED_REASON : (failure ?? null) };
}

function whyUnusable(level: LevelRecord): string {
  const causes = Object.entries(level.errors).map(([cause, count]) => `${count} x ${cause}`);
  const said = [...level.warnings.map(({ message }) => message), ...causes];
  return said.length === 0 ? 'no request succeeded' : said.join('; ');
}
