/** Was the load generator the limit? Its own signs of strain as warnings with cause and remedy; any of them makes a level CLIENT_LIMITED. */
import type { LoadLevel } from '../../plan/load-plan.js';
import type { Warning } from '../../record/run-record.js';
import { meanOf, percentileOf, sortSamples } from '../statistics/percentile.js';
import type { MeasuredWindow } from '../windows/measured-window.js';
import type { ClientCeiling } from './client-ceiling.js';

/** Share of time a load worker may be busy. */
const MAX_BUSY_RATIO = 0.8;
/** Share of short slices in which a worker may be busier than that. */
const MAX_BUSY_SLICES = 0.05;
/** Send lag p99 may be this long, or this share of median latency where that is longer, before it is worth a word. */
const MAX_SEND_LAG_NS = 1e6;
const MAX_SEND_LAG_SHARE = 0.05;
/**
 * In a closed loop a slot's time is its latency, which begins with the send lag. So the mean lag over the mean latency is
 * the share of the throughput that the generator holds back (Little's law); more than this and it is the limit.
 */
const MAX_HELD_BACK_SHARE = 0.05;
/** Share of an open loop's rate that must have been sent. */
const MIN_SENT_SHARE = 0.99;
/** A headline above this share of the calibrated highest rate is the client's as much as the server's. */
const MAX_CEILING_SHARE = 0.5;
/** Share of the measured median that the client alone may need. */
const MAX_FLOOR_SHARE = 0.2;

export interface GeneratorEvidence {
  readonly level: LoadLevel;
  readonly window: MeasuredWindow;
  readonly maxBusyRatio: number;
  /** Share of short slices in which a worker was busier than 80 %; undefined where it was not watched. */
  readonly busySliceRatio?: number | undefined;
  /** Requests sent in the window whatever became of them, dropped ones included; for open loops. */
  readonly offeredCount: number;
  /** What the generator can do on this host, where it was calibrated. */
  readonly ceiling?: ClientCeiling | undefined;
}

export function generatorLimits(evidence: GeneratorEvidence): Warning[] {
  const { level, maxBusyRatio, busySliceRatio } = evidence;
  const warnings: Warning[] = [];
  if (maxBusyRatio > MAX_BUSY_RATIO) {
    warnings.push({
      code: 'CLIENT_BUSY',
      message: `A load worker was busy ${percent(maxBusyRatio)} of the time, so the server may do better; use more load workers (--workers) or another host.`,
    });
  } else if (busySliceRatio !== undefined && busySliceRatio > MAX_BUSY_SLICES) {
    warnings.push({
      code: 'CLIENT_BUSY',
      message: `A load worker was busy more than 80 % in ${percent(busySliceRatio)} of the slices of 100 ms, so bursts reach its limit; use more load workers (--workers) or another host.`,
    });
  }
  return [...warnings, ...(level.kind === 'closed' ? heldBack(evidence) : lateArrivals(evidence))];
}

function heldBack({ window, maxBusyRatio }: GeneratorEvidence): Warning[] {
  const share = meanOf(window.sendLagsNs) / meanOf(window.latenciesNs);
  if (!(share > MAX_HELD_BACK_SHARE)) return [];
  const message = `Requests left late: the send lag is ${percent(share)} of the mean latency, so the server may do better by as much; ${lagRemedy(maxBusyRatio)}.`;
  return [{ code: 'SEND_LAG', message }];
}

/** An open loop has to keep its schedule: late or missing arrivals are a lighter load than was asked for. */
function lateArrivals(evidence: GeneratorEvidence): Warning[] {
  const { level, window, maxBusyRatio, offeredCount } = evidence;
  const warnings: Warning[] = [];
  if (level.kind === 'open' && level.waitsWhenFull === true && isLagLong(window)) {
    const message = `Requests waited on this side for one of ${level.maxInFlight} in flight to end (--max-threads), and latency counts the wait; raise --max-threads, or leave it out.`;
    return [{ code: 'IN_FLIGHT_CAP', message }];
  }
  if (isLagLong(window)) {
    const lag = millis(percentileOf(sortSamples(window.sendLagsNs), 99));
    warnings.push({
      code: 'SEND_LAG',
      message: `Requests left late: p99 of the send lag is ${lag}, so arrivals were not those of the schedule; ${lagRemedy(maxBusyRatio)}.`,
    });
  }
  if (level.kind !== 'open' || window.isVaried) return warnings;
  const due = (level.requestRatePerSec * (window.to - window.from)) / 1e9;
  // Poisson arrivals of a right rate fall this far below it by chance, three times in two thousand.
  const chance = level.arrival.kind === 'constant' ? 1 : 3 * Math.sqrt(due);
  if (offeredCount < MIN_SENT_SHARE * due - chance) {
    warnings.push({
      code: 'RATE_NOT_REACHED',
      message: `Only ${percent(offeredCount / due)} of the requests that were due were sent; ${lagRemedy(maxBusyRatio)}.`,
    });
  }
  return warnings;
}

/** Late sends that hold back too little to limit a closed loop, but reach into the latency's tail. */
export function lateSends({ level, window, maxBusyRatio }: GeneratorEvidence): Warning[] {
  if (level.kind !== 'closed' || !isLagLong(window)) return [];
  const lag = millis(percentileOf(sortSamples(window.sendLagsNs), 99));
  const message = `Some requests left late (p99 of the send lag is ${lag}), which counts in their latency; ${lagRemedy(maxBusyRatio)}.`;
  return [{ code: 'LATE_SENDS', message }];
}

/** What calibration says about a level: warnings that do not change its verdict. */
export function ceilingWarnings({ window, ceiling }: GeneratorEvidence): Warning[] {
  if (ceiling === undefined || window.latenciesNs.length === 0) return [];
  const warnings: Warning[] = [];
  const ratePerSec = meanOf(window.rates);
  const share = ratePerSec / ceiling.maxRatePerSec;
  // A rate above the ceiling shows that it was none.
  if (share > MAX_CEILING_SHARE && share <= 1) {
    warnings.push({
      code: 'NEAR_CLIENT_CEILING',
      message: `The rate is ${percent(share)} of the highest that perf-ts reaches on this host (${Math.round(ceiling.maxRatePerSec)}/s, calibrated${ceiling.isLowerBound === true ? ' while something else kept its CPUs busy' : ''}), so part of the result ${ceiling.isLowerBound === true ? 'may be' : 'is'} the client's; use more load workers (--workers) or another host.`,
    });
  }
  const floorShare = ceiling.floorP50Ns / percentileOf(window.orderedLatenciesNs, 50);
  if (floorShare > MAX_FLOOR_SHARE && floorShare <= 1) {
    warnings.push({
      code: 'NEAR_CLIENT_FLOOR',
      message: `The client alone needs ${percent(floorShare)} of the median latency (${micros(ceiling.floorP50Ns)} against an idle server, calibrated), so the server is faster than it looks.`,
    });
  }
  return warnings;
}

/** A worker that is late although it has little to do waits for a CPU, and more workers would only wait with it. */
const lagRemedy = (maxBusyRatio: number): string =>
  maxBusyRatio > MAX_BUSY_RATIO / 2
    ? 'use more load workers (--workers) or another host'
    : `the load worker was busy only ${percent(maxBusyRatio)} of the time, so it waited for a CPU: run perf-ts on CPUs that the server leaves free, or on another host`;

function isLagLong(window: MeasuredWindow): boolean {
  const limit = Math.max(MAX_SEND_LAG_NS, MAX_SEND_LAG_SHARE * percentileOf(window.orderedLatenciesNs, 50));
  return isP99Above(window.sendLagsNs, limit);
}

/** True when more than 1 % of the samples lie above `limit`, by two standard errors: one late request of fifty is chance. */
function isP99Above(samples: Float64Array, limit: number): boolean {
  const expected = samples.length / 100;
  let above = 0;
  for (const sample of samples) if (sample > limit) above++;
  return above > expected + 2 * Math.sqrt(expected);
}

const percent = (share: number): string => `${Number((share * 100).toPrecision(2))} %`;
const millis = (ns: number): string => `${Number((ns / 1e6).toPrecision(3))} ms`;
const micros = (ns: number): string => `${Number((ns / 1e3).toPrecision(3))} us`;
