/** One trial: a fresh server for the variant, its answers compared where that matters, one or a few levels. Whatever happens, it is an outcome. */
import type { Clock } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import { after, elapsed, type Instant, type Nanos, nanos } from '../../common/units.js';
import type { LevelProgress } from '../../measure/measurement.js';
import type { LevelRecord } from '../../record/run-record.js';
import type { TrialAccuracy, TrialRecord } from '../../record/study-record.js';
import type { LaunchedVariant, LaunchVariant } from '../launchers/launched-variant.js';
import { type Constraint, evaluateConstraint, totalViolation } from '../objectives/constraint.js';
import type { Objective } from '../objectives/objective.js';
import { closedLoad, gentlerConcurrency } from '../studies/study-load.js';
import type { Variant } from '../variants/variants.js';
import { chooseSlowLoad, countRequests, describeTooSlow, isSlow, type SlowLoad } from './slow-load.js';
import type { CompareAnswers } from './trial-accuracy.js';
import { comparisonFault, failureOf, type TrialFailure } from './trial-cause.js';
import { type FinishedTrial, finishTrial, missesOf, type TrialRound } from './trial-outcome.js';
import { type LevelRises, type Rival, type RunningEstimate, watchLevel, whyHopeless } from './trial-watch.js';

/** Requests that each slot must have had answered in the window, how many a longer level aims at, and its longest time. */
const LEAST_TURNS = 2;
const ENOUGH_TURNS = 8;
const MAX_STRETCH = 10;
/** A level is measured again at a lower load at most this often. */
const MAX_STEPS_DOWN = 2;

export interface TrialOptions {
  readonly id: string;
  readonly variant: Variant;
  readonly phase: TrialRecord['phase'];
  readonly concurrency: number;
  /** Requests that keep the variant's instances busy. */
  readonly busyInFlight: number;
  /** Set for the study's first trial, which finds out whether the model is slow. */
  readonly firstOfBudget?: { readonly budget: Nanos; readonly isLoadFixed: boolean } | undefined;
  /** What one inference takes, of a model that the first trial found slow. */
  readonly inferenceNs?: Nanos | undefined;
  /** What a level of a slow model should take. */
  readonly slowLevelTime?: Nanos | undefined;
  /** Whether a missed latency limit may be met at a lower load. */
  readonly mayStepDown: boolean;
  readonly duration: Nanos;
  /** `duration` in search levels. */
  readonly effort: number;
  readonly round?: TrialRound | undefined;
  /** The strategy did not propose it. */
  readonly isUnasked?: boolean | undefined;
  /** The trial is cut off after this time. */
  readonly limit: Nanos;
  /** What it means when the limit is reached. */
  readonly limitReason: string;
  /** When the study began, for the record. */
  readonly startedNs: Nanos;
  readonly seed: number;
  readonly objective: Objective;
  /** The limits of this variant, those on its accuracy included. */
  readonly constraints: readonly Constraint[];
  /** Whether its answers are compared with the unchanged model's. */
  readonly comparesAnswers: boolean;
  /** What comparing the same variant's answers gave before; they are then not asked for again. */
  readonly knownAccuracy?: TrialAccuracy | undefined;
  /** A level that cannot come near this any more ends early; left out where there is no basis for that. */
  readonly rival?: Rival | undefined;
  /** What levels of this study rise by after their first estimate; learns from this one. */
  readonly rises: LevelRises;
}

export interface TrialDependencies {
  readonly launchVariant: LaunchVariant;
  readonly compareAnswers?: CompareAnswers | undefined;
  readonly clock: Clock;
  /** The user's interrupt. */
  readonly signal: AbortSignal;
  onProgress(progress: LevelProgress): void;
  /** Told how long stopping the server took. */
  onClosed?(closingNs: Nanos): void;
}

/** What was seen so far; filled in as the trial goes on, so that a failure keeps what came before it. */
interface Seen {
  /** When the trial is cut off. */
  readonly deadline: Instant;
  launched: LaunchedVariant | undefined;
  accuracy: TrialAccuracy | undefined;
  level: LevelRecord | null;
  hopeless: string | undefined;
  failure: TrialFailure | undefined;
  inferenceNs: Nanos | undefined;
  measureStart: Instant | undefined;
  measuredNs: Nanos;
}

/** Undefined when the user's interrupt ended it: an unfinished trial is no result. Never rejects for a failing variant. */
export async function runTrial(
  options: TrialOptions,
  dependencies: TrialDependencies,
): Promise<FinishedTrial | undefined> {
  const { clock, signal } = dependencies;
  const { variant, objective, constraints, busyInFlight } = options;
  const started = clock.now();
  const cutOff = startCutOff(clock, options.limit, signal);
  const seen: Seen = {
    deadline: after(started, options.limit),
    launched: undefined,
    accuracy: undefined,
    level: null,
    hopeless: undefined,
    failure: undefined,
    inferenceNs: undefined,
    measureStart: undefined,
    measuredNs: nanos(0),
  };
  try {
    seen.launched = await dependencies.launchVariant(variant, { seed: options.seed, signal: cutOff.signal });
    await observe(options, dependencies, seen.launched, seen, cutOff.signal);
  } catch (thrown) {
    seen.failure = failureOf(thrown, seen.launched !== undefined);
  }
  // What was measured in time counts, even if the server takes long to stop.
  const isCutOff = cutOff.isReached() && seen.level === null;
  cutOff.end();
  if (seen.measureStart !== undefined) seen.measuredNs = elapsed(seen.measureStart, clock.now());
  const closeStart = clock.now();
  // The server may be what failed, so stopping it may fail too; that adds nothing to the outcome.
  await seen.launched?.close().catch((thrown: unknown) => {
    seen.failure ??= { message: `the server did not stop: ${messageOf(thrown)}`, cause: 'unknown' };
  });
  dependencies.onClosed?.(elapsed(closeStart, clock.now()));
  if (signal.aborted) return undefined;
  const facts = {
    id: options.id,
    phase: options.phase,
    effort: options.effort,
    round: options.round,
    isUnasked: options.isUnasked,
    startedNs: options.startedNs,
    durationNs: elapsed(started, clock.now()),
    loadTimeNs: seen.launched?.loadTimeNs ?? null,
    measuredNs: seen.measuredNs,
    level: seen.level,
    inferenceNs: seen.inferenceNs,
    accuracy: seen.accuracy,
    failure: seen.failure,
    cut: cutOf(options, isCutOff, seen.hopeless),
  };
  return finishTrial(variant, facts, { objective, constraints, busyInFlight });
}

function cutOf({ limitReason }: TrialOptions, isCutOff: boolean, hopeless: string | undefined) {
  if (hopeless !== undefined) return { cause: 'early_abort' as const, reason: hopeless };
  return isCutOff ? { cause: 'timeout' as const, reason: limitReason } : undefined;
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

/** Answers first: a variant that is wrong is not worth its load. */
async function observe(
  options: TrialOptions,
  dependencies: TrialDependencies,
  launched: LaunchedVariant,
  seen: Seen,
  signal: AbortSignal,
): Promise<void> {
  if (options.comparesAnswers && dependencies.compareAnswers !== undefined) {
    seen.accuracy = options.knownAccuracy ?? (await compareOrTell(dependencies.compareAnswers, launched, signal));
    if (missesOf({ level: null, loadTimeNs: null, accuracy: seen.accuracy }, options)?.isAccuracy === true) return;
  }
  const slow = await findSlowLoad(options, dependencies, launched, seen, signal);
  if (seen.failure !== undefined || signal.aborted) return;
  seen.measureStart = dependencies.clock.now();
  await measureBest(options, dependencies, launched, seen, signal, slow);
}

/** Undefined for a model that is quick enough for levels of a set time. A failure where not even one trial fits. */
async function findSlowLoad(
  options: TrialOptions,
  dependencies: TrialDependencies,
  launched: LaunchedVariant,
  seen: Seen,
  signal: AbortSignal,
): Promise<SlowLoad | undefined> {
  const { concurrency, duration, firstOfBudget, slowLevelTime = duration } = options;
  const { clock } = dependencies;
  const inferenceNs = options.inferenceNs ?? (await timeInference(options, dependencies, launched, signal));
  if (inferenceNs === undefined || signal.aborted) return undefined;
  if (options.inferenceNs === undefined && !isSlow(inferenceNs, concurrency, duration)) return undefined;
  seen.inferenceNs = inferenceNs;
  if (firstOfBudget === undefined) return countRequests(concurrency, inferenceNs, slowLevelTime);
  const left = nanos(Math.max(0, elapsed(clock.now(), seen.deadline)));
  const { isLoadFixed, budget } = firstOfBudget;
  const load = chooseSlowLoad({ inferenceNs, concurrency, isFixed: isLoadFixed, levelTime: slowLevelTime, left });
  const spent = nanos(options.limit - left);
  if (load === undefined) {
    const message = describeTooSlow(inferenceNs, isLoadFixed, concurrency, spent, budget);
    seen.failure = { message, cause: 'timeout' };
  }
  return load;
}

/** Of the first trial, by one request of each model with nothing beside it; undefined where the first response was quick. */
async function timeInference(
  { variant, concurrency, duration, firstOfBudget }: TrialOptions,
  { onProgress }: TrialDependencies,
  launched: LaunchedVariant,
  signal: AbortSignal,
): Promise<Nanos | undefined> {
  // A first response that took long may be of a slow model, or of a server that was cold.
  const isMaybeSlow = isSlow(launched.firstResponseNs ?? nanos(0), concurrency, duration);
  if (firstOfBudget === undefined || !isMaybeSlow) return undefined;
  const load = { ...closedLoad(1, variant.load?.batchSize), requestCount: variant.members?.length ?? 1 };
  const { serviceNs } = await launched.measure({ load, duration, signal, onProgress });
  return serviceNs === null ? undefined : nanos(serviceNs.mean);
}

async function compareOrTell(
  compareAnswers: CompareAnswers,
  launched: LaunchedVariant,
  signal: AbortSignal,
): Promise<TrialAccuracy> {
  try {
    return await compareAnswers(launched, signal);
  } catch (thrown) {
    throw comparisonFault(thrown);
  }
}

/** The first level that keeps the limits, or the one that missed them least. */
async function measureBest(
  options: TrialOptions,
  dependencies: TrialDependencies,
  launched: LaunchedVariant,
  seen: Seen,
  signal: AbortSignal,
  slow: SlowLoad | undefined,
): Promise<void> {
  let least = Number.POSITIVE_INFINITY;
  let concurrency: number | undefined = slow?.concurrency ?? options.concurrency;
  for (let step = 0; concurrency !== undefined && step <= MAX_STEPS_DOWN && !signal.aborted; step++) {
    const level = await measureEnough(options, dependencies, launched, concurrency, seen, signal, slow);
    if (level === undefined) break;
    const { loadTimeNs } = launched;
    const outcomes = options.constraints.map((constraint) =>
      evaluateConstraint(constraint, { level, loadTimeNs, accuracy: seen.accuracy }),
    );
    const violation = totalViolation(outcomes);
    if (violation < least) [least, seen.level] = [violation, level];
    seen.level ??= level;
    const mayGoOn = options.mayStepDown && violation > 0 && seen.hopeless === undefined;
    concurrency = mayGoOn ? gentlerConcurrency(concurrency, outcomes) : undefined;
  }
}

/**
 * One level; one more for long enough where a short one held too few requests of a slow model to say anything. Undefined
 * when it was cut off before either told something.
 */
async function measureEnough(
  options: TrialOptions,
  dependencies: TrialDependencies,
  launched: LaunchedVariant,
  concurrency: number,
  seen: Seen,
  signal: AbortSignal,
  slow: SlowLoad | undefined,
): Promise<LevelRecord | undefined> {
  const { variant, duration } = options;
  const measure = async (time: Nanos): Promise<LevelRecord> => {
    const watch = watchForEnd(options, dependencies, signal);
    const load = {
      ...closedLoad(concurrency, variant.load?.batchSize),
      ...(slow && { requestCount: Math.ceil(slow.requestCount / slow.concurrency) * concurrency }),
    };
    const level = await launched.measure({
      load,
      duration: time,
      signal: watch.signal,
      onProgress: (progress) => watch.note(progress),
    });
    seen.hopeless = watch.hopeless();
    const first = watch.firstEstimate();
    if (first !== undefined && seen.hopeless === undefined && !signal.aborted)
      options.rises.note(first, level.throughputPerSec.value);
    return level;
  };
  const short = await measure(duration);
  if (signal.aborted) return undefined;
  const longer =
    seen.hopeless === undefined && slow === undefined ? timeForEnough(short, duration, concurrency) : undefined;
  if (longer === undefined) return short;
  const long = await measure(longer);
  if (!signal.aborted) return long;
  return short.requestCount > 0 ? short : undefined;
}

/** Passes progress on, and ends the level when it cannot win any more. */
function watchForEnd(
  { rival, rises }: TrialOptions,
  dependencies: TrialDependencies,
  signal: AbortSignal,
): {
  readonly signal: AbortSignal;
  note(progress: LevelProgress): void;
  hopeless(): string | undefined;
  firstEstimate(): RunningEstimate | undefined;
} {
  const end = new AbortController();
  const watch = watchLevel();
  const rise = rises.expected();
  let first: RunningEstimate | undefined;
  let reason: string | undefined;
  return {
    signal: AbortSignal.any([signal, end.signal]),
    hopeless: () => reason,
    firstEstimate: () => first,
    note(progress) {
      dependencies.onProgress(progress);
      watch.note(progress);
      const estimate = watch.estimate();
      first ??= estimate;
      if (rival === undefined || reason !== undefined) return;
      reason = whyHopeless(estimate, rival, progress, rise);
      if (reason !== undefined) end.abort();
    },
  };
}

/** How long a level must be for enough requests, from the pace of this one; undefined where it has them, or failures. */
function timeForEnough(level: LevelRecord, duration: Nanos, concurrency: number): Nanos | undefined {
  const { requestCount, warmupRequestCount, errorCount, durationNs, warmupNs } = level;
  if (errorCount > 0 || requestCount >= LEAST_TURNS * concurrency) return undefined;
  const answered = requestCount + warmupRequestCount;
  const wanted = (ENOUGH_TURNS * concurrency * (durationNs + warmupNs)) / Math.max(1, answered);
  return nanos(Math.min(MAX_STRETCH * duration, Math.max(2 * duration, wanted)));
}
