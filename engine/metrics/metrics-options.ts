/** The options of the metrics endpoint, with tritonserver's flag names. */
import { optional, repeated, toggle, withDefault } from '../../src/common/option-row.js';
import { parseInteger, parseText } from '../../src/common/value-parsers.js';
import { parseMetricsSetting } from './metrics-config.js';

const metrics = 'Metrics';

export const metricsOptionRows = {
  allowMetrics: toggle({
    flag: 'allow-metrics',
    defaultText: 'true',
    help: 'offer metrics for Prometheus at /metrics',
    group: metrics,
  }),
  metricsAddress: optional({
    flag: 'metrics-address',
    placeholder: 'ADDRESS',
    help: 'address to listen on for metrics; that of HTTP unless given',
    group: metrics,
    parse: parseText,
  }),
  metricsPort: withDefault({
    flag: 'metrics-port',
    placeholder: 'PORT',
    defaultText: '8002',
    help: 'port for metrics; 0 takes any free one',
    group: metrics,
    parse: parseInteger(0, 65_535),
  }),
  metricsIntervalMs: withDefault({
    flag: 'metrics-interval-ms',
    placeholder: 'MILLISECONDS',
    defaultText: '2000',
    help: 'time between two looks at the CPU',
    group: metrics,
    parse: parseInteger(1, 86_400_000),
  }),
  allowCpuMetrics: toggle({
    flag: 'allow-cpu-metrics',
    defaultText: 'true',
    help: 'tell the use of the CPU and of memory',
    group: metrics,
  }),
  allowGpuMetrics: toggle({
    flag: 'allow-gpu-metrics',
    defaultText: 'true',
    help: 'export GPU metrics; the engine has none of its own, a sweep or measurement reads the GPU itself',
    group: metrics,
  }),
  metricsConfig: repeated({
    flag: 'metrics-config',
    placeholder: 'NAME=VALUE',
    help: 'counter_latencies=false leaves the cumulative durations out',
    group: metrics,
    parse: parseMetricsSetting,
  }),
};
