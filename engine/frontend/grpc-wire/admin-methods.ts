/** The administrative calls as methods of this front end: decode, ask `admin-answers`, encode. */
import {
  type AdminCalls,
  type AdminMethod,
  decodeAdminRequest,
  encodeAdminResponse,
} from '../../../src/kserve/admin-codec.js';
import { isModelReady, modelConfig, modelMetadata, modelStatistics, serverMetadata } from '../admin-answers.js';
import { failureOf } from '../call-failure.js';
import type { ModelSource } from '../model-source.js';
import type { GrpcMethod } from './grpc-method.js';

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

export const adminMethods = Object.keys(answers) as readonly AdminMethod[];

export function createAdminMethod<M extends AdminMethod>(method: M, source: ModelSource): GrpcMethod {
  return {
    isStreaming: false,
    keepsRequest: false,
    invoke(bytes, start, end, reply) {
      try {
        const request = decodeAdminRequest(method, bytes.subarray(start, end));
        reply.succeed(encodeAdminResponse(method, answers[method](request, source)));
      } catch (thrown) {
        reply.fail(failureOf(thrown));
      }
    },
  };
}
