/** What a comparison of runtimes and providers found: plain data, in the names of `perf-ts/runtime-comparison@1`. */
import type { AccuracyMetrics } from '../check/accuracy.js';
import type { Estimate, Verdict } from '../record/run-record.js';

/** One build of ONNX Runtime with one execution provider. */
export interface RuntimePair {
  readonly runtime: string;
  readonly provider: string;
}

/** One level of a pair, on an engine of its own. */
export interface PairRound {
  readonly throughputPerSec: number;
  readonly latencyP50Ns: number;
  readonly latencyP99Ns: number;
  readonly requestCount: number;
  readonly verdict: Verdict;
  /** The load generator was the limit, so the figures are lower bounds. */
  readonly isClientLimited: boolean;
  /** From the start of the engine until the model was ready; null where it is not known. */
  readonly loadTimeNs: number | null;
}

export interface ComparedPair extends RuntimePair {
  readonly state: 'complete' | 'failed';
  /** Why it has no figures, or why its figures ended early; null where nothing went wrong. */
  readonly reason: string | null;
  /** The pair that the ratios speak of. */
  readonly isReference: boolean;
  /** Means of the rounds with their 95 % intervals; null without a round. */
  readonly throughputPerSec: Estimate | null;
  readonly latencyP50Ns: Estimate | null;
  readonly latencyP99Ns: Estimate | null;
  /** Throughput over the reference's, paired round by round; null where the reference has no such round. */
  readonly throughputRatio: Estimate | null;
  /** Against the unchanged model in FP32 on the bundled runtime's CPU provider; null where answers could not be had. */
  readonly accuracy: AccuracyMetrics | null;
  /** Nodes of the model by the provider that took them; null where only the CPU provider was asked for. */
  readonly nodes: Readonly<Record<string, number>> | null;
  readonly rounds: readonly PairRound[];
}

export interface RuntimeComparison {
  readonly schema: 'perf-ts/runtime-comparison@1';
  readonly model: string;
  readonly isDemoModel: boolean;
  readonly load: { readonly kind: 'closed'; readonly concurrency: number; readonly batchSize: number };
  readonly sampleCount: number;
  /** Rounds that were wanted; each pair lists those it has. */
  readonly roundCount: number;
  readonly isInterrupted: boolean;
  readonly durationNs: number;
  readonly pairs: readonly ComparedPair[];
}
