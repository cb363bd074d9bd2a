/** One trial: a fresh server for the variant, its answers compared where that matters, one or a few levels. Whatever happens, it is an outcome. */
import type { Clock } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import { elapsed, type Instant, type Nanos, nanos } from '../../common/units.js';
import type { LevelProgress } from '../../measure/measurement.js';
import type { LevelRecord } from '../../record/run-record.js';
import type { TrialAccuracy, TrialRecord } from '../../record/study-record.js';
import type { LaunchedVariant, LaunchVariant } from '../launchers/launched-variant.js';
import { type Constraint, evaluateConstraint, totalViolation } from '../objectives/constraint.js';
import type { Objective } from '../objectives/objective.js';
import { closedLoad, gentlerConcurrency } from '../studies/study-load.js';
import type { Variant } from '../variants/variants.js';
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
  launched: LaunchedVariant | undefined;
  accuracy: TrialAccuracy | undefined;
  level: LevelRecord | null;
  hopeless: string | undefined;
  failure: TrialFailure | undefined;
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
    launched: undefined,
    accuracy: undefined,
    level: null,
    hopeless: undefined,
    failure: undefined,
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
  seen.measureStart = dependencies.clock.now();
  await measureBest(options, dependencies, launched, seen, signal);
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
): Promise<void> {
  let least = Number.POSITIVE_INFINITY;
  let concurrency: number | undefined = options.concurrency;
  for (let step = 0; concurrency !== undefined && step <= MAX_STEPS_DOWN && !signal.aborted; step++) {
    const level = await measureEnough(options, dependencies, launched, concurrency, seen, signal);
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
): Promise<LevelRecord | undefined> {
  const { variant, duration } = options;
  const measure = async (time: Nanos): Promise<LevelRecord> => {
    const watch = watchForEnd(options, dependencies, signal);
    const load = closedLoad(concurrency, variant.load?.batchSize);
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
  const longer = seen.hopeless === undefined ? timeForEnough(short, duration, concurrency) : undefined;
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
