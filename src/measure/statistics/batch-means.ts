/**
 * Intervals for a mean and for a quantile from one run whose samples depend on one another. Consecutive samples are
 * joined into batches; batches are nearly independent where samples are not. (Law and Carson; Conway.)
 */
import { meanOf, percentileOf, type SortedSamples } from './percentile.js';
import { twoSidedT } from './student-t.js';

/** Batches that an estimate starts from. */
export const BATCH_COUNT = 20;
/** Fewer batches than this say nothing about their own spread. */
const MIN_BATCH_COUNT = 5;
/** Samples that a batch needs on average. */
const MIN_BATCH_SIZE = 5;
/** Batches that depend on one another more than this are joined in pairs. */
const MAX_LAG_1 = 0.3;
/** Effective samples wanted beyond a percentile before it gets an interval: 1000 for p99, 100 for p90. */
const MIN_EFFECTIVE_BEYOND = 10;

export interface MeanEstimate {
  readonly mean: number;
  /** Reaches further to the side where rare long batches would lie. */
  readonly interval: readonly [low: number, high: number];
  /** Half of the interval's width. */
  readonly halfWidth: number;
  /** Batches that were left after joining. */
  readonly batchCount: number;
}

export interface QuantileEstimate {
  readonly value: number;
  /** Undefined where the samples are worth too few independent ones. */
  readonly interval: readonly [low: number, high: number] | undefined;
  /** Independent samples that would be worth as much as these. */
  readonly effectiveCount: number;
}

/**
 * How many batches `sampleCount` samples allow: 20, but fewer where a batch would not hold `leastSize` samples, and 0 where there are
 * too few for any interval. Samples that are in flight together depend on one another, so a batch should hold more than that.
 */
export function batchCountFor(sampleCount: number, leastSize: number = MIN_BATCH_SIZE): number {
  if (sampleCount < MIN_BATCH_COUNT * MIN_BATCH_SIZE) return 0;
  const fitting = Math.floor(sampleCount / Math.max(MIN_BATCH_SIZE, leastSize));
  return Math.min(BATCH_COUNT, Math.max(MIN_BATCH_COUNT, fitting));
}

/** Means of `batchCount` batches of equal length, in order; what does not fill a batch is left out at the start. */
export function batchMeans(samples: Float64Array, batchCount: number): Float64Array {
  const size = Math.floor(samples.length / batchCount);
  const start = samples.length - size * batchCount;
  return Float64Array.from({ length: batchCount }, (_, batch) =>
    meanOf(samples.subarray(start + batch * size, start + (batch + 1) * size)),
  );
}

/**
 * The mean of equal batches with its interval at `confidence` (such as 0.95). Pairs of batches are joined while
 * neighbours are correlated above 0.3 and ten batches are left to join; what correlation r remains widens the interval
 * by sqrt((1 + r) / (1 - r)), and the batches' skewness bends it (Tafazzoli, Wilson, Lada and Steiger, 2011: Skart).
 */
export function estimateMean(batches: Float64Array, confidence: number): MeanEstimate {
  const { reachLow, reachHigh, batchCount } = reachOf(batches, confidence, 0);
  const mean = meanOf(batches);
  return {
    mean,
    interval: [mean - reachLow, mean + reachHigh],
    halfWidth: (reachLow + reachHigh) / 2,
    batchCount,
  };
}

interface Reach {
  /** How far below and above the batches' mean the true mean may lie. */
  readonly reachLow: number;
  readonly reachHigh: number;
  /** Batches that were left after joining. */
  readonly batchCount: number;
}

/** The interval of a mean as distances; `leastVariance` is what independent samples would give the mean. */
function reachOf(batches: Float64Array, confidence: number, leastVariance: number): Reach {
  let joined = batches;
  while (joined.length >= 2 * MIN_BATCH_COUNT && lag1Correlation(joined) > MAX_LAG_1) joined = joinPairs(joined);
  const count = joined.length;
  const remaining = Math.min(0.9, Math.max(0, lag1Correlation(joined)));
  const variance = ((varianceOf(joined) / count) * (1 + remaining)) / (1 - remaining);
  const error = Math.sqrt(Math.max(leastVariance, variance));
  const t = twoSidedT(confidence, count - 1);
  const bend = skewnessOf(joined) / (6 * Math.sqrt(count));
  return { reachLow: bendT(t, bend) * error, reachHigh: -bendT(-t, bend) * error, batchCount: count };
}

/** Johnson's transform of a t quantile for a mean of skewed values, as Willink (2005) inverted it; t itself without skewness. */
const bendT = (t: number, bend: number): number =>
  Math.abs(bend) < 1e-4 ? t : (Math.cbrt(1 + 6 * bend * (t - bend)) - 1) / (2 * bend);

/**
 * A percentile (0 to 100) with its interval at `confidence`. `samples` are in order of time, `ordered` the same ones
 * sorted. The share F of each batch at or below the estimate tells how far the estimate's rank may be off: its mean is
 * given an interval as any mean of batches, with the error of independent samples as the least, and the ranks at its ends
 * are the percentile's interval.
 */
export function estimateQuantile(
  samples: Float64Array,
  ordered: SortedSamples,
  percentile: number,
  confidence: number,
  batchCount: number = batchCountFor(samples.length),
): QuantileEstimate {
  const value = percentileOf(ordered, percentile);
  const count = samples.length;
  if (batchCount === 0) return { value, interval: undefined, effectiveCount: count };
  const share = percentile / 100;
  const shares = sharesBelow(samples, value, batchCount);
  // Few samples lie beyond a high percentile, so how they cluster is itself uncertain; p90 shows it more surely.
  const at90 = percentile > 90 ? sharesBelow(samples, percentileOf(ordered, 90), batchCount) : undefined;
  const interval = quantileRanks(shares, at90, share, count, confidence);
  return {
    value,
    interval: interval.ranks && [ordered[interval.ranks[0] - 1]!, ordered[interval.ranks[1] - 1]!],
    effectiveCount: interval.effectiveCount,
  };
}

export interface QuantileRanks {
  /** Ranks (counted from 1) of the samples that bound the interval; undefined where they are worth too few independent ones. */
  readonly ranks: readonly [low: number, high: number] | undefined;
  readonly effectiveCount: number;
}

/**
 * The interval of a quantile in ranks, from each batch's share of samples at or below its estimate, so that whoever
 * counts by histogram needs no samples. `at90` are the shares at the 90th percentile, where `share` lies beyond it.
 */
export function quantileRanks(
  shares: Float64Array,
  at90: Float64Array | undefined,
  share: number,
  count: number,
  confidence: number,
): QuantileRanks {
  const inflation = Math.max(inflationOf(shares, share, count), at90 === undefined ? 1 : inflationOf(at90, 0.9, count));
  const effectiveCount = count / inflation;
  const { reachLow, reachHigh } = reachOf(shares, confidence, (share * (1 - share)) / count);
  // The true mean share is the quantile's own, and what was seen lies off it: so the reaches change sides.
  const low = Math.ceil(count * (share - reachHigh));
  const high = Math.ceil(count * (share + reachLow));
  const isEnough = effectiveCount * (1 - share) >= MIN_EFFECTIVE_BEYOND && low >= 1 && high <= count;
  return { ranks: isEnough ? [low, high] : undefined, effectiveCount };
}

/** Each batch's share of samples at or below `value`. */
function sharesBelow(samples: Float64Array, value: number, batchCount: number): Float64Array {
  return batchMeans(
    samples.map((sample) => (sample <= value ? 1 : 0)),
    batchCount,
  );
}

/** Variance of the mean of `shares` over what `count` independent samples would have; at least 1. */
const inflationOf = (shares: Float64Array, share: number, count: number): number =>
  Math.max(1, ((varianceOf(shares) / shares.length) * count) / (share * (1 - share)));

/** Correlation of each value with the next; 0 for constant values. */
export function lag1Correlation(values: Float64Array): number {
  const mean = meanOf(values);
  let products = 0;
  let squares = 0;
  for (let i = 0; i < values.length; i++) {
    const difference = values[i]! - mean;
    squares += difference * difference;
    if (i > 0) products += difference * (values[i - 1]! - mean);
  }
  return squares === 0 ? 0 : products / squares;
}

function joinPairs(batches: Float64Array): Float64Array {
  const isOdd = batches.length % 2;
  return batchMeans(batches, (batches.length - isOdd) / 2);
}

/** Unbiased variance of at least two values. */
export function varianceOf(values: Float64Array): number {
  const mean = meanOf(values);
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  return squares / (values.length - 1);
}

/** Adjusted Fisher-Pearson skewness; 0 for fewer than three values or constant ones. */
export function skewnessOf(values: Float64Array): number {
  const count = values.length;
  if (count < 3) return 0;
  const mean = meanOf(values);
  const variance = varianceOf(values);
  if (variance === 0) return 0;
  let cubes = 0;
  for (const value of values) cubes += (value - mean) ** 3;
  return (count * cubes) / ((count - 1) * (count - 2)) / variance ** 1.5;
}
