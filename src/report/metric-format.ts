/** How a metric of design's list is named and written for people, from its name alone. */
import {
  type ColumnFormat,
  durationColumn,
  formatBytes,
  formatDuration,
  formatPercent,
  formatRate,
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

const percentColumn = (): ColumnFormat => ({ unit: '%', scale: 0.01, decimals: 2, format: formatPercent });

const known: Readonly<Record<string, MetricFormat>> = {
  throughput: perSecond('throughput', 'inferences'),
  request_rate: perSecond('request rate', 'requests'),
  queue_time: duration('queue time'),
  compute_time: duration('compute time'),
  load_time: duration('load time'),
  error_rate: { title: 'error rate', column: percentColumn, format: formatPercent },
};

/** The format of a metric by its name; a name of no known kind is shown as a plain number. */
export function metricFormat(name: string): MetricFormat {
  const row = known[name];
  if (row !== undefined) return row;
  const [kind, ...rest] = name.split('_');
  const statistic = rest.join('_').replace('_', '.');
  if (kind === 'latency' || kind === 'service')
    return duration(`${statistic} ${kind === 'latency' ? 'latency' : 'service time'}`);
  const title = name.replaceAll('_', ' ');
  if (name.endsWith('memory') || kind === 'memory') {
    return { title, column: (values) => numberColumn(values, 'B'), format: formatBytes };
  }
  return { title, column: (values) => numberColumn(values), format: formatRate };
}
