/**
 * One inference inside the engine: what a front end hands to a model and gets back. Callbacks rather than promises,
 * because this is on the path of every request.
 */
import type { Instant } from '../src/common/units.js';
import type { Failure } from '../src/kserve/status.js';
import type { Tensor } from '../src/kserve/tensor.js';
import type { InputTensor } from './input-tensor.js';

export interface InferenceRequest {
  readonly id: string;
  /** Validated against the model's inputs before it reaches a scheduler. Bytes stay as they are until the outcome: large ones are not copied. */
  readonly inputs: readonly InputTensor[];
  /** Empty means every output. */
  readonly requestedOutputs: readonly string[];
  /** Rows: the first dimension of the inputs, or 1 where the model does not batch. */
  readonly batchSize: number;
  /** The `priority` parameter; 0 takes the model's default. */
  readonly priority: number;
  /** The `timeout` parameter in microseconds; 0 takes the queue policy's default. */
  readonly timeoutUs: number;
  /** When the front end had the whole request. */
  readonly receivedAt: Instant;
  /** True once the caller has gone; a queued request is then dropped at the next look. */
  isCancelled(): boolean;
}

export type InferenceOutcome =
  | { readonly state: 'ok'; readonly outputs: readonly Tensor[] }
  | { readonly state: 'failed'; readonly failure: Failure };

/** Called exactly once for each request, never before `infer` returns. Output bytes are valid until it returns. */
export type OnOutcome = (outcome: InferenceOutcome) => void;
