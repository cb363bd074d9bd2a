/** One entry of model_warmup, ready to be run: which tensors, how often. Plain data that passes between threads. */
import type { DataType } from '../../src/kserve/data-types.js';

export interface WarmUpInput {
  readonly name: string;
  readonly dataType: DataType;
  /** As the ONNX model has it, batch dimension included. */
  readonly shape: readonly number[];
  readonly source:
    | { readonly kind: 'zero' }
    | { readonly kind: 'random' }
    /** Of the whole tensor. */
    | { readonly kind: 'file'; readonly bytes: Uint8Array };
}

export interface WarmUpSample {
  readonly name: string;
  /** Executions; at least 1. */
  readonly count: number;
  /** How many requests of one row an execution stands for; Triton leaves a sample of none out. */
  readonly requestCount: number;
  readonly inputs: readonly WarmUpInput[];
}

/** One execution of a sample, as statistics count it. */
export interface WarmUpRun {
  readonly requestCount: number;
  readonly startNs: number;
  readonly endNs: number;
  /** Milliseconds since 1970. */
  readonly wallClockMs: number;
}
