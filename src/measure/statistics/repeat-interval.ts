/**
 * Where a repeat of a measurement will land. Within one stretch of time a host seems steadier than it is: its speed drifts over
 * tens of seconds. So a level's time is spent in visits apart from one another; how they differ, and what is known of the
 * host's drift beyond the time that they span, widen the interval that one stretch would give.
 */
import { twoSidedT } from './student-t.js';

/** How a host's speed drifts: a first-order autoregressive process around its long-run mean. */
export interface HostDrift {
  /** Standard deviation over the mean, between moments far apart. */
  readonly ratio: number;
  /** Two moments this far apart correlate by 1/e. */
  readonly correlationNs: number;
  /** Degrees of freedom that `ratio` is known by. */
  readonly freedom: number;
  /** False where it is what hosts commonly do, and nobody measured this one. */
  readonly isMeasured: boolean;
}

/** Of shared virtual machines, over which identical runs were found to differ by 7%. */
export const assumedDrift: HostDrift = { ratio: 0.07, correlationNs: 30e9, freedom: 8, isMeasured: false };

export interface VisitFigure {
  /** The middle of its window. */
  readonly atNs: number;
  /** What the visit measured; positive. */
  readonly value: number;
}

/** A value with the interval that is known within the run. */
export interface WithinRun {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/**
 * The interval of `confidence` for the mean of repeats. The visits' spread beyond their own noise is joined with the kept drift
 * into one variance, each by its degrees of freedom, and what visits near to one another share counts in full.
 */
export function repeatInterval(
  visits: readonly VisitFigure[],
  within: WithinRun,
  drift: HostDrift,
  confidence = 0.95,
): readonly [low: number, high: number] {
  const count = visits.length;
  const shared = meanCorrelation(visits, drift.correlationNs);
  const error = (within.high - within.low) / 2 / within.value / 1.96;
  const noise = error * error * count;
  const spread = varianceOfLogs(visits);
  // What visits can show of the drift is what they do not share.
  const shown = drift.ratio ** 2 * (1 - shared);
  const seenFreedom = count < 2 ? 0 : (count - 1) * (shown / (shown + noise)) ** 2;
  const seen = seenFreedom === 0 ? 0 : Math.max(0, spread - noise) / (1 - shared);
  const freedom = drift.freedom + seenFreedom;
  const variance = (drift.freedom * drift.ratio ** 2 + seenFreedom * seen) / freedom;
  const ofMean = variance * (1 / count + (1 - 1 / count) * shared);
  const drifted = twoSidedT(confidence, freedom) * Math.sqrt(ofMean);
  const plain = count < 2 ? 0 : twoSidedT(confidence, count - 1) * Math.sqrt(Math.max(0, spread - noise) / count);
  const reach = Math.max(drifted, plain);
  const below = Math.hypot(reach, Math.max(0, 1 - within.low / within.value));
  const above = Math.hypot(reach, Math.max(0, within.high / within.value - 1));
  return [within.value * Math.max(0, 1 - below), within.value * (1 + above)];
}

/** Mean correlation of two different visits; 1 for a single one, which shares all with itself. */
function meanCorrelation(visits: readonly VisitFigure[], correlationNs: number): number {
  if (visits.length < 2) return 1;
  let sum = 0;
  for (const [index, { atNs }] of visits.entries()) {
    for (const other of visits.slice(index + 1)) sum += Math.exp(-Math.abs(other.atNs - atNs) / correlationNs);
  }
  return sum / ((visits.length * (visits.length - 1)) / 2);
}

/** Unbiased variance of the values' logarithms, which is that of their ratios to the mean. */
function varianceOfLogs(visits: readonly VisitFigure[]): number {
  if (visits.length < 2) return 0;
  const logs = visits.map(({ value }) => Math.log(Math.max(Number.MIN_VALUE, value)));
  const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length;
  return logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / (logs.length - 1);
}

/** By how much the visits differ: their standard deviation over their mean; 0 for fewer than two. */
export const visitSpread = (visits: readonly VisitFigure[]): number => Math.sqrt(varianceOfLogs(visits));
