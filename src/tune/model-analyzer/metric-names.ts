/** Model Analyzer's names of metrics, as ours, with what its numbers count in. */

export interface NamedMetric {
  readonly metric: string;
  /** A number of the file as a limit of ours. */
  readonly limit: (value: number) => string;
}

const plain = (value: number): string => String(value);
const milliseconds = (value: number): string => `${value}ms`;
const megabytes = (value: number): string => `${value}MB`;
const percent = (value: number): string => `${value}%`;

const names: Readonly<Record<string, NamedMetric>> = {
  perf_throughput: { metric: 'throughput', limit: plain },
  perf_latency_avg: { metric: 'latency_mean', limit: milliseconds },
  perf_latency_p90: { metric: 'latency_p90', limit: milliseconds },
  perf_latency_p95: { metric: 'latency_p95', limit: milliseconds },
  perf_latency_p99: { metric: 'latency_p99', limit: milliseconds },
  gpu_used_memory: { metric: 'gpu_memory', limit: megabytes },
  gpu_utilization: { metric: 'gpu_utilization', limit: percent },
  cpu_used_ram: { metric: 'memory_rss', limit: megabytes },
};

export const modelAnalyzerMetrics: readonly string[] = Object.keys(names);

export const findNamedMetric = (name: string): NamedMetric | undefined =>
  Object.hasOwn(names, name) ? names[name] : undefined;
