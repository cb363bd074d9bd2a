/** One inference over HTTP: body to tensors, tensors to body. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Instant } from '../../src/common/units.js';
import { encodeHttpInferResponse, INFERENCE_HEADER_LENGTH } from '../../src/kserve/http-codec.js';
import { ProtocolError } from '../../src/kserve/protocol-error.js';
import { httpStatusOf } from '../../src/kserve/status.js';
import type { InferenceOutcome } from '../inference.js';
import type { SharedMemoryRegions } from '../shared-memory/shared-memory-regions.js';
import { requireModel } from './admin-answers.js';
import type { AnswerPacker } from './answer-packer.js';
import { failureOf } from './call-failure.js';
import { chooseContentEncoding } from './http-encoding.js';
import { sendError, sendInference } from './http-reply.js';
import type { ModelSource } from './model-source.js';
import { decodeHttpPieces } from './pieces/decode-http-pieces.js';
import type { MessagePieces } from './pieces/message-pieces.js';
import { readRawRequest } from './raw-request.js';
import { startInference } from './start-inference.js';

/**
 * Length of the JSON before binary data: 0 for a body without any, which is a raw request. Undefined where the whole body
 * is JSON. The header is read as C's `atoi` reads it. Throws ProtocolError.
 */
function jsonLengthOf(request: IncomingMessage, bodyBytes: number): number | undefined {
  const text = request.headers[INFERENCE_HEADER_LENGTH];
  if (text === undefined) return bodyBytes === 0 ? 0 : undefined;
  const length = Number.parseInt(String(text), 10) || 0;
  if (length >= 0 && length <= bodyBytes) return length;
  throw new ProtocolError(`inference header size should be in range (0, ${bodyBytes}), got: ${String(text)}`);
}

/** What all inference requests over HTTP are answered with. */
export interface HttpInferenceParts {
  readonly source: ModelSource;
  readonly sharedMemory: SharedMemoryRegions | undefined;
  readonly packer: AnswerPacker;
}

/** Answers the request once the model has; throws ProtocolError when it does not get that far. */
export function answerInference(
  { source, sharedMemory, packer }: HttpInferenceParts,
  target: { readonly name: string; readonly version: string },
  body: MessagePieces,
  receivedAt: Instant,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const model = requireModel(source, target.name, target.version);
  const jsonLength = jsonLengthOf(request, body.byteLength);
  const call =
    jsonLength === 0 ? readRawRequest(body, model.name, model.config) : decodeHttpPieces(body, jsonLength, model.name);
  const { socket } = request;
  const onOutcome = (outcome: InferenceOutcome): void => {
    // A server that ends has perhaps said so instead.
    if (socket.destroyed || response.headersSent) return;
    if (outcome.state === 'failed') {
      sendError(response, httpStatusOf(outcome.failure.status), outcome.failure.message);
      return;
    }
    const message = { modelName: model.name, modelVersion: model.version, id: call.id, outputs: outcome.outputs };
    try {
      const { body: plain, jsonLength } = encodeHttpInferResponse(message, call.binaryOutputs);
      const encoding = chooseContentEncoding(request.headers['accept-encoding']);
      if (encoding === 'identity') sendInference(response, { body: plain, jsonLength, encoding });
      else {
        packer.pack(encoding, plain, (packed, isPacked) => {
          if (!socket.destroyed && !response.headersSent) {
            sendInference(response, { body: packed, jsonLength, encoding: isPacked ? encoding : 'identity' });
          }
        });
      }
    } catch (thrown) {
      const failure = failureOf(thrown);
      sendError(response, httpStatusOf(failure.status), failure.message);
    }
  };
  startInference(model, call, receivedAt, () => socket.destroyed, onOutcome, sharedMemory);
}
