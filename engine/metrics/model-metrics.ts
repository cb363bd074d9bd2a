/** What the models have done, as Triton's metrics: the names, labels and descriptions of its metrics endpoint. */
import type { InferStatistics, ModelStatistics, StatisticDuration } from '../../src/kserve/metadata.js';
import { failureReasons, type ModelGauges, type ServedModel } from '../served-model.js';
import type { MetricFamily, MetricSample } from './prometheus-text.js';

interface ModelReading {
  /** The config's metric_tags among them, in the order of their names. */
  readonly labels: Readonly<Record<string, string>>;
  readonly statistics: ModelStatistics;
  readonly gauges: ModelGauges;
}

const inOrder = (labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

/** The config's own labels begin with an underscore, as in Triton. What Prometheus takes for no name would cost all metrics. */
const tagLabels = ({ config }: ServedModel): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(config.metric_tags ?? {}).map(([name, value]) => [`_${name.replace(/\W/g, '_')}`, value]),
  );

const readModel = (model: ServedModel): ModelReading => ({
  labels: inOrder({ ...tagLabels(model), model: model.name, version: model.version }),
  statistics: model.statistics(),
  gauges: model.gauges(),
});

type Value = (reading: ModelReading) => number;

const counts: readonly (readonly [name: string, help: string, value: Value])[] = [
  [
    'nv_inference_count',
    'Number of inferences performed (does not include cached requests)',
    ({ statistics }) => statistics.inference_count,
  ],
  [
    'nv_inference_exec_count',
    'Number of model executions performed (does not include cached requests)',
    ({ statistics }) => statistics.execution_count,
  ],
];

const durations: readonly (readonly [name: string, help: string, part: keyof InferStatistics])[] = [
  [
    'nv_inference_request_duration_us',
    'Cumulative inference request duration in microseconds (includes cached requests)',
    'success',
  ],
  [
    'nv_inference_queue_duration_us',
    'Cumulative inference queuing duration in microseconds (includes cached requests)',
    'queue',
  ],
  [
    'nv_inference_compute_input_duration_us',
    'Cumulative compute input duration in microseconds (does not include cached requests)',
    'compute_input',
  ],
  [
    'nv_inference_compute_infer_duration_us',
    'Cumulative compute inference duration in microseconds (does not include cached requests)',
    'compute_infer',
  ],
  [
    'nv_inference_compute_output_duration_us',
    'Cumulative inference compute output duration in microseconds (does not include cached requests)',
    'compute_output',
  ],
];

const toMicros = ({ ns }: StatisticDuration): number => Math.floor(ns / 1000);

const samplesOf = (readings: readonly ModelReading[], value: Value): readonly MetricSample[] =>
  readings.map((reading) => ({ labels: reading.labels, value: value(reading) }));

/** The families of all models, in Triton's order. `hasLatencies` false leaves the cumulative durations out. */
export function modelMetrics(models: readonly ServedModel[], hasLatencies: boolean): readonly MetricFamily[] {
  const readings = models.map(readModel);
  const counter = (name: string, help: string, value: Value): MetricFamily => ({
    name,
    help,
    type: 'counter',
    samples: samplesOf(readings, value),
  });
  return [
    counter(
      'nv_inference_request_success',
      'Number of successful inference requests, all batch sizes',
      ({ statistics }) => statistics.inference_stats.success.count,
    ),
    failures(readings),
    ...counts.map(([name, help, value]) => counter(name, help, value)),
    ...(hasLatencies ? durations : []).map(([name, help, part]) =>
      counter(name, help, ({ statistics }) => toMicros(statistics.inference_stats[part])),
    ),
    {
      name: 'nv_inference_pending_request_count',
      help: 'Instantaneous number of pending requests awaiting execution per-model.',
      type: 'gauge',
      samples: samplesOf(readings, ({ gauges }) => gauges.pendingRequestCount),
    },
    {
      name: 'nv_model_load_duration_secs',
      help: 'Model load time in seconds',
      type: 'gauge',
      samples: samplesOf(readings, ({ gauges }) => gauges.loadDurationNs / 1e9),
    },
  ];
}

const failures = (readings: readonly ModelReading[]): MetricFamily => ({
  name: 'nv_inference_request_failure',
  help: 'Number of failed inference requests, all batch sizes',
  type: 'counter',
  samples: readings.flatMap(({ labels, gauges }) =>
    failureReasons.map((reason) => ({ labels: inOrder({ ...labels, reason }), value: gauges.failureCounts[reason] })),
  ),
});
