/** Judges a measured level: may its numbers be believed, and if not, why and what to do about it. */
import { NANOS_PER_SEC } from '../common/units.js';
import type { MismatchCounts } from '../load/load-session.js';
import { DEFAULT_MAX_ERROR_RATIO } from '../plan/error-limit.js';
import type { StopRule } from '../plan/load-plan.js';
import { shareOfFailed, type VerdictAxes, verdictOf } from '../record/level-judgement.js';
import type { EndReason, Verdict, Warning } from '../record/run-record.js';
import { ceilingWarnings, type GeneratorEvidence, generatorLimits, lateSends } from './limits/generator-limits.js';
import { backlogGrowth, type InFlightTime, littleDeviation } from './windows/in-flight-time.js';
import { driftOf, missedTargets, type Precision, precisionOf } from './windows/measured-window.js';

export interface LevelEvidence extends GeneratorEvidence {
  readonly rule: StopRule;
  readonly endReason: EndReason;
  /** Of the whole level. */
  readonly successCount: number;
  readonly errorCount: number;
  /** Arrivals that found too many requests in flight and were never sent. */
  readonly droppedCount: number;
  /** Requests without a response that the end of the level gave up on; none by default. */
  readonly unfinishedCount?: number;
  readonly inFlight: InFlightTime;
  /** Share of requests that may fail; `DEFAULT_MAX_ERROR_RATIO` by default. */
  readonly maxErrorRatio?: number | undefined;
  /** Answers held against what the input data expects, where it expects any; wrong ones count as failures. */
  readonly answers?: MismatchCounts | undefined;
  /** Set where the server stopped answering: when, since the level began, and how requests failed from then on. */
  readonly silence?: { readonly sinceNs: number; readonly cause: string | undefined };
}

export interface LevelJudgement extends VerdictAxes {
  readonly verdict: Verdict;
  /** The one that matters most first. */
  readonly warnings: Warning[];
  /** Share of requests that failed or were answered wrongly; null where none ended. */
  readonly errorRatio: number | null;
}

/** What decides that a level is no measurement goes before what was unsteady, and that before the generator's own limits. */
export function judgeLevel(evidence: LevelEvidence): LevelJudgement {
  const { successCount, errorCount, answers, silence, maxErrorRatio = DEFAULT_MAX_ERROR_RATIO } = evidence;
  const errorRatio = shareOfFailed(successCount, errorCount, answers?.mismatchCount) ?? null;
  const wrong = wrongAnswers(answers);
  // A server that stopped answering fails requests without end, so their share is judged by no limit then.
  const limit = silence === undefined ? maxErrorRatio : Infinity;
  const failures = errorCount === 0 ? [] : [describeFailures(evidence, limit)];
  const dropped = describeDropped(evidence);
  const invalid = (first: Warning | undefined, ...others: Warning[]): LevelJudgement => ({
    verdict: 'INVALID',
    isSteady: false,
    isClientLimited: false,
    warnings: [...wrong, ...(first === undefined ? [] : [first]), ...others],
    errorRatio,
  });
  if (silence !== undefined) return invalid(describeSilence(silence), ...failures, ...dropped);
  const unfinished = describeUnfinished(evidence);
  const nothing = describeNothing(evidence);
  if (nothing !== undefined) return invalid(nothing, ...(successCount > 0 ? failures : []), ...unfinished, ...dropped);
  if (errorRatio === null || errorRatio > maxErrorRatio) return invalid(failures[0], ...unfinished, ...dropped);
  const limited = generatorLimits(evidence);
  const overloaded = describeOverload(evidence);
  // A backlog that grows is a drift of latency too, and says it better.
  const unstable = overloaded.length > 0 ? [...overloaded, ...interruption(evidence)] : instabilities(evidence);
  // What was left out would have been the slowest, so beyond the share that may fail the latencies are too low.
  const isCensored = unfinished.length > 0 && unfinishedShare(evidence) > maxErrorRatio;
  const late = limited.length > 0 ? [] : lateSends(evidence);
  // What was never sent is missing from what is in flight, and a backlog that grows has its own name.
  const little = overloaded.length > 0 || dropped.length > 0 ? [] : describeLittle(evidence);
  const others = [
    ...(isCensored ? unfinished : []),
    ...unstable,
    ...limited,
    ...failures,
    ...(isCensored ? [] : unfinished),
    ...late,
    ...little,
    ...ceilingWarnings(evidence),
  ];
  if (dropped.length > 0) return invalid(dropped[0], ...others);
  const axes = { isSteady: unstable.length === 0 && !isCensored, isClientLimited: limited.length > 0 };
  return { verdict: verdictOf(axes), ...axes, warnings: [...wrong, ...others], errorRatio };
}

/** Wrong answers come before all else, whatever their share. */
function wrongAnswers(answers: MismatchCounts | undefined): Warning[] {
  if (answers === undefined || answers.mismatchCount === 0) return [];
  const { mismatchCount, checkedCount, first } = answers;
  return [
    {
      code: 'MISMATCH',
      message: `${mismatchCount} of ${checkedCount} responses differ from the expected outputs of the input data and count as failed; in the first one ${first}.`,
    },
  ];
}

function describeDropped({ droppedCount, level }: LevelEvidence): Warning[] {
  if (droppedCount === 0) return [];
  const limit = level.kind === 'open' ? `${level.maxInFlight} requests were` : 'too many requests were';
  return [
    {
      code: 'REQUESTS_DROPPED',
      message: `${droppedCount} requests were never sent, because ${limit} unanswered when they were due: the server does not keep up with this rate; ask for a lower one.`,
    },
  ];
}

/** Only an open loop can ask for more than is served; a closed one waits. */
function describeOverload({ level, window, inFlight }: LevelEvidence): Warning[] {
  if (level.kind !== 'open' || window.isVaried) return [];
  const growth = backlogGrowth(inFlight);
  if (growth === undefined) return [];
  return [
    {
      code: 'OVERLOADED',
      message: `Unanswered requests kept piling up, by ${percent(growth)} of those that were due: the server does not keep up with this rate, so latency says how long the level lasted; ask for a lower rate.`,
    },
  ];
}

/** Little's law, L = lambda W: a closed loop keeps its concurrency in flight, an open one its rate times the mean latency. */
function describeLittle({ level, window, inFlight }: LevelEvidence): Warning[] {
  if (window.isVaried) return [];
  const expected =
    level.kind === 'closed' ? level.concurrency : (level.requestRatePerSec * inFlight.meanLatencyNs) / NANOS_PER_SEC;
  const deviation = littleDeviation(inFlight, expected, window.to - window.from);
  if (deviation === undefined) return [];
  const words = `${percent(Math.abs(deviation))} ${deviation > 0 ? 'more' : 'fewer'}`;
  const reason =
    level.kind === 'closed'
      ? 'slots stood idle or were lost; look at the failed requests'
      : 'arrivals were not those of the schedule, or the level was too short';
  return [
    {
      code: 'LITTLE_LAW',
      message: `Requests in flight were ${words} than rate and latency account for (Little's law), so ${reason}.`,
    },
  ];
}

const unfinishedShare = ({ successCount, errorCount, unfinishedCount = 0 }: LevelEvidence): number =>
  unfinishedCount / Math.max(1, successCount + errorCount + unfinishedCount);

function describeUnfinished(evidence: LevelEvidence): Warning[] {
  const { successCount, errorCount, unfinishedCount = 0 } = evidence;
  if (unfinishedCount === 0) return [];
  const total = successCount + errorCount + unfinishedCount;
  return [
    {
      code: 'UNFINISHED',
      message: `${unfinishedCount} of ${total} requests had no response yet when the level was over and are in no figure; they did not fail, but would have been among the slowest. Allow more time (--max-time) or keep fewer in flight.`,
    },
  ];
}

function describeSilence({ sinceNs, cause }: NonNullable<LevelEvidence['silence']>): Warning {
  const seconds = Number((sinceNs / NANOS_PER_SEC).toPrecision(3));
  const how = cause === undefined ? '' : ` (${cause})`;
  return {
    code: 'SERVER_STOPPED',
    message: `The server stopped answering ${seconds} s into the level, and every request failed from then on${how}; the figures are of the time before.`,
  };
}

/** Set where there is nothing that a figure could be of. */
function describeNothing({ window, successCount, errorCount }: LevelEvidence): Warning | undefined {
  if (successCount + errorCount === 0) {
    return {
      code: 'NO_REQUEST_ENDED',
      message:
        'No request ended in the time of the level; allow more time (--max-time) or look at what the server does.',
    };
  }
  if (successCount === 0) {
    return {
      code: 'ALL_REQUESTS_FAILED',
      message: 'Every request failed; the causes are listed with the errors, and the server log may tell more.',
    };
  }
  if (window.latenciesNs.length > 0) return undefined;
  return {
    code: 'NO_REQUEST_IN_WINDOW',
    message: 'No request succeeded after warm-up; allow more time (--max-time).',
  };
}

/** Of requests without a response; wrong ones have their own words. */
function describeFailures({ errorCount, successCount, answers }: LevelEvidence, maxErrorRatio: number): Warning {
  const total = errorCount + successCount;
  const failed = `${percent(errorCount / total)} of the requests failed (${errorCount} of ${total})`;
  const share = shareOfFailed(successCount, errorCount, answers?.mismatchCount) ?? 0;
  return share > maxErrorRatio
    ? {
        code: 'HIGH_ERROR_RATE',
        message: `${failed}, more than the limit of ${percent(maxErrorRatio)} (--max-error-rate), so the figures, which are of the successful ones only, say little about serving; remove the causes first.`,
      }
    : {
        code: 'REQUESTS_FAILED',
        message: `${failed}; latency and throughput are of the successful ones only.`,
      };
}

/** Reasons against believing the window, judged by its plain 95 % intervals. */
function instabilities(evidence: LevelEvidence): Warning[] {
  const { window } = evidence;
  const warnings = interruption(evidence);
  if (!window.isWarmUpOver) {
    warnings.push({
      code: 'WARM_UP_NOT_OVER',
      message: 'The level was still warming up at half of its time; allow more time (--max-time).',
    });
  }
  const drift = driftOf(window);
  if (drift !== undefined) {
    // The slope times the window, over the median: a steep fall is more than all of the median.
    const direction = drift.trend.relativeChange > 0 ? 'up' : 'down';
    warnings.push({
      code: 'DRIFT',
      message: `The ${drift.of === 'latency' ? 'mean latency' : 'throughput'} drifted ${direction} by ${percent(Math.abs(drift.trend.relativeChange))} of its median over the window; allow more time (--max-time), and look for other load or throttling on the host.`,
    });
  }
  if (window.isVaried) return warnings;
  return [...warnings, ...precisionWarnings(precisionOf(window, 0.95), evidence)];
}

function interruption({ endReason }: LevelEvidence): Warning[] {
  if (endReason !== 'interrupted') return [];
  return [{ code: 'INTERRUPTED', message: 'Interrupted before the level could end by itself; run it again.' }];
}

function precisionWarnings(precision: Precision, { rule, endReason }: LevelEvidence): Warning[] {
  const missed = missedTargets(precision, rule.targetHalfWidth);
  if (missed.length === 0) return [];
  if (precision.throughput === undefined) {
    return [
      {
        code: 'TOO_FEW_REQUESTS',
        message: 'Too few requests for confidence intervals; allow more time (--max-time).',
      },
    ];
  }
  const names: Record<keyof Precision, string> = {
    throughput: 'throughput',
    latencyMean: 'mean latency',
    latencyP99: 'p99 latency',
  };
  const reached = missed.map((name) => {
    const target = rule.targetHalfWidth * (name === 'latencyP99' ? 2 : 1);
    return `${names[name]} is known to ±${percent(precision[name] ?? Infinity)} (target ±${percent(target)})`;
  });
  return [
    {
      code: 'TARGET_MISSED',
      message: `${endReason === 'request-count' ? 'So many requests do not meet the confidence target' : 'Time was over before the confidence target was met'}: ${reached.join(', ')}; ${endReason === 'request-count' ? 'send more (--request-count)' : 'allow more time (--max-time)'} or quieten the host.`,
    },
  ];
}

const percent = (share: number): string => `${Number((share * 100).toPrecision(2))}%`;
