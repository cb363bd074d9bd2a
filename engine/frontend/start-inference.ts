/** From a decoded request to a model: fetches what is not in the message, counts the rows, and queues the request. */
import type { Instant } from '../../src/common/units.js';
import { ProtocolError } from '../../src/kserve/protocol-error.js';
import type { InferInput, RequestedOutput, RequestParameters } from '../../src/kserve/tensor.js';
import type { OnOutcome } from '../inference.js';
import type { ServedModel } from '../served-model.js';
import type { SharedMemoryRegions } from '../shared-memory/shared-memory-regions.js';
import { readPriority, readTimeoutUs } from './request-parameters.js';
import { isPlaced, TensorPlacement } from './tensor-placement.js';

/** What front ends pass on of a request. */
export interface InferenceCall {
  readonly id: string;
  readonly inputs: readonly InferInput[];
  readonly outputNames: readonly string[];
  readonly outputs?: readonly RequestedOutput[];
  readonly parameters?: RequestParameters;
}

/**
 * Queues the request. `onOutcome` is called exactly once, later; output bytes are valid until it returns. Throws
 * ProtocolError for parameters and shared memory that are not what they must be; the request is not queued then.
 */
export function startInference(
  model: ServedModel,
  call: InferenceCall,
  receivedAt: Instant,
  isCancelled: () => boolean,
  onOutcome: OnOutcome,
  sharedMemory: SharedMemoryRegions | undefined,
): void {
  const doesBatch = (model.config.max_batch_size ?? 0) > 0;
  const batchSize = doesBatch ? (call.inputs[0]?.shape[0] ?? 1) : 1;
  const { id, outputNames, parameters } = call;
  if (parameters !== undefined) refuseReserved(parameters);
  const priority = parameters === undefined ? 0 : readPriority(parameters);
  const timeoutUs = parameters === undefined ? 0 : readTimeoutUs(parameters);
  const placement = isPlaced(call) ? new TensorPlacement(model, call, sharedMemory) : undefined;
  const inputs = placement === undefined ? call.inputs : placement.inputs;
  model.infer(
    { id, inputs, requestedOutputs: outputNames, batchSize, priority, timeoutUs, receivedAt, isCancelled },
    placement === undefined ? onOutcome : (outcome) => placement.finish(outcome, onOutcome),
  );
}

/** Triton keeps parameters of this prefix to itself. */
const RESERVED = 'triton_';
const allowedReserved = ['triton_enable_empty_final_response'];

function refuseReserved(parameters: RequestParameters): void {
  for (const key of Object.keys(parameters)) {
    if (!key.startsWith(RESERVED) || allowedReserved.includes(key)) continue;
    throw new ProtocolError(
      `parameter keys starting with '${RESERVED}' are reserved for Triton usage. Only the following keys starting ` +
        `with '${RESERVED}' are allowed: ${allowedReserved.join(', ')}`,
    );
  }
}
