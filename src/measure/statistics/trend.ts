/** Tells a drift from noise: the Theil-Sen slope says how much a series moves, the Mann-Kendall test whether that is chance. */
import { sortSamples } from './percentile.js';

/** Drift over the whole window that matters, as a share of the series' middle. */
const MAX_CHANGE = 0.05;
/** Probability of chance below which a drift is believed. */
const MAX_PROBABILITY = 0.01;

export interface Trend {
  /** Change from the first value to the last along the slope, over the median. */
  readonly relativeChange: number;
  /** The same change in the units of the values. */
  readonly change: number;
  /** Two-sided probability of so clear an order in a series without trend. */
  readonly probability: number;
  /** The change is large enough to matter and too clear for chance. */
  readonly isDrift: boolean;
}

/** Trend of evenly spaced values; short series of means, since the work grows with the square of the length. */
export function findTrend(values: Float64Array): Trend {
  if (values.length < 3) return { relativeChange: 0, change: 0, probability: 1, isDrift: false };
  const median = medianOf(values);
  const change = theilSenSlope(values) * (values.length - 1);
  const relativeChange = median === 0 ? 0 : change / Math.abs(median);
  const probability = mannKendallProbability(values);
  return {
    relativeChange,
    change,
    probability,
    isDrift: Math.abs(relativeChange) >= MAX_CHANGE && probability <= MAX_PROBABILITY,
  };
}

/** Median slope over all pairs, in units of the values a step. At least two values. */
export function theilSenSlope(values: Float64Array): number {
  const slopes = new Float64Array((values.length * (values.length - 1)) / 2);
  let next = 0;
  for (let i = 0; i < values.length; i++) {
    for (let j = i + 1; j < values.length; j++) slopes[next++] = (values[j]! - values[i]!) / (j - i);
  }
  return medianOf(slopes);
}

/** Two-sided p of the Mann-Kendall test: normal approximation with continuity and tie corrections (Kendall, 1975). */
export function mannKendallProbability(values: Float64Array): number {
  const n = values.length;
  let score = 0;
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) score += Math.sign(values[j]! - values[i]!);
  }
  const spread = (count: number): number => count * (count - 1) * (2 * count + 5);
  const ties = new Map<number, number>();
  for (const value of values) ties.set(value, (ties.get(value) ?? 0) + 1);
  const tied = [...ties.values()].reduce((sum, count) => sum + spread(count), 0);
  const variance = (spread(n) - tied) / 18;
  if (variance <= 0) return 1;
  return complementaryError(Math.max(0, Math.abs(score) - 1) / Math.sqrt(2 * variance));
}

/** erfc(x) for x >= 0 (Abramowitz and Stegun 7.1.26, error below 1.5e-7). */
function complementaryError(x: number): number {
  const t = 1 / (1 + 0.3275911 * x);
  const polynomial = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592].reduce(
    (sum, term) => (sum + term) * t,
    0,
  );
  return polynomial * Math.exp(-x * x);
}

function medianOf(values: Float64Array): number {
  const ordered = sortSamples(values);
  const middle = values.length / 2;
  return (ordered[Math.ceil(middle) - 1]! + ordered[Math.floor(middle)]!) / 2;
}
