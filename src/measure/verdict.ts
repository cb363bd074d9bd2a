/** Judges a measured level: may its numbers be believed, and if not, why and what to do about it. */
import type { StopRule } from '../plan/load-plan.js';
import type { EndReason, Verdict, Warning } from '../record/run-record.js';
import { driftOf, type MeasuredWindow, missedTargets, type Precision, precisionOf } from './measured-window.js';
import { percentileOf, sortSamples } from './percentile.js';

/** Share of failed requests above which a level says nothing about serving. */
const MAX_ERROR_RATIO = 0.5;
/** Share of time a load worker may be busy. */
const MAX_BUSY_RATIO = 0.8;
/** Send lag p99 may be this long, or this share of median latency where that is longer, before it is worth a word. */
const MAX_SEND_LAG_NS = 1e6;
const MAX_SEND_LAG_SHARE = 0.05;
/**
 * In a closed loop a slot's time is its latency, which begins with the send lag. So the mean lag over the mean latency is
 * the share of the throughput that the generator holds back (Little's law); more than this and it is the limit.
 */
const MAX_HELD_BACK_SHARE = 0.05;

export interface LevelEvidence {
  readonly window: MeasuredWindow;
  readonly rule: StopRule;
  readonly endReason: EndReason;
  /** Of the whole level. */
  readonly successCount: number;
  readonly errorCount: number;
  readonly maxBusyRatio: number;
}

/** The verdict, with the warnings that led to it first. INVALID goes before CLIENT_LIMITED, that before UNSTABLE. */
export function judgeLevel(evidence: LevelEvidence): { readonly verdict: Verdict; readonly warnings: Warning[] } {
  const total = evidence.successCount + evidence.errorCount;
  const errorRatio = total === 0 ? 1 : evidence.errorCount / total;
  if (evidence.window.latenciesNs.length === 0 || errorRatio > MAX_ERROR_RATIO) {
    return { verdict: 'INVALID', warnings: [describeInvalid(evidence, errorRatio)] };
  }
  const limited = clientLimits(evidence);
  const unstable = instabilities(evidence);
  const failed = evidence.errorCount > 0 ? [describeFailures(evidence.errorCount, errorRatio)] : [];
  const verdict = limited.length > 0 ? 'CLIENT_LIMITED' : unstable.length > 0 ? 'UNSTABLE' : 'VALID';
  const late = limited.length > 0 ? [] : lateSends(evidence);
  return { verdict, warnings: [...limited, ...unstable, ...failed, ...late] };
}

function describeInvalid({ window, successCount, errorCount }: LevelEvidence, errorRatio: number): Warning {
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
  if (errorRatio <= MAX_ERROR_RATIO && window.latenciesNs.length === 0) {
    return {
      code: 'NO_REQUEST_IN_WINDOW',
      message: 'No request succeeded after warm-up; allow more time (--max-time).',
    };
  }
  return {
    code: 'HIGH_ERROR_RATE',
    message: `${percent(errorRatio)} of the requests failed, so speed means little here; remove the causes listed with the errors first.`,
  };
}

const describeFailures = (errorCount: number, errorRatio: number): Warning => ({
  code: 'REQUESTS_FAILED',
  message: `${percent(errorRatio)} of the requests failed (${errorCount}); latency and throughput speak of the successful ones only.`,
});

function clientLimits({ window, maxBusyRatio }: LevelEvidence): Warning[] {
  const warnings: Warning[] = [];
  if (maxBusyRatio > MAX_BUSY_RATIO) {
    warnings.push({
      code: 'CLIENT_BUSY',
      message: `A load worker was busy ${percent(maxBusyRatio)} of the time, so the server may do better; use more load workers (--workers) or another host.`,
    });
  }
  const heldBack = meanOf(window.sendLagsNs) / meanOf(window.latenciesNs);
  if (heldBack > MAX_HELD_BACK_SHARE) {
    warnings.push({
      code: 'SEND_LAG',
      message: `Requests left late: the send lag is ${percent(heldBack)} of the mean latency, so the server may do better by as much; ${lagRemedy(maxBusyRatio)}.`,
    });
  }
  return warnings;
}

/** Late sends that hold back too little to limit the level, but reach into the latency's tail. */
function lateSends({ window, maxBusyRatio }: LevelEvidence): Warning[] {
  const limit = Math.max(MAX_SEND_LAG_NS, MAX_SEND_LAG_SHARE * percentileOf(window.orderedLatenciesNs, 50));
  if (!isP99Above(window.sendLagsNs, limit)) return [];
  const lag = millis(percentileOf(sortSamples(window.sendLagsNs), 99));
  const message = `Some requests left late (p99 of the send lag is ${lag}), which counts in their latency; ${lagRemedy(maxBusyRatio)}.`;
  return [{ code: 'LATE_SENDS', message }];
}

const meanOf = (samples: Float64Array): number => samples.reduce((sum, sample) => sum + sample, 0) / samples.length;

/** A worker that is late although it has little to do waits for a CPU, and more workers would only wait with it. */
const lagRemedy = (maxBusyRatio: number): string =>
  maxBusyRatio > MAX_BUSY_RATIO / 2
    ? 'use more load workers (--workers) or another host'
    : `the load worker was busy only ${percent(maxBusyRatio)} of the time, so it waited for a CPU: run perf-ts on CPUs that the server leaves free, or on another host`;

/** True when more than 1 % of the samples lie above `limit`, by two standard errors: one late request of fifty is chance. */
function isP99Above(samples: Float64Array, limit: number): boolean {
  const expected = samples.length / 100;
  let above = 0;
  for (const sample of samples) if (sample > limit) above++;
  return above > expected + 2 * Math.sqrt(expected);
}

/** Reasons against believing the window, judged by its plain 95 % intervals. */
function instabilities({ window, rule, endReason }: LevelEvidence): Warning[] {
  const warnings: Warning[] = [];
  if (endReason === 'interrupted') {
    warnings.push({ code: 'INTERRUPTED', message: 'Interrupted before the level could end by itself; run it again.' });
  }
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
  return [...warnings, ...precisionWarnings(precisionOf(window, 0.95), rule)];
}

function precisionWarnings(precision: Precision, rule: StopRule): Warning[] {
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
      message: `Time was over before the confidence target was met: ${reached.join(', ')}; allow more time (--max-time) or quieten the host.`,
    },
  ];
}

const percent = (share: number): string => `${Number((share * 100).toPrecision(2))} %`;
const millis = (ns: number): string => `${Number((ns / 1e6).toPrecision(3))} ms`;
