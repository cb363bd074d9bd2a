/** How much better one thing is than another, as a ratio with its 95 % interval: 1.42 is 42 % more. */
import type { Estimate } from '../../record/run-record.js';
import { varianceOf } from './batch-means.js';
import { meanOf } from './percentile.js';
import { twoSidedT } from './student-t.js';

const CONFIDENCE = 0.95;

/**
 * Gain of a candidate over a baseline from runs made in pairs, one after the other, so that what drifts on the host
 * hits both alike. exp(mean d -+ t(k-1) sd(d) / sqrt(k)) with d = ln(candidate / baseline). One pair gives a value
 * without interval; `confidence` is that of the interval. Throws RangeError for no pairs or figures that are not positive.
 */
export function pairedGain(
  pairs: readonly { readonly baseline: number; readonly candidate: number }[],
  confidence: number = CONFIDENCE,
): Estimate {
  const logs = Float64Array.from(pairs, ({ baseline, candidate }) => logRatio(candidate, baseline));
  if (logs.length === 0) throw new RangeError('no gain from no pairs');
  const mean = meanOf(logs);
  if (logs.length === 1) return { value: Math.exp(mean), low: null, high: null };
  const reach = twoSidedT(confidence, logs.length - 1) * Math.sqrt(varianceOf(logs) / logs.length);
  return { value: Math.exp(mean), low: Math.exp(mean - reach), high: Math.exp(mean + reach) };
}

/**
 * Gain from two single runs with their own intervals: relative half widths add as squares. It knows nothing of what
 * differs from run to run, so it ranks candidates and decides nothing; decisions take `pairedGain`.
 */
export function unpairedGain(baseline: Estimate, candidate: Estimate): Estimate {
  const mean = logRatio(candidate.value, baseline.value);
  const reaches = [baseline, candidate].map(({ value, low, high }) =>
    low === null || high === null ? undefined : (high - low) / 2 / value,
  );
  if (reaches.includes(undefined)) return { value: Math.exp(mean), low: null, high: null };
  const reach = Math.hypot(...(reaches as number[]));
  return { value: Math.exp(mean), low: Math.exp(mean - reach), high: Math.exp(mean + reach) };
}

function logRatio(candidate: number, baseline: number): number {
  if (!(candidate > 0 && baseline > 0)) throw new RangeError(`no ratio of ${candidate} to ${baseline}`);
  return Math.log(candidate / baseline);
}
