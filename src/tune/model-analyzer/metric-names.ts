/** Model Analyzer's names of metrics, as ours, with what its numbers count in and which side of one can be a limit. */

export interface NamedMetric {
  readonly metric: string;
  /** A number of the file as a limit of ours. */
  readonly limit: (value: number) => string;
  /** Sides that a limit may have: a time is bounded from above, a throughput from below. */
  readonly sides: readonly ('max' | 'min')[];
}

const plain = (value: number): string => String(value);
const milliseconds = (value: number): string => `${value}ms`;
const megabytes = (value: number): string => `${value}MB`;
const percent = (value: number): string => `${value}%`;

const time = (metric: string): NamedMetric => ({ metric, limit: milliseconds, sides: ['max'] });

const names: Readonly<Record<string, NamedMetric>> = {
  perf_throughput: { metric: 'throughput', limit: plain, sides: ['min'] },
  // As the p99 was called before there were others.
  perf_latency: time('latency_p99'),
  perf_latency_avg: time('latency_mean'),
  perf_latency_p90: time('latency_p90'),
  perf_latency_p95: time('latency_p95'),
  perf_latency_p99: time('latency_p99'),
  perf_client_response_wait: time('response_wait_time'),
  perf_client_send_recv: time('send_receive_time'),
  perf_server_queue: time('queue_time'),
  perf_server_compute_input: time('compute_input_time'),
  perf_server_compute_infer: time('compute_time'),
  perf_server_compute_output: time('compute_output_time'),
  gpu_used_memory: { metric: 'gpu_memory', limit: megabytes, sides: ['max'] },
  gpu_free_memory: { metric: 'gpu_free_memory', limit: megabytes, sides: ['min'] },
  gpu_utilization: { metric: 'gpu_utilization', limit: percent, sides: ['min', 'max'] },
  gpu_power_usage: { metric: 'gpu_power', limit: plain, sides: ['max'] },
  cpu_used_ram: { metric: 'memory_rss', limit: megabytes, sides: ['max'] },
};

const statistics = ['min', 'max', 'avg', 'p25', 'p50', 'p75', 'p90', 'p95', 'p99'] as const;

/** Names that Model Analyzer has and nothing here measures. */
const unmeasured: readonly string[] = [
  'cpu_available_ram',
  ...statistics.flatMap((statistic) => [`inter_token_latency_${statistic}`, `time_to_first_token_${statistic}`]),
  'output_token_throughput',
  'output_token_throughput_per_request',
];

export const measuredMetrics: readonly string[] = Object.keys(names);
export const modelAnalyzerMetrics: readonly string[] = [...measuredMetrics, ...unmeasured];
export const isUnmeasured = (name: string): boolean => unmeasured.includes(name);

export const findNamedMetric = (name: string): NamedMetric | undefined =>
  Object.hasOwn(names, name) ? names[name] : undefined;
