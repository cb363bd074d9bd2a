/**
 * Finds where a level's warm-up ends instead of guessing it: MSER-5 (White, Cobb and Spratt: cut where the error of the
 * mean of what remains is least, on means of five) over slices of time.
 */
import { outcomeCodes } from '../../client/outcome.js';
import { type Instant, instant } from '../../common/units.js';
import type { RequestColumns } from '../../load/request-columns.js';
import { sortSamples } from './percentile.js';
import { sliceTime, type TimeSlices } from './time-slices.js';

export interface WarmUp {
  /** The measured window starts here. */
  readonly end: Instant;
  /** False when the level still changes so much at half of its time that no end can be told. */
  readonly isOver: boolean;
}

const GROUP_SIZE = 5;
const MAX_GROUPS = 40;
const MIN_GROUPS = 5;
/** Requests that a group needs on average, so that its mean is not mere noise. */
const REQUESTS_PER_GROUP = 25;
/** Group means further than this many deviations from the middle of the second half count as if they lay there. */
const CLIP_DEVIATIONS = 3;
/** What changes by less than this share is steady. */
const STEADY_SHARE = 0.05;

/**
 * Where to cut the values' beginning: the d <= m/2 that minimises the sum of squares of what remains over its squared
 * count, in one pass from the end; the earliest where several do.
 */
export function findMserCut(values: Float64Array): { readonly cut: number; readonly isAtBound: boolean } {
  const bound = Math.floor(values.length / 2);
  let cut = 0;
  let least = Infinity;
  let mean = 0;
  let squares = 0;
  for (let start = values.length - 1, count = 1; start >= 0; start--, count++) {
    const difference = values[start]! - mean;
    mean += difference / count;
    squares += difference * (values[start]! - mean);
    const error = squares / (count * count);
    if (start <= bound && error <= least) {
      least = error;
      cut = start;
    }
  }
  return { cut, isAtBound: bound > 0 && cut === bound };
}

/**
 * The warm-up of a level that began at `begin` and is settled up to `now`, from throughput and the logarithm of mean
 * latency; the later of the two decides. Cheap: one pass over the rows and a few hundred numbers.
 * With too few requests to tell, the first of each slot is cut (`concurrency` of them), up to half of the time.
 */
export function detectWarmUp(columns: RequestColumns, begin: Instant, now: Instant, concurrency: number): WarmUp {
  const groups = Math.min(MAX_GROUPS, Math.floor(countOk(columns) / REQUESTS_PER_GROUP));
  if (groups < MIN_GROUPS) {
    const first = columns.receivedNs[Math.min(concurrency, columns.length) - 1] ?? begin;
    return { end: instant(Math.min(first, begin + (now - begin) / 2)), isOver: true };
  }
  const slices = sliceTime(columns, begin, now, groups * GROUP_SIZE);
  const series = [groupMeans(slices.completions), groupMeans(logMeanLatency(slices))];
  const cuts = series.map((values) => findMserCut(clip(values)));
  const cut = Math.max(...cuts.map((found) => found.cut));
  const change = Math.max(lateChange(series[0]!), Math.abs(lateDifference(series[1]!)));
  return {
    end: instant(begin + cut * GROUP_SIZE * slices.widthNs),
    isOver: !cuts.some((found) => found.isAtBound) || change < STEADY_SHARE,
  };
}

function countOk(columns: RequestColumns): number {
  let count = 0;
  for (let row = 0; row < columns.length; row++) if (columns.outcomes[row] === outcomeCodes.ok) count++;
  return count;
}

/** A slice without a receipt repeats the one before it. */
function logMeanLatency(slices: TimeSlices): Float64Array {
  let last = 0;
  const means = slices.latencySumNs.map((sum, slice) => {
    const count = slices.received[slice]!;
    if (count > 0) last = Math.log(Math.max(1, sum / count));
    return last;
  });
  const first = means.find((mean) => mean > 0) ?? 0;
  return means.map((mean) => (mean === 0 ? first : mean));
}

function groupMeans(slices: Float64Array): Float64Array {
  return Float64Array.from({ length: slices.length / GROUP_SIZE }, (_, group) => {
    let sum = 0;
    for (let i = 0; i < GROUP_SIZE; i++) sum += slices[group * GROUP_SIZE + i]!;
    return sum / GROUP_SIZE;
  });
}

/**
 * Limits each value to the spread of the second half. Without this one stall in the middle of a steady run would draw the cut
 * behind itself, and the measurement would lose exactly what it has to show.
 */
function clip(values: Float64Array): Float64Array {
  const half = values.subarray(Math.floor(values.length / 2));
  const middle = medianOf(half);
  const deviation = 1.4826 * medianOf(half.map((value) => Math.abs(value - middle)));
  const reach = CLIP_DEVIATIONS * Math.max(deviation, Math.abs(middle) * 1e-3);
  return values.map((value) => Math.min(middle + reach, Math.max(middle - reach, value)));
}

function medianOf(values: Float64Array): number {
  return sortSamples(values)[Math.floor(values.length / 2)]!;
}

/** Median of the second quarter less that of the second half: what still changes shortly before the bound. */
function lateDifference(values: Float64Array): number {
  const bound = Math.floor(values.length / 2);
  return medianOf(values.subarray(Math.floor(bound / 2), bound)) - medianOf(values.subarray(bound));
}

function lateChange(values: Float64Array): number {
  const later = medianOf(values.subarray(Math.floor(values.length / 2)));
  return later === 0 ? 0 : Math.abs(lateDifference(values) / later);
}
