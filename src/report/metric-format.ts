/** How a metric of design's list is named and written for people, from its name alone. */
import { largestOf } from '../common/append-all.js';
import {
  type ColumnFormat,
  durationColumn,
  formatBytes,
  formatDuration,
  formatPercent,
  formatRate,
  NO_VALUE,
  numberColumn,
} from '../common/format.js';

type Maybe = number | null | undefined;

export interface MetricFormat {
  /** Without the unit, such as `p99 latency`. */
  readonly title: string;
  /** One format for a column of this metric. */
  column(values: readonly Maybe[]): ColumnFormat;
  /** One value with its unit. */
  format(value: Maybe): string;
}

const duration = (title: string): MetricFormat => ({ title, column: durationColumn, format: formatDuration });
const perSecond = (title: string, things: string): MetricFormat => ({
  title,
  column: (values) => numberColumn(values, `${things}/s`),
  format: (value) => `${formatRate(value)} ${things}/s`,
});

const percentColumn = (): ColumnFormat => ({ unit: '', scale: 0.01, decimals: 2, format: formatPercent });

const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** Sizes in the unit in which the largest is at least 1. */
export function bytesColumn(values: readonly Maybe[]): ColumnFormat {
  const largest = largestOf(
    values.map((value) => Math.abs(value ?? 0)),
    1,
  );
  const power = Math.min(Math.floor(Math.log2(largest) / 10), byteUnits.length - 1);
  const scale = 1024 ** power;
  const scaled = (value: Maybe): Maybe => (value === null || value === undefined ? value : value / scale);
  const column = numberColumn(values.map(scaled), byteUnits[power]);
  return { ...column, scale, format: (value) => column.format(scaled(value)) };
}

/** Numbers of any size, three digits each. */
const threeDigits = (value: Maybe): string => {
  if (value === null || value === undefined || !Number.isFinite(value)) return NO_VALUE;
  const isPlain = value === 0 || (Math.abs(value) >= 1e-4 && Math.abs(value) < 1e9);
  return isPlain ? value.toLocaleString('en-US', { maximumSignificantDigits: 3 }) : value.toExponential(2);
};
const smallNumbers = (unit: string): MetricFormat['column'] => {
  return () => ({ unit, scale: 1, decimals: 3, format: threeDigits });
};
const small = (title: string, unit: string): MetricFormat => ({
  title,
  column: smallNumbers(unit),
  format: (value) => `${threeDigits(value)} ${unit}`.trimEnd(),
});

const known: Readonly<Record<string, MetricFormat>> = {
  throughput: perSecond('throughput', 'inferences'),
  request_rate: perSecond('request rate', 'requests'),
  queue_time: duration('queue time'),
  compute_time: duration('compute time'),
  load_time: duration('load time'),
  error_rate: { title: 'error rate', column: percentColumn, format: formatPercent },
  memory_rss: { title: 'server memory', column: bytesColumn, format: formatBytes },
  gpu_memory: { title: 'GPU memory', column: bytesColumn, format: formatBytes },
  energy_per_inference: small('energy an inference', 'J'),
  cost_per_million: small('cost of a million inferences', ''),
};

/** Metrics that are searched as one; their score is a product that only compares. */
const COMBINED = ' and ';

/** Whether the metric of an objective stands for several. */
export const isCombinedMetric = (name: string): boolean => name.includes(COMBINED);

/** Each metric of an objective by itself. */
export const metricsOf = (name: string): string[] => name.split(COMBINED);

/** The format of a metric by its name; a name of no known kind is shown as a plain number. */
export function metricFormat(name: string): MetricFormat {
  const row = known[name];
  if (row !== undefined) return row;
  if (isCombinedMetric(name)) {
    const parts = metricsOf(name).map((part) => metricFormat(part).title);
    return small(`combined ${parts.join(COMBINED)}`, '');
  }
  const [kind, ...rest] = name.split('_');
  const statistic = rest.join('_').replace('_', '.');
  if (kind === 'latency' || kind === 'service')
    return duration(`${statistic} ${kind === 'latency' ? 'latency' : 'service time'}`);
  const title = name.replaceAll('_', ' ');
  if (name.endsWith('memory') || kind === 'memory') {
    return { title, column: bytesColumn, format: formatBytes };
  }
  return { title, column: (values) => numberColumn(values), format: formatRate };
}
