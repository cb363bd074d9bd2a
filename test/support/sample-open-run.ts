/**
 * Records of runs that have everything: an open loop over several rates with its account of time, monitors, two models,
 * dropped and delayed requests, a peak and a comparison of clients; and a closed loop over batch sizes and shapes.
 */
import type { LevelRecord, RunRecord } from '../../src/record/run-record.js';
import { sampleLevel, sampleRun } from './sample-records.js';

const MS = 1e6;

function withAccount(level: LevelRecord, busyRatio: number): LevelRecord {
  const { latencyNs, server } = level;
  if (latencyNs === null || server === null) return level;
  const { queueNs, computeInputNs, computeInferNs, computeOutputNs } = server;
  const [sendNs, receiveNs] = [0.021 * MS, 0.008 * MS];
  const inside = queueNs + computeInputNs + computeInferNs + computeOutputNs;
  const networkAndFrontEndNs = Math.max(0, latencyNs.mean - inside - sendNs - receiveNs);
  const totalNs = inside + sendNs + receiveNs + networkAndFrontEndNs;
  return {
    ...level,
    latencyIntervalNs: level.latencyIntervalNs && {
      ...level.latencyIntervalNs,
      p99_9: [latencyNs.p99_9 * 0.9, latencyNs.p99_9 * 1.2],
    },
    latencyParts: {
      totalNs,
      sendNs,
      networkAndFrontEndNs,
      queueNs,
      computeInputNs,
      computeInferNs,
      computeOutputNs,
      receiveNs,
    },
    generator: {
      busyRatio,
      busySliceRatio: busyRatio,
      timestampUncertaintyNs: 900,
      clientCpuCount: 1.1 * busyRatio,
      clientCpuShare: 0.2,
      gcPauseNs: 4 * MS,
      gcMaxPauseNs: 1.2 * MS,
      stealRatio: 0.013,
      throttledNs: 0,
    },
    monitors: {
      serverCpuCount: 1.4 + busyRatio,
      serverMemoryBytes: 734_003_200,
      gpus: [
        {
          id: 'GPU-5f1c',
          name: 'NVIDIA L4',
          utilizationRatio: 0.4 + busyRatio / 2,
          powerWatts: 41.5 + 20 * busyRatio,
          memoryUsedBytes: 2_147_483_648,
          memoryTotalBytes: 24_696_061_952,
          energyJoules: 180,
        },
      ],
      energyPerInferenceJoules: 0.112,
      serverMetrics: {
        'nv_inference_request_success{model="text_recognition"}': level.requestCount,
        nv_gpu_utilization: 0.41,
      },
    },
  };
}

function openLevel(rate: number, served: number, meanMs: number): LevelRecord {
  const level = sampleLevel({ concurrency: Math.max(1, Math.round((served * meanMs) / 1000)), throughput: served });
  const scale = (meanMs * MS) / (level.latencyNs?.mean ?? 1);
  const scaled = <T extends Record<string, number>>(summary: T): T =>
    Object.fromEntries(Object.entries(summary).map(([key, value]) => [key, Math.round(value * scale)])) as T;
  const isOverloaded = served < 0.97 * rate;
  const base: LevelRecord = {
    ...level,
    load: { kind: 'open', requestRatePerSec: rate, arrival: 'poisson', batchSize: 1 },
    latencyNs: level.latencyNs && scaled(level.latencyNs),
    serviceNs: level.serviceNs && scaled(level.serviceNs),
    latencyIntervalNs: null,
    server: level.server && {
      ...level.server,
      queueNs: Math.max(22_000, Math.round(meanMs * MS - level.server.computeInferNs - 0.45 * MS)),
    },
    timeline: level.timeline.map((slice) => ({
      ...slice,
      latencyMeanNs: Math.round((slice.latencyMeanNs ?? 0) * scale),
    })),
    delayedCount: isOverloaded ? 118 : 2,
    droppedCount: isOverloaded ? 37 : 0,
    mismatchCount: isOverloaded ? 3 : 0,
    models: [
      { model: 'text_recognition', weight: 3, share: 0.75 },
      { model: 'simple_cnn', weight: 1, share: 0.25 },
    ].map(({ model, weight, share }) => ({
      model,
      weight,
      requestCount: Math.round(level.requestCount * share),
      errorCount: 0,
      throughputPerSec: { value: served * share, low: served * share * 0.97, high: served * share * 1.03 },
      latencyNs: level.latencyNs && scaled(level.latencyNs),
    })),
  };
  const judged: LevelRecord = isOverloaded
    ? {
        ...base,
        verdict: 'INVALID',
        isSteady: false,
        warnings: [{ code: 'REQUESTS_DROPPED', message: '37 requests were never sent: ask for a lower rate.' }],
      }
    : base;
  return withAccount(judged, Math.min(0.9, served / 600));
}

/** A search for the peak over request rates, with two models and all monitors. */
export const sampleOpenRun: RunRecord = {
  ...sampleRun,
  tool: {
    version: '0.1.0',
    command: ['perf-ts', '-m', 'text_recognition:3', '-m', 'simple_cnn', '--peak', '-l', '20'],
  },
  warnings: [],
  levels: [
    openLevel(50, 50.1, 5.4),
    openLevel(100, 99.8, 5.9),
    openLevel(200, 199.4, 8.1),
    openLevel(380, 379, 19.4),
    openLevel(450, 403, 310),
  ],
  peak: {
    latencyLimitNs: 20 * MS,
    metric: 'latency_p99',
    requestRatePerSec: { value: 352, low: 341, high: 363 },
    isConfirmed: true,
    probes: [
      { requestRatePerSec: 200, result: 'pass', latencyNs: 10.6 * MS },
      { requestRatePerSec: 400, result: 'fail', latencyNs: 88 * MS },
      { requestRatePerSec: 283, result: 'pass', latencyNs: 13.1 * MS },
      { requestRatePerSec: 346, result: 'unclear', latencyNs: 19.9 * MS },
      { requestRatePerSec: 352, result: 'pass', latencyNs: 19.2 * MS },
    ],
  },
};

const batchLevels = [1, 8].flatMap((batchSize) =>
  [1, 2, 4, 8].map((concurrency): LevelRecord => {
    const throughput = (180 * concurrency * batchSize ** 0.8) / (1 + 0.12 * concurrency);
    const level = sampleLevel({ concurrency, throughput });
    const load = { kind: 'closed', concurrency, batchSize } as const;
    return { ...level, load, requestsPerSec: throughput / batchSize };
  }),
);

/** A closed loop over two batch sizes, with the clients compared afterwards. */
export const sampleBatchRun: RunRecord = {
  ...sampleRun,
  warnings: [],
  levels: batchLevels,
  clientComparison: {
    load: { kind: 'closed', concurrency: 8, batchSize: 8 },
    roundCount: 3,
    fastest: 'grpc-wire',
    paths: (
      [
        ['grpc-wire', 'gRPC, own HTTP/2 client', 4200, 1, 0.062, ''],
        [
          'grpc-js',
          'gRPC, @grpc/grpc-js, one channel',
          2300,
          0.55,
          0.31,
          'The client spends 310 µs of CPU a request instead of 62.0 µs.',
        ],
        [
          'http',
          'HTTP/1.1, binary tensors',
          1900,
          0.45,
          0.36,
          'A request takes 1.94 ms in network and front end more.',
        ],
      ] as const
    ).map(([path, title, requestsPerSec, ratio, cpuMs, explanation]) => ({
      path,
      title,
      requestsPerSec,
      latencyNs: batchLevels[7]!.latencyNs,
      throughputRatio: { value: ratio, low: ratio * 0.97, high: ratio * 1.03 },
      clientCpuNsPerRequest: cpuMs * MS,
      latencyParts: null,
      requestBytes: 102_400,
      errorCount: 0,
      explanation,
    })),
    skipped: [{ path: 'grpc-js-new-channel', reason: 'no request was answered' }],
  },
};

/** One level over several shapes of the input. */
export const sampleShapesRun: RunRecord = {
  ...sampleRun,
  warnings: [],
  levels: [100, 200, 400].map((width) => ({
    ...sampleLevel({ concurrency: 4, throughput: 40_000 / width }),
    load: { kind: 'closed' as const, concurrency: 4, batchSize: 1, shapes: `input.1:1,32,${width}` },
  })),
};
