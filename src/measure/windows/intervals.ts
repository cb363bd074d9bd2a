/** The 95% intervals of a measured window: how well its own figures are known, by how its requests varied. */
import type { Estimate, LatencyIntervals } from '../../record/run-record.js';
import { batchMeans, estimateMean, estimateQuantile } from '../statistics/batch-means.js';
import { meanOf, percentileOf } from '../statistics/percentile.js';
import type { MeasuredWindow } from './measured-window.js';

const CONFIDENCE = 0.95;

/** Mean rate of the window times `rows`, with its interval. */
export function estimateRate(window: MeasuredWindow, rows: number): Estimate {
  const value = meanOf(window.rates) * rows;
  const { rates } = window.centred ?? window;
  if (rates.length === 1) return { value, low: null, high: null };
  const { mean, interval } = estimateMean(rates, CONFIDENCE);
  const shift = value - mean * rows;
  return { value, low: Math.max(0, interval[0] * rows + shift), high: interval[1] * rows + shift };
}

/** Null where there are too few samples for any interval. */
export function latencyIntervals(window: MeasuredWindow): LatencyIntervals | null {
  const { latenciesNs, batchCount } = window.centred ?? window;
  if (batchCount === 0) return null;
  const [low, high] = estimateMean(batchMeans(latenciesNs, batchCount), CONFIDENCE).interval;
  const at = (percentile: number): [number, number] | null => percentileInterval(window, percentile);
  return {
    mean: [Math.max(0, Math.round(low)), Math.round(high)],
    p50: at(50),
    p90: at(90),
    p95: at(95),
    p99: at(99),
    p99_9: at(99.9),
    // A longer run would find a longer one: the greatest latency estimates nothing that an interval could contain.
    max: null,
  };
}

/** Null where there are too few samples for it. */
export function percentileInterval(window: MeasuredWindow, percentile: number): [number, number] | null {
  const { latenciesNs, orderedLatenciesNs, batchCount } = window.centred ?? window;
  if (batchCount === 0) return null;
  const { interval, value } = estimateQuantile(latenciesNs, orderedLatenciesNs, percentile, CONFIDENCE, batchCount);
  if (interval === undefined) return null;
  // Where visits' means were made equal, the interval lies about their common value.
  const factor = window.centred === undefined ? 1 : percentileOf(window.orderedLatenciesNs, percentile) / value;
  return [interval[0] * factor, interval[1] * factor];
}
