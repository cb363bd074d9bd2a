/**
 * How a host's speed drifts, from the rates that it showed second by second: a variogram (half the mean squared difference of
 * logarithms, by lag), and the first-order autoregressive process that fits it. Pure arithmetic.
 */
import type { HostDrift } from '../measure/statistics/repeat-interval.js';

const NANOS_PER_SEC = 1e9;
/** Lags that are told apart, in seconds. */
const LAGS_SEC = [1, 2, 4, 8, 16, 32, 64];
/** A steadier host than this is not believed. */
const LEAST_RATIO = 0.005;
const [LEAST_FREEDOM, MOST_FREEDOM] = [4, 60];
/** Correlation times that are tried. */
const TIMES_SEC = [0.5, 1, 2, 4, 8, 15, 30, 60, 120];

export interface DriftLag {
  readonly lagSec: number;
  /** Half the mean squared difference of the logarithms of rates that far apart, less the noise of each; by chance below zero. */
  readonly semivariance: number;
  readonly pairCount: number;
}

/** One stretch of watching. */
export interface DriftSession {
  /** ISO 8601, UTC. */
  readonly measuredAt: string;
  readonly durationSec: number;
  readonly lags: readonly DriftLag[];
}

/** `rates` are those of equal parts of a second, `partsPerSec` of them each, whose spread is the noise. */
export function observeDrift(rates: Float64Array, partsPerSec: number, measuredAt: string): DriftSession {
  const seconds = Math.floor(rates.length / partsPerSec);
  const logs = new Float64Array(seconds);
  let noise = 0;
  for (let second = 0; second < seconds; second++) {
    const parts = rates.subarray(second * partsPerSec, (second + 1) * partsPerSec);
    const mean = parts.reduce((sum, rate) => sum + rate, 0) / partsPerSec;
    const squares = parts.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / (partsPerSec - 1);
    logs[second] = Math.log(Math.max(mean, Number.MIN_VALUE));
    noise += mean > 0 ? squares / mean ** 2 / partsPerSec / seconds : 0;
  }
  const lags = LAGS_SEC.filter((lag) => lag <= seconds / 2).map((lagSec) => {
    let sum = 0;
    for (let at = lagSec; at < seconds; at++) sum += (logs[at]! - logs[at - lagSec]!) ** 2 / 2;
    const pairCount = seconds - lagSec;
    return { lagSec, semivariance: sum / pairCount - noise, pairCount };
  });
  return { measuredAt, durationSec: seconds, lags };
}

/** Over all sessions; undefined where they have no lag to tell from. */
export function fitDrift(sessions: readonly DriftSession[]): HostDrift | undefined {
  const points = LAGS_SEC.flatMap((lagSec) => {
    const seen = sessions.flatMap(({ lags }) => lags.filter((lag) => lag.lagSec === lagSec));
    const pairCount = seen.reduce((sum, lag) => sum + lag.pairCount, 0);
    if (pairCount === 0) return [];
    const semivariance = seen.reduce((sum, lag) => sum + lag.semivariance * lag.pairCount, 0) / pairCount;
    // Pairs that overlap tell little new: what counts is how many fit one after the other.
    return [{ lagSec, semivariance, weight: pairCount / lagSec }];
  });
  if (points.length < 3) return undefined;
  const fits = TIMES_SEC.map((timeSec) => {
    const shapes = points.map(({ lagSec }) => 1 - Math.exp(-lagSec / timeSec));
    const top = points.reduce((sum, { semivariance, weight }, at) => sum + weight * semivariance * shapes[at]!, 0);
    const bottom = points.reduce((sum, { weight }, at) => sum + weight * shapes[at]! ** 2, 0);
    const variance = Math.max(0, top / bottom);
    const error = points.reduce(
      (sum, { semivariance, weight }, at) => sum + weight * (semivariance - variance * shapes[at]!) ** 2,
      0,
    );
    return { timeSec, variance, error };
  });
  const { timeSec, variance } = fits.reduce((best, fit) => (fit.error < best.error ? fit : best));
  const watchedSec = sessions.reduce((sum, { durationSec }) => sum + durationSec, 0);
  return {
    ratio: Math.max(LEAST_RATIO, Math.sqrt(variance)),
    correlationNs: timeSec * NANOS_PER_SEC,
    freedom: Math.min(MOST_FREEDOM, Math.max(LEAST_FREEDOM, watchedSec / (2 * timeSec))),
    isMeasured: true,
  };
}
