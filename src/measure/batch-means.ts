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
  /** Half width of the interval. */
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
 * by sqrt((1 + r) / (1 - r)).
 */
export function estimateMean(batches: Float64Array, confidence: number): MeanEstimate {
  let joined = batches;
  while (joined.length >= 2 * MIN_BATCH_COUNT && lag1Correlation(joined) > MAX_LAG_1) joined = joinPairs(joined);
  const remaining = Math.min(0.9, Math.max(0, lag1Correlation(joined)));
  const error = Math.sqrt(((varianceOf(joined) / joined.length) * (1 + remaining)) / (1 - remaining));
  return {
    mean: meanOf(batches),
    halfWidth: twoSidedT(confidence, joined.length - 1) * error,
    batchCount: joined.length,
  };
}

/**
 * A percentile (0 to 100) with its interval at `confidence`. `samples` are in order of time, `ordered` the same ones
 * sorted. The share of each batch at or below the estimate tells how far the estimate's rank may be off:
 * ranks n (p -+ t s(F) / sqrt(b)), with the error of independent samples as the least.
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
  const inflation = rankInflation(samples, value, share, batchCount);
  // Few samples lie beyond a high percentile, so how they cluster is itself uncertain; p90 shows it more surely.
  const alsoAt90 = percentile > 90 ? rankInflation(samples, percentileOf(ordered, 90), 0.9, batchCount) : 1;
  const effectiveCount = count / Math.max(inflation, alsoAt90);
  const reach = twoSidedT(confidence, batchCount - 1) * Math.sqrt((inflation * share * (1 - share)) / count);
  const low = Math.ceil(count * (share - reach));
  const high = Math.ceil(count * (share + reach));
  const isEnough = effectiveCount * (1 - share) >= MIN_EFFECTIVE_BEYOND && low >= 1 && high <= count;
  return { value, interval: isEnough ? [ordered[low - 1]!, ordered[high - 1]!] : undefined, effectiveCount };
}

/** Variance of the share of samples at or below `value`, over what independent samples would have; at least 1. */
function rankInflation(samples: Float64Array, value: number, share: number, batchCount: number): number {
  const isBelow = samples.map((sample) => (sample <= value ? 1 : 0));
  const variance = varianceOf(batchMeans(isBelow, batchCount)) / batchCount;
  return Math.max(1, (variance * samples.length) / (share * (1 - share)));
}

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
