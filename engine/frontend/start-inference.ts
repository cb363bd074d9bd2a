/** From a decoded request to a model: finds the model, counts the rows, and queues the request. */
import type { Instant } from '../../src/common/units.js';
import type { Tensor } from '../../src/kserve/tensor.js';
import type { OnOutcome } from '../inference.js';
import type { ServedModel } from '../served-model.js';

/** What front ends pass on of a request. */
export interface InferenceCall {
  readonly id: string;
  readonly inputs: readonly Tensor[];
  readonly outputNames: readonly string[];
}

/** Queues the request. `onOutcome` is called exactly once, later; output bytes are valid until it returns. */
export function startInference(
  model: ServedModel,
  call: InferenceCall,
  receivedAt: Instant,
  isCancelled: () => boolean,
  onOutcome: OnOutcome,
): void {
  const doesBatch = (model.config.max_batch_size ?? 0) > 0;
  const batchSize = doesBatch ? (call.inputs[0]?.shape[0] ?? 1) : 1;
  const { id, inputs, outputNames } = call;
  model.infer({ id, inputs, requestedOutputs: outputNames, batchSize, receivedAt, isCancelled }, onOutcome);
}
