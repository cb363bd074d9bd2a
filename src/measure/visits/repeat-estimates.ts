/** What a level claims for a repeat: its intervals widened by how its visits differ and by the host's drift. */
import type { Estimate, LatencyIntervals, LatencySummary } from '../../record/run-record.js';
import { percentileOf } from '../statistics/percentile.js';
import { type HostDrift, repeatInterval, visitSpread } from '../statistics/repeat-interval.js';
import type { VisitedWindow, VisitMeans } from './visited-window.js';

export interface VisitedLevel {
  readonly window: VisitedWindow;
  /** The middle of each visit's window, on the clock. */
  readonly atNs: readonly number[];
  readonly drift: HostDrift;
  /** True where a schedule gives the rate, which then does not drift with the host. */
  readonly isOpen: boolean;
}

export function repeatRate({ window, atNs, drift, isOpen }: VisitedLevel, within: Estimate): Estimate {
  const { value, low, high } = within;
  if (isOpen || low === null || high === null || !(value > 0)) return within;
  const figures = window.visits.map(({ requestsPerSec }, visit) => ({ atNs: atNs[visit]!, value: requestsPerSec }));
  const [least, most] = repeatInterval(figures, { value, low, high }, drift);
  return { value, low: least, high: most };
}

const percentiles = { p50: 50, p90: 90, p95: 95, p99: 99, p99_9: 99.9 } as const;

export function repeatLatency(
  { window, atNs, drift }: VisitedLevel,
  latencyNs: LatencySummary | null,
  within: LatencyIntervals | null,
): LatencyIntervals | null {
  if (within === null || latencyNs === null) return within;
  const widen = (name: keyof LatencyIntervals, of: (visit: VisitMeans) => number): [number, number] | null => {
    const interval = within[name];
    const value = latencyNs[name];
    if (interval === null || !(value > 0)) return interval;
    const figures = window.visits.map((visit, index) => ({ atNs: atNs[index]!, value: of(visit) }));
    const [low, high] = repeatInterval(figures, { value, low: interval[0], high: interval[1] }, drift);
    return [Math.round(low), Math.round(high)];
  };
  const at = (name: keyof typeof percentiles): [number, number] | null =>
    widen(name, ({ orderedLatenciesNs }) =>
      orderedLatenciesNs.length === 0 ? 0 : percentileOf(orderedLatenciesNs, percentiles[name]),
    );
  return {
    mean: widen('mean', ({ latencyMeanNs }) => latencyMeanNs),
    p50: at('p50'),
    p90: at('p90'),
    p95: at('p95'),
    p99: at('p99'),
    p99_9: at('p99_9'),
    max: null,
  };
}

/** By how much the visits' throughput differs, or in an open loop their mean latency. */
export const spreadOf = ({ window, atNs, isOpen }: VisitedLevel): number =>
  visitSpread(
    window.visits.map(({ requestsPerSec, latencyMeanNs }, visit) => ({
      atNs: atNs[visit]!,
      value: isOpen ? latencyMeanNs : requestsPerSec,
    })),
  );
