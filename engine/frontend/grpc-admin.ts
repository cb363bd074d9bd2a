/** The administrative gRPC calls: decode, ask `admin-answers`, encode. */
import type { handleUnaryCall } from '@grpc/grpc-js';
import {
  type AdminCalls,
  type AdminMethod,
  decodeAdminRequest,
  encodeAdminResponse,
} from '../../src/kserve/admin-codec.js';
import { isModelReady, modelConfig, modelMetadata, modelStatistics, serverMetadata } from './admin-answers.js';
import { failureOf, grpcFailure } from './call-failure.js';
import type { ModelSource } from './model-source.js';

type Answers = {
  readonly [M in AdminMethod]: (request: AdminCalls[M]['request'], source: ModelSource) => AdminCalls[M]['response'];
};

const answers: Answers = {
  ServerLive: () => ({ live: true }),
  ServerReady: (_, source) => ({ ready: source.isReady() }),
  ModelReady: ({ name, version }, source) => ({ ready: isModelReady(source, name, version) }),
  ServerMetadata: () => serverMetadata,
  ModelMetadata: ({ name, version }, source) => modelMetadata(source, name, version),
  ModelConfig: ({ name, version }, source) => ({ config: modelConfig(source, name, version) }),
  ModelStatistics: ({ name, version }, source) => ({ model_stats: modelStatistics(source, name, version) }),
  RepositoryIndex: ({ ready }, source) => ({ models: source.index(ready) }),
};

/** The handler of one administrative call. */
export function createAdminHandler<M extends AdminMethod>(
  method: M,
  source: ModelSource,
): handleUnaryCall<Buffer, Buffer> {
  return (call, callback) => {
    try {
      const request = decodeAdminRequest(method, call.request);
      callback(null, Buffer.from(encodeAdminResponse(method, answers[method](request, source))));
    } catch (thrown) {
      callback(grpcFailure(failureOf(thrown)));
    }
  };
}
