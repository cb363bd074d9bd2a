/** The metrics an objective or a constraint may name, how each is read from a measured level, and its unit. */
import { errorRatioOf } from '../../record/level-judgement.js';
import type { LatencySummary, LevelRecord } from '../../record/run-record.js';
import type { TrialAccuracy } from '../../record/study-record.js';

/** What a limit is written in: a duration, events a second, a share, a size, energy, money, or a plain number. */
export type MetricUnit = 'duration' | 'rate' | 'share' | 'bytes' | 'joules' | 'money' | 'number';

/** A trial's outcome as far as metrics need it. */
export interface MeasuredTrial {
  readonly level: LevelRecord;
  /** From the start of the server until the model was ready. */
  readonly loadTimeNs: number | null;
  /** Answers against the unchanged model's, where they were compared. */
  readonly accuracy?: TrialAccuracy | undefined;
  /** What the host costs, in whatever currency; absent where the user did not say. */
  readonly pricePerHour?: number | undefined;
}

export interface Metric {
  readonly name: string;
  readonly unit: MetricUnit;
  readonly direction: 'maximize' | 'minimize';
  /** In nanoseconds, events a second, 0..1, bytes, joules or money; undefined where the trial has no such number. */
  read(trial: MeasuredTrial): number | undefined;
  /** Of a metric of the answers alone, which needs no level. */
  readAnswers?(accuracy: TrialAccuracy): number | undefined;
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
  interval: (level) => level.latencyIntervalNs?.[statistic] ?? undefined,
}));

const serviceMetrics: readonly Metric[] = statistics.map((statistic) => ({
  name: `service_${statistic}`,
  unit: 'duration',
  direction: 'minimize',
  read: ({ level }) => level.serviceNs?.[statistic],
}));

const throughputInterval = ({ throughputPerSec: { low, high } }: LevelRecord): readonly [number, number] | undefined =>
  low === null || high === null ? undefined : [low, high];

/** Sum over the devices that tell; undefined when none does. */
function sumOfGpus(level: LevelRecord, read: (gpu: GpuRecord) => number | null): number | undefined {
  const known = (level.monitors?.gpus ?? []).map(read).filter((value) => value !== null);
  return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0);
}

type GpuRecord = NonNullable<LevelRecord['monitors']>['gpus'][number];

const accuracyMetrics: readonly Metric[] = (
  [
    ['top1', 'share', 'maximize'],
    ['top5', 'share', 'maximize'],
    ['cosine', 'number', 'maximize'],
    ['maxAbs', 'number', 'minimize'],
    ['cer', 'share', 'minimize'],
  ] as const
).map(([key, unit, direction]): Metric => {
  const readAnswers = (accuracy: TrialAccuracy): number | undefined => accuracy[key] ?? undefined;
  const name = `accuracy_${key === 'maxAbs' ? 'max_abs' : key}`;
  return { name, unit, direction, readAnswers, read: ({ accuracy }) => accuracy && readAnswers(accuracy) };
});

/** Whether a metric compares answers, and not speed or memory. */
export const isAccuracyMetric = (name: string): boolean => name.startsWith('accuracy_');

const SECONDS_PER_HOUR = 3600;
const MILLION = 1e6;

/** What a million inferences cost at this throughput on a host of this price: price / 3600 / throughput * 1e6. */
export const costPerMillion = (pricePerHour: number, throughputPerSec: number): number =>
  (pricePerHour / SECONDS_PER_HOUR / throughputPerSec) * MILLION;

const watchedMetrics: readonly Metric[] = [
  {
    name: 'memory_rss',
    unit: 'bytes',
    direction: 'minimize',
    read: ({ level }) => level.monitors?.serverMemoryBytes ?? undefined,
  },
  {
    name: 'gpu_memory',
    unit: 'bytes',
    direction: 'minimize',
    read: ({ level }) => sumOfGpus(level, ({ memoryUsedBytes }) => memoryUsedBytes),
  },
  {
    name: 'gpu_free_memory',
    unit: 'bytes',
    direction: 'maximize',
    read: ({ level }) =>
      sumOfGpus(level, ({ memoryTotalBytes: total, memoryUsedBytes: used }) =>
        total === null || used === null ? null : total - used,
      ),
  },
  {
    name: 'gpu_power',
    unit: 'number',
    direction: 'minimize',
    read: ({ level }) => sumOfGpus(level, ({ powerWatts }) => powerWatts),
  },
  {
    name: 'gpu_utilization',
    unit: 'share',
    direction: 'maximize',
    read: ({ level }) => {
      const known = (level.monitors?.gpus ?? []).filter(({ utilizationRatio }) => utilizationRatio !== null).length;
      const sum = sumOfGpus(level, ({ utilizationRatio }) => utilizationRatio);
      return sum === undefined ? undefined : sum / known;
    },
  },
  {
    name: 'energy_per_inference',
    unit: 'joules',
    direction: 'minimize',
    read: ({ level }) => level.monitors?.energyPerInferenceJoules ?? undefined,
  },
  {
    name: 'cost_per_million',
    unit: 'money',
    direction: 'minimize',
    read: ({ level, pricePerHour }) =>
      pricePerHour === undefined || !(level.throughputPerSec.value > 0)
        ? undefined
        : costPerMillion(pricePerHour, level.throughputPerSec.value),
  },
];

/** Means of a request's way, as perf_analyzer takes it apart. */
const partMetrics: readonly Metric[] = (
  [
    ['compute_input_time', ({ server }) => server?.computeInputNs],
    ['compute_output_time', ({ server }) => server?.computeOutputNs],
    ['send_receive_time', ({ latencyParts: parts }) => parts && parts.sendNs + (parts.receiveNs ?? 0)],
    ['response_wait_time', ({ latencyParts: parts }) => parts && parts.totalNs - parts.sendNs - (parts.receiveNs ?? 0)],
  ] satisfies (readonly [name: string, read: (level: LevelRecord) => number | null | undefined])[]
).map(
  ([name, read]): Metric => ({
    name,
    unit: 'duration',
    direction: 'minimize',
    read: ({ level }) => read(level) ?? undefined,
  }),
);

export const metrics: readonly Metric[] = [
  {
    name: 'throughput',
    unit: 'rate',
    direction: 'maximize',
    read: ({ level }) => level.throughputPerSec.value,
    interval: throughputInterval,
  },
  { name: 'request_rate', unit: 'rate', direction: 'maximize', read: ({ level }) => level.requestsPerSec },
  ...latencyMetrics,
  ...serviceMetrics,
  {
    name: 'error_rate',
    unit: 'share',
    direction: 'minimize',
    read: ({ level }) => errorRatioOf(level),
  },
  { name: 'queue_time', unit: 'duration', direction: 'minimize', read: ({ level }) => level.server?.queueNs },
  { name: 'compute_time', unit: 'duration', direction: 'minimize', read: ({ level }) => level.server?.computeInferNs },
  ...partMetrics,
  { name: 'load_time', unit: 'duration', direction: 'minimize', read: ({ loadTimeNs }) => loadTimeNs ?? undefined },
  ...watchedMetrics,
  ...accuracyMetrics,
];

export const findMetric = (name: string): Metric | undefined => metrics.find((metric) => metric.name === name);
