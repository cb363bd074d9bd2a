/** ModelInfer and ModelStreamInfer as methods of this front end: decode, hand to the model, encode its outcome. */
import { Buffer } from 'node:buffer';
import { nowNs } from '../../../src/common/clock.js';
import { encodeStreamInferMessage, type InferRequestMessage } from '../../../src/kserve/infer-codec.js';
import type { Failure } from '../../../src/kserve/status.js';
import type { InferOutput } from '../../../src/kserve/tensor.js';
import type { ServedModel } from '../../served-model.js';
import type { SharedMemoryRegions } from '../../shared-memory/shared-memory-regions.js';
import { requireModel } from '../admin-answers.js';
import { failureOf } from '../call-failure.js';
import type { EngineServices } from '../engine-services.js';
import type { ModelSource } from '../model-source.js';
import { decodeGrpcPieces } from '../pieces/decode-grpc-pieces.js';
import type { MessagePieces } from '../pieces/message-pieces.js';
import { startInference } from '../start-inference.js';
import type { GrpcMethod, Reply } from './grpc-method.js';
import { KnownAnswers } from './known-answers.js';
import { KnownRequests } from './known-requests.js';
import type { MessageEncoding } from './message-encoding.js';

/** What requests are answered from. */
interface Serving {
  readonly source: ModelSource;
  readonly sharedMemory: SharedMemoryRegions | undefined;
  readonly known: KnownRequests;
}

/** What differs between the two calls. */
interface Answering {
  succeed(reply: Reply, model: ServedModel, id: string, outputs: readonly InferOutput[]): void;
  fail(reply: Reply, failure: Failure, id: string): void;
}

function createUnaryAnswering(): Answering {
  const known = new KnownAnswers();
  return {
    succeed: (reply, { name, version }, id, outputs) => reply.succeed(known.encode(name, version, id, outputs)),
    fail: (reply, failure) => reply.fail(failure),
  };
}

/** On a stream a failed request is an answer like any other, and the stream lives on. */
const streamAnswering: Answering = {
  succeed(reply, { name, version }, id, outputs) {
    const response = { modelName: name, modelVersion: version, id, outputs };
    reply.succeed(encodeStreamInferMessage({ state: 'ok', response }));
  },
  fail: (reply, { message }, id) => reply.succeed(encodeStreamInferMessage({ state: 'failed', id, message })),
};

function infer(
  { source, sharedMemory, known }: Serving,
  bytes: Buffer | MessagePieces,
  start: number,
  end: number,
  reply: Reply,
  how: Answering,
): void {
  const receivedAt = nowNs();
  let request: InferRequestMessage | undefined;
  try {
    request = Buffer.isBuffer(bytes) ? known.decode(bytes, start, end) : decodeGrpcPieces(bytes, known);
    const { id } = request;
    const model = requireModel(source, request.modelName, request.modelVersion);
    startInference(
      model,
      request,
      receivedAt,
      () => reply.isCancelled(),
      (outcome) => {
        if (outcome.state === 'failed') how.fail(reply, outcome.failure, id);
        else how.succeed(reply, model, id, outcome.outputs);
      },
      sharedMemory,
    );
  } catch (thrown) {
    how.fail(reply, failureOf(thrown), request?.id ?? '');
  }
}

/** Models read the request until they answer, so it is kept. */
const createMethod = (
  serving: Serving,
  answerEncodings: readonly MessageEncoding[],
  isStreaming: boolean,
  how: Answering,
): GrpcMethod => ({
  isStreaming,
  answerEncodings,
  keepsRequest: true,
  leadOf: (messageBytes) => serving.known.leadOf(messageBytes),
  invoke: (bytes, start, end, reply) => infer(serving, bytes, start, end, reply, how),
  invokePieces: (message, reply) => infer(serving, message, 0, message.byteLength, reply, how),
});

export const createInferMethod = (
  source: ModelSource,
  { sharedMemory }: EngineServices,
  answerEncodings: readonly MessageEncoding[] = [],
): GrpcMethod =>
  createMethod({ source, sharedMemory, known: new KnownRequests() }, answerEncodings, false, createUnaryAnswering());

/** One answer to each request, in the order of the requests. */
export const createStreamInferMethod = (
  source: ModelSource,
  { sharedMemory }: EngineServices,
  answerEncodings: readonly MessageEncoding[] = [],
): GrpcMethod =>
  createMethod({ source, sharedMemory, known: new KnownRequests() }, answerEncodings, true, streamAnswering);
