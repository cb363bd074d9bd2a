/**
 * Records as real runs and sweeps leave them, made from a queueing formula and a seed so that they never change: a run
 * of seven levels with one UNSTABLE and one with errors, and a sweep of twelve trials with a failure.
 */
import { createRng, type Rng } from '../../src/common/random.js';
import type { LevelRecord, RunRecord } from '../../src/record/run-record.js';
import type { StudyRecord, TrialRecord } from '../../src/record/study-record.js';

const MS = 1_000_000;

export const sampleHost: RunRecord['host'] = {
  os: 'Linux 6.8.0 x64',
  cpu: 'Intel Xeon Platinum 8481C @ 2.70GHz',
  cpuCount: 2,
  memoryBytes: 8 * 1024 ** 3,
  node: 'v20.20.2',
};

interface LevelShape {
  readonly concurrency: number;
  readonly throughput: number;
  /** Relative half width of the throughput interval. */
  readonly halfWidth?: number;
  readonly computeMs?: number;
  readonly hasTail?: boolean;
}

/** A level whose numbers agree with each other: Little's law gives the mean latency. */
export function sampleLevel(shape: LevelShape, rng: Rng = createRng(shape.concurrency)): LevelRecord {
  const { concurrency, throughput, halfWidth = 0.012, computeMs = 4.6, hasTail = true } = shape;
  const round = (value: number): number => Math.round(value);
  const mean = round((concurrency / throughput) * 1e9);
  const latency = (factor: number): number => round(mean * factor);
  const around = (value: number, share: number): [number, number] => [
    round(value * (1 - share)),
    round(value * (1 + share * 1.1)),
  ];
  const p = { p50: latency(0.99), p90: latency(1.07), p95: latency(1.12), p99: latency(1.31) };
  const lagNs = round(18_000 + 900 * concurrency);
  const infer = round(Math.min(computeMs * MS, mean * 0.82));
  const durationNs = 4_000_000_000;
  const requestCount = round(throughput * 4);
  return {
    load: { kind: 'closed', concurrency, batchSize: 1 },
    verdict: 'VALID',
    isSteady: true,
    isClientLimited: false,
    warnings: [],
    endReason: 'target-met',
    throughputPerSec: { value: throughput, low: throughput * (1 - halfWidth), high: throughput * (1 + halfWidth) },
    requestsPerSec: throughput,
    latencyNs: { mean, ...p, p99_9: latency(1.62), max: latency(2.2) },
    latencyIntervalNs: {
      mean: around(mean, 0.008),
      p50: around(p.p50, 0.01),
      p90: around(p.p90, 0.014),
      p95: around(p.p95, 0.02),
      p99: hasTail ? around(p.p99, 0.04) : null,
      p99_9: null,
      max: null,
    },
    serviceNs: {
      mean: mean - lagNs,
      p50: p.p50 - lagNs,
      p90: p.p90 - lagNs,
      p95: p.p95 - lagNs,
      p99: p.p99 - lagNs,
      p99_9: latency(1.62) - lagNs,
      max: latency(2.2) - lagNs,
    },
    sendLagNs: { p50: round(lagNs * 0.8), p99: round(lagNs * 2.2), max: round(lagNs * 7) },
    requestCount,
    errorCount: 0,
    errors: {},
    durationNs,
    warmupNs: 500_000_000,
    warmupRequestCount: round(throughput / 2),
    droppedCount: 0,
    delayedCount: 0,
    mismatchCount: null,
    clientCpuNsPerRequest: 61_000,
    server: {
      queueNs: Math.max(22_000, round(mean - infer - lagNs - 0.44 * MS)),
      computeInputNs: 21_000,
      computeInferNs: infer,
      computeOutputNs: 14_000,
      inferenceCount: requestCount,
      executionCount: requestCount,
    },
    latencyParts: null,
    generator: null,
    monitors: null,
    models: [],
    timeline: Array.from({ length: 16 }, (_, slice) => {
      const throughputPerSec = Number((throughput * (1 + rng.normal() * 0.012)).toFixed(1));
      return {
        startNs: (slice * durationNs) / 16,
        throughputPerSec,
        latencyMeanNs: round((concurrency / throughputPerSec) * 1e9),
      };
    }),
  };
}

function sampleLevels(): LevelRecord[] {
  const levels = (
    [
      [1, 182.4],
      [2, 349.8],
      [4, 391.2],
      [8, 402.7],
      [16, 405.1],
      [32, 398.6],
      [64, 391.3],
    ] as const
  ).map(([concurrency, throughput]) => sampleLevel({ concurrency, throughput, hasTail: concurrency > 1 }));
  const unstable = sampleLevel({ concurrency: 32, throughput: 398.6, halfWidth: 0.083 });
  levels[5] = {
    ...unstable,
    verdict: 'UNSTABLE',
    isSteady: false,
    endReason: 'time-over',
    durationNs: 10_000_000_000,
    requestCount: 3986,
    warnings: [
      {
        code: 'TARGET_NOT_MET',
        message: 'Throughput reached ± 8.3 % instead of ± 5 % within 10 s; raise --max-time or quieten the host.',
      },
    ],
    timeline: unstable.timeline.map((slice, i) => ({
      ...slice,
      startNs: (i * 10_000_000_000) / 16,
      throughputPerSec: Number((slice.throughputPerSec * (i > 9 ? 0.72 : 1.05)).toFixed(1)),
    })),
  };
  levels[6] = {
    ...levels[6]!,
    errorCount: 14,
    errors: { 'UNAVAILABLE: exceeds maximum queue size': 11, timeout: 3 },
    warnings: [
      {
        code: 'REQUESTS_FAILED',
        message: '0.89 % of the requests failed (14); latency and throughput speak of the successful ones only.',
      },
    ],
  };
  return levels;
}

export const sampleRun: RunRecord = {
  schema: 'perf-ts/run@1',
  id: '20260131T142501Z-text_recognition-1a2b3c',
  startedAt: '2026-01-31T14:25:01.120Z',
  finishedAt: '2026-01-31T14:25:48.530Z',
  tool: { version: '0.1.0', command: ['perf-ts', '-m', 'text_recognition', '--concurrency-range', '1:64'] },
  model: 'text_recognition',
  modelVersion: '1',
  directory: 'results/20260131T142501Z-text_recognition-1a2b3c',
  state: 'complete',
  target: {
    kind: 'embedded',
    endpoint: '127.0.0.1:41233',
    protocol: 'grpc',
    server: { name: 'perf-ts', version: '0.1.0' },
    isDemoModel: true,
  },
  plan: {
    model: 'text_recognition',
    modelVersion: '1',
    protocol: 'grpc',
    endpoint: '127.0.0.1:41233',
    sequence: { kind: 'adaptive', start: 1, end: 64 },
    batchSize: 1,
    inputs: [
      {
        name: 'input.1',
        dataType: 'FP32',
        shape: [1, 1, 32, 100],
        source: { kind: 'random', seed: 7 },
        stringLengthBytes: 0,
      },
    ],
    stopRule: { minDuration: 2_000_000_000, maxDuration: 10_000_000_000, targetHalfWidth: 0.05 },
    requestTimeout: 30_000_000_000,
    workerCount: 1,
    seed: 7,
  },
  modelConfig: {
    name: 'text_recognition',
    backend: 'onnxruntime',
    max_batch_size: 32,
    instance_group: [{ count: 2, kind: 'KIND_CPU' }],
  },
  host: sampleHost,
  warnings: [
    {
      code: 'SHARED_HOST',
      message: 'Load and engine share 2 cores, so they slow each other; use another host for absolute numbers.',
    },
  ],
  levels: sampleLevels(),
};

const defaultPbtxt = `name: "simple_cnn"
backend: "onnxruntime"
max_batch_size: 32
input [ { name: "x" data_type: TYPE_FP32 dims: [ 3, 32, 32 ] } ]
output [ { name: "y" data_type: TYPE_FP32 dims: [ 10 ] } ]
`;
const recommendedPbtxt = `name: "simple_cnn"
backend: "onnxruntime"
max_batch_size: 32
input [ { name: "x" data_type: TYPE_FP32 dims: [ 3, 32, 32 ] } ]
output [ { name: "y" data_type: TYPE_FP32 dims: [ 10 ] } ]
instance_group [ { count: 2 kind: KIND_CPU } ] # two instances keep both cores busy
dynamic_batching { max_queue_delay_microseconds: 500 }
parameters { key: "intra_op_thread_count" value: { string_value: "1" } }
`;
const diff = `--- default/config.pbtxt
+++ recommended/config.pbtxt
@@ -3,3 +3,6 @@
 max_batch_size: 32
 input [ { name: "x" data_type: TYPE_FP32 dims: [ 3, 32, 32 ] } ]
 output [ { name: "y" data_type: TYPE_FP32 dims: [ 10 ] } ]
+instance_group [ { count: 2 kind: KIND_CPU } ] # two instances keep both cores busy
+dynamic_batching { max_queue_delay_microseconds: 500 }
+parameters { key: "intra_op_thread_count" value: { string_value: "1" } }
`;

type Parameters = TrialRecord['parameters'];
const baseParameters: Parameters = {
  instance_count: 1,
  dynamic_batching: false,
  max_queue_delay_us: 0,
  intra_op_threads: 2,
  graph_level: 'all',
};

function trial(
  number: number,
  variantId: string,
  changed: Parameters,
  throughput: number,
  concurrency = 8,
): TrialRecord {
  return {
    id: variantId === 'default' ? 'default' : `trial-${number}`,
    variantId,
    phase: 'search',
    state: 'complete',
    parameters: { ...baseParameters, ...changed },
    score: throughput,
    durationNs: 3_400_000_000 + number * 20_000_000,
    loadTimeNs: 210 * MS,
    reason: null,
    level: sampleLevel({ concurrency, throughput, computeMs: 1.4 }, createRng(number)),
  };
}

const confirmed = (number: number, variantId: string, changed: Parameters, throughput: number): TrialRecord => ({
  ...trial(number, variantId, changed, throughput),
  id: `trial-${number}`,
  phase: 'confirmation',
});

const winner = { instance_count: 2, dynamic_batching: true, max_queue_delay_us: 500, intra_op_threads: 1 };
const trials: TrialRecord[] = [
  trial(0, 'default', {}, 812.4),
  trial(1, 'v1', { instance_count: 2 }, 948.1),
  trial(2, 'v2', { instance_count: 2, intra_op_threads: 1 }, 1093.5, 16),
  {
    ...trial(3, 'v3', { instance_count: 8 }, 0),
    state: 'failed',
    score: null,
    reason: 'the engine ended with SIGKILL while loading: out of memory',
    level: null,
    loadTimeNs: null,
  },
  trial(4, 'v4', { dynamic_batching: true }, 866.2, 16),
  trial(5, 'v5', winner, 1153.6, 16),
  trial(6, 'v6', { ...winner, max_queue_delay_us: 1000 }, 1121.9, 16),
  {
    ...trial(7, 'v7', { graph_level: 'basic' }, 640.3),
    state: 'infeasible',
    score: null,
    reason: 'latency_p99 16.4 ms exceeds the limit of 15 ms by 9 %',
  },
  confirmed(8, 'default', {}, 809.7),
  confirmed(9, 'v5', winner, 1150.2),
  confirmed(10, 'default', {}, 815.3),
  confirmed(11, 'v5', winner, 1158.8),
];

export const sampleStudy: StudyRecord = {
  schema: 'perf-ts/study@1',
  id: '20260131T150210Z-simple_cnn-9f8e7d',
  startedAt: '2026-01-31T15:02:10.000Z',
  finishedAt: '2026-01-31T15:03:01.800Z',
  tool: { version: '0.1.0', command: ['perf-ts', 'sweep', '-m', 'simple_cnn', '--budget', '60s'] },
  model: 'simple_cnn',
  directory: 'results/20260131T150210Z-simple_cnn-9f8e7d',
  state: 'complete',
  seed: 7,
  strategy: 'quick',
  objective: { metric: 'throughput', direction: 'maximize' },
  budgetNs: 60_000_000_000,
  host: sampleHost,
  isDemoModel: true,
  warnings: [],
  default: { id: 'default', score: 812.5, configPbtxt: defaultPbtxt },
  recommended: {
    portable: {
      id: 'v5',
      configPbtxt: recommendedPbtxt,
      changes: [
        { path: 'instance_group[0].count', from: 1, to: 2 },
        { path: 'dynamic_batching.max_queue_delay_microseconds', from: null, to: 500 },
        { path: 'parameters["intra_op_thread_count"].string_value', from: null, to: '1' },
      ],
      gain: { value: 1.42, low: 1.37, high: 1.47 },
      diff,
    },
    engine: null,
  },
  trials,
};

/** The sample sweep when nothing beat the default. */
export const fruitlessStudy: StudyRecord = { ...sampleStudy, recommended: { portable: null, engine: null } };

/** A name that breaks out of carelessly written HTML, Markdown and paths. */
export const hostileName = '<img src=x onerror=alert(1)>';
