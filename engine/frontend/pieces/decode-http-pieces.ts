/** An inference request over HTTP whose body may be in pieces: large binary inputs stay in them. */
import { decodeHttpInferRequest, type HttpInferRequest } from '../../../src/kserve/http-request-decoder.js';
import { fillInputs, hollowOf } from './hollow-message.js';
import type { MessagePieces } from './message-pieces.js';

/** Less is put together: that is cheaper than keeping track of its pieces. */
const SMALLEST_LEFT_BYTES = 16_384;
/** As memory of its own begins at least. */
const ALIGNMENT = 16;

/**
 * The request; `jsonLength` is undefined where the whole body is JSON, `modelName` is for messages. Throws ProtocolError
 * for a malformed one.
 */
export function decodeHttpPieces(
  body: MessagePieces,
  jsonLength: number | undefined,
  modelName: string,
): HttpInferRequest {
  const { byteLength, pieces } = body;
  const binaryBytes = jsonLength === undefined ? 0 : byteLength - jsonLength;
  if (pieces.length <= 1 || binaryBytes < SMALLEST_LEFT_BYTES) {
    // Where tensors follow the JSON, they lie aligned and are used where they are.
    return decodeHttpInferRequest(body.join(-(jsonLength ?? 0) & (ALIGNMENT - 1)), jsonLength, modelName);
  }
  const hollow = hollowOf(byteLength);
  body.copyTo(hollow, 0, byteLength - binaryBytes);
  const request = decodeHttpInferRequest(hollow, jsonLength, modelName);
  return { ...request, inputs: fillInputs(request.inputs, hollow, body) };
}
