/** Exact percentiles of raw samples. Sorted samples are a type of their own, so unsorted ones cannot be asked for a percentile. */

declare const sorted: unique symbol;
/** Samples in ascending order, without NaN. */
export type SortedSamples = Float64Array & { readonly [sorted]: true };

/** An ascending copy of `samples`. */
export function sortSamples(samples: Float64Array): SortedSamples {
  return samples.slice().sort() as SortedSamples;
}

/**
 * The sample of rank ceil(p * n) counted from 1, for `percentile` from 0 to 100: a value that occurred, never an
 * interpolation. `samples` must not be empty.
 */
export function percentileOf(samples: SortedSamples, percentile: number): number {
  if (samples.length === 0) throw new RangeError('no percentile of no samples');
  // 99.9 / 100 * 1000 is 999.0000000000001 in floating point; the small step back keeps it at rank 999.
  const rank = Math.ceil((percentile / 100) * samples.length - 1e-9);
  return samples[Math.min(samples.length, Math.max(1, rank)) - 1]!;
}

/** Arithmetic mean; `samples` must not be empty. */
export function meanOf(samples: Float64Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample;
  return sum / samples.length;
}
