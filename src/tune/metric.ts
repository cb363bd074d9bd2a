/** The metrics an objective or a constraint may name, how each is read from a measured level, and its unit. */
import type { LatencySummary, LevelRecord } from '../record/run-record.js';

/** What a limit is written in: a duration, events a second, or a share. */
export type MetricUnit = 'duration' | 'rate' | 'share';

/** A trial's outcome as far as metrics need it. */
export interface MeasuredTrial {
  readonly level: LevelRecord;
  /** From the start of the server until the model was ready. */
  readonly loadTimeNs: number | null;
}

export interface Metric {
  readonly name: string;
  readonly unit: MetricUnit;
  readonly direction: 'maximize' | 'minimize';
  /** In nanoseconds, events a second, or 0..1; undefined where the trial has no such number. */
  read(trial: MeasuredTrial): number | undefined;
  /** Ends of the 95 % interval where the level has one. */
  interval?(level: LevelRecord): readonly [low: number, high: number] | undefined;
}

const statistics = [
  'mean',
  'p50',
  'p90',
  'p95',
  'p99',
  'p99_9',
  'max',
] as const satisfies readonly (keyof LatencySummary)[];

const latencyMetrics: readonly Metric[] = statistics.map((statistic) => ({
  name: `latency_${statistic}`,
  unit: 'duration',
  direction: 'minimize',
  read: ({ level }) => level.latencyNs?.[statistic],
  interval: (level) => {
    const intervals = level.latencyIntervalNs;
    if (intervals === null || statistic === 'p99_9' || statistic === 'max') return undefined;
    return intervals[statistic] ?? undefined;
  },
}));

const serviceMetrics: readonly Metric[] = statistics.map((statistic) => ({
  name: `service_${statistic}`,
  unit: 'duration',
  direction: 'minimize',
  read: ({ level }) => level.serviceNs?.[statistic],
}));

export const metrics: readonly Metric[] = [
  {
    name: 'throughput',
    unit: 'rate',
    direction: 'maximize',
    read: ({ level }) => level.throughputPerSec.value,
    interval: ({ throughputPerSec: { low, high } }) => (low === null || high === null ? undefined : [low, high]),
  },
  { name: 'request_rate', unit: 'rate', direction: 'maximize', read: ({ level }) => level.requestsPerSec },
  ...latencyMetrics,
  ...serviceMetrics,
  {
    name: 'error_rate',
    unit: 'share',
    direction: 'minimize',
    read: ({ level: { errorCount, requestCount } }) =>
      errorCount + requestCount === 0 ? undefined : errorCount / (errorCount + requestCount),
  },
  { name: 'queue_time', unit: 'duration', direction: 'minimize', read: ({ level }) => level.server?.queueNs },
  { name: 'compute_time', unit: 'duration', direction: 'minimize', read: ({ level }) => level.server?.computeInferNs },
  { name: 'load_time', unit: 'duration', direction: 'minimize', read: ({ loadTimeNs }) => loadTimeNs ?? undefined },
];

export const findMetric = (name: string): Metric | undefined => metrics.find((metric) => metric.name === name);
