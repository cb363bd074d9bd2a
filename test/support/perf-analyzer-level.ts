/** A level with the figures that perf_analyzer printed for one of its own, so that both can be set side by side. */
import type { LevelRecord } from '../../src/record/run-record.js';
import { sampleLevel } from './sample-records.js';

/** All times in whole microseconds, as its output has them. */
export interface PrintedFigures {
  readonly load: LevelRecord['load'];
  readonly throughput: number;
  readonly requestCount: number;
  readonly mean: number;
  readonly standardDeviation: number;
  readonly percentiles: readonly [p50: number, p90: number, p95: number, p99: number];
  readonly send: number;
  readonly receive: number;
  readonly server: readonly [queue: number, input: number, infer: number, output: number];
  readonly serverRequest: number;
  readonly serverCount: number;
}

const US = 1000;

export function levelAsPrinted(figures: PrintedFigures): LevelRecord {
  const [p50, p90, p95, p99] = figures.percentiles.map((value) => value * US) as [number, number, number, number];
  const [queueNs, computeInputNs, computeInferNs, computeOutputNs] = figures.server.map((value) => value * US) as [
    number,
    number,
    number,
    number,
  ];
  const totalNs = figures.mean * US;
  const sendNs = figures.send * US;
  const receiveNs = figures.receive * US;
  const insideNs = queueNs + computeInputNs + computeInferNs + computeOutputNs;
  const computeNs = { queueNs, computeInputNs, computeInferNs, computeOutputNs };
  return {
    ...sampleLevel({ concurrency: 1, throughput: figures.throughput }),
    load: figures.load,
    throughputPerSec: { value: figures.throughput, low: null, high: null },
    requestsPerSec: figures.throughput / figures.load.batchSize,
    requestCount: figures.requestCount,
    latencyNs: { mean: totalNs, p50, p90, p95, p99, p99_9: p99, max: p99 },
    latencyIntervalNs: null,
    latencyParts: {
      totalNs,
      sendNs,
      receiveNs,
      networkAndFrontEndNs: Math.max(0, totalNs - sendNs - receiveNs - insideNs),
      ...computeNs,
    },
    server: {
      ...computeNs,
      inferenceCount: figures.serverCount,
      executionCount: figures.serverCount,
      successCount: figures.serverCount,
      requestNs: figures.serverRequest * US,
    },
    windowed: { isStable: true, standardDeviationNs: figures.standardDeviation * US, percentile: null, windows: [] },
  };
}
