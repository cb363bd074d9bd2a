/** Reads answers for a client whose user wants their outputs; without one, nothing is decoded. */
import { decodeInferResponse, type InferResponseMessage } from '../kserve/infer-codec.js';
import type { InferClientOptions } from './infer-client.js';

/** Hands the outputs of an answer on, if anybody wants them; false where the message is no inference response. */
export function tellOutputs(
  onOutputs: InferClientOptions['onOutputs'],
  handle: number,
  message: Uint8Array | undefined,
): boolean {
  if (onOutputs === undefined) return true;
  let response: InferResponseMessage;
  try {
    if (message === undefined) return false;
    response = decodeInferResponse(message);
  } catch {
    return false;
  }
  onOutputs(handle, response.outputs);
  return true;
}
