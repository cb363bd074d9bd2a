/** ModelInfer and ModelStreamInfer over gRPC. */
import type { handleBidiStreamingCall, handleUnaryCall, ServerDuplexStream } from '@grpc/grpc-js';
import { nowNs } from '../../src/common/clock.js';
import {
  decodeInferRequest,
  encodeInferResponse,
  encodeStreamInferMessage,
  type InferRequestMessage,
} from '../../src/kserve/infer-codec.js';
import type { Failure } from '../../src/kserve/status.js';
import type { InferenceOutcome } from '../inference.js';
import { requireModel } from './admin-answers.js';
import { failureOf, grpcFailure } from './call-failure.js';
import type { ModelSource } from './model-source.js';
import { OrderedAnswers } from './ordered-answers.js';
import { startInference } from './start-inference.js';

/** Requests of one stream that may be unanswered before it is read no further. */
const STREAM_IN_FLIGHT_LIMIT = 512;

/** A buffer over the same bytes, as the gRPC library wants it. */
const bufferOf = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The handler of ModelInfer. */
export function createInferHandler(source: ModelSource): handleUnaryCall<Buffer, Buffer> {
  return (call, callback) => {
    const receivedAt = nowNs();
    try {
      const request = decodeInferRequest(call.request);
      const model = requireModel(source, request.modelName, request.modelVersion);
      const isCancelled = (): boolean => call.cancelled;
      startInference(model, request, receivedAt, isCancelled, (outcome) => {
        if (outcome.state === 'failed') {
          callback(grpcFailure(outcome.failure));
          return;
        }
        const { outputs } = outcome;
        const response = { modelName: model.name, modelVersion: model.version, id: request.id, outputs };
        callback(null, bufferOf(encodeInferResponse(response)));
      });
    } catch (thrown) {
      callback(grpcFailure(failureOf(thrown)));
    }
  };
}

/** The handler of ModelStreamInfer: one answer to each request, in the order of the requests. */
export function createStreamHandler(source: ModelSource): handleBidiStreamingCall<Buffer, Buffer> {
  return (call) => {
    const answers = new OrderedAnswers(STREAM_IN_FLIGHT_LIMIT, {
      write: (bytes) => call.write(bufferOf(bytes)),
      pause: () => void call.pause(),
      resume: () => void call.resume(),
      end: () => call.end(),
    });
    call.on('data', (bytes: Buffer) => answerOnStream(call, bytes, answers.reserve(), source));
    call.on('drain', () => answers.drained());
    call.on('end', () => answers.endAfterLast());
    // A caller that goes away ends the call by itself; without a listener the error would be thrown.
    call.on('error', () => undefined);
  };
}

function answerOnStream(
  call: ServerDuplexStream<Buffer, Buffer>,
  bytes: Buffer,
  answer: (bytes: Uint8Array) => void,
  source: ModelSource,
): void {
  const receivedAt = nowNs();
  let request: InferRequestMessage | undefined;
  const refuse = (failure: Failure): void =>
    answer(encodeStreamInferMessage({ state: 'failed', id: request?.id ?? '', message: failure.message }));
  try {
    request = decodeInferRequest(bytes);
    const { id, modelName, modelVersion } = request;
    const model = requireModel(source, modelName, modelVersion);
    const onOutcome = (outcome: InferenceOutcome): void => {
      if (outcome.state === 'failed') refuse(outcome.failure);
      else {
        const response = { modelName: model.name, modelVersion: model.version, id, outputs: outcome.outputs };
        answer(encodeStreamInferMessage({ state: 'ok', response }));
      }
    };
    startInference(model, request, receivedAt, () => call.cancelled, onOutcome);
  } catch (thrown) {
    refuse(failureOf(thrown));
  }
}
