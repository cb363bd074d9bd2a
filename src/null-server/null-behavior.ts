/** What a null server is told: the model that it pretends to serve, and how it treats requests. Plain data, so that it fits a command line. */
import type { ModelMetadata } from '../kserve/metadata.js';
import type { TensorSpec } from '../kserve/tensor.js';

/** Time from a request's last byte to its answer. */
export type AnswerDelay =
  | { readonly kind: 'none' }
  | { readonly kind: 'fixed'; readonly delayNs: number }
  /** Exponential with this mean. */
  | { readonly kind: 'exponential'; readonly meanNs: number; readonly seed: number };

export interface Freeze {
  /** After the first inference request. */
  readonly afterNs: number;
  /** Answers due in this time are held until it is over. */
  readonly durationNs: number;
}

export interface NullBehavior {
  readonly delay: AnswerDelay;
  /** Every so many-th request is never answered. */
  readonly dropEvery?: number;
  readonly freeze?: Freeze;
  /** Requests are served one after the other at this rate, as by a server with one instance; the rest wait. */
  readonly limitPerSec?: number;
}

export interface NullServerConfig {
  readonly metadata: ModelMetadata;
  readonly maxBatchSize: number;
  /** What every answer holds; the bytes are zeros. */
  readonly outputs: readonly (TensorSpec & { readonly byteSize: number })[];
  readonly behavior: NullBehavior;
}

/** What a null server did to inference requests so far, by its own clock. */
export interface NullServerReport {
  readonly requestCount: number;
  readonly answeredCount: number;
  readonly droppedCount: number;
  /** When the freeze begins and ends, on the host's monotonic clock; undefined without one, and before the first request. */
  readonly freezeNs?: { readonly begin: number; readonly end: number };
  /** From a request's last byte to the writing of its answer; zeros where none was answered. */
  readonly delayNs: { readonly mean: number; readonly p50: number; readonly p99: number; readonly max: number };
}

/** A model that takes and gives plain bytes, for loads given by size alone. */
export function bytesModel(requestBytes: number, responseBytes: number): Omit<NullServerConfig, 'behavior'> {
  const output = { name: 'OUTPUT', dataType: 'UINT8', shape: [responseBytes] } as const;
  return {
    metadata: {
      name: 'null',
      versions: ['1'],
      platform: 'perf-ts-null',
      inputs: [{ name: 'INPUT', datatype: 'UINT8', shape: [requestBytes] }],
      outputs: [{ name: output.name, datatype: output.dataType, shape: output.shape }],
    },
    maxBatchSize: 0,
    outputs: [{ ...output, byteSize: responseBytes }],
  };
}
