/** The administrative calls as methods of this front end: decode, ask `admin-answers`, encode. */
import {
  type AdminCalls,
  type AdminMethod,
  decodeAdminRequest,
  encodeAdminResponse,
} from '../../../src/kserve/admin-codec.js';
import { isModelReady, modelConfig, modelMetadata, modelStatistics, serverMetadata } from '../admin-answers.js';
import { failureOf } from '../call-failure.js';
import type { EngineServices } from '../engine-services.js';
import type { ModelSource } from '../model-source.js';
import { repositoryIndex } from '../repository-answers.js';
import type { GrpcMethod } from './grpc-method.js';
import type { RepositoryMethod } from './repository-methods.js';

/** Loading and unloading take their time and have a file of their own. */
type PromptMethod = Exclude<AdminMethod, RepositoryMethod>;

type Answers = {
  readonly [M in PromptMethod]: (
    request: AdminCalls[M]['request'],
    source: ModelSource,
    services: EngineServices,
  ) => AdminCalls[M]['response'];
};

const answers: Answers = {
  ServerLive: () => ({ live: true }),
  ServerReady: (_, source) => ({ ready: source.isReady() }),
  ModelReady: ({ name, version }, source) => ({ ready: isModelReady(source, name, version) }),
  ServerMetadata: (_request, _source, services) => serverMetadata(services),
  ModelMetadata: ({ name, version }, source) => modelMetadata(source, name, version),
  ModelConfig: ({ name, version }, source) => ({ config: modelConfig(source, name, version) }),
  ModelStatistics: ({ name, version }, source) => ({ model_stats: modelStatistics(source, name, version) }),
  RepositoryIndex: ({ repository_name, ready }, source) => ({
    models: repositoryIndex(source, repository_name, ready),
  }),
};

export const adminMethods = Object.keys(answers) as readonly PromptMethod[];

export function createAdminMethod<M extends PromptMethod>(
  method: M,
  source: ModelSource,
  services: EngineServices,
): GrpcMethod {
  return {
    isStreaming: false,
    keepsRequest: false,
    invoke(bytes, start, end, reply) {
      try {
        const request = decodeAdminRequest(method, bytes.subarray(start, end));
        reply.succeed(encodeAdminResponse(method, answers[method](request, source, services)));
      } catch (thrown) {
        reply.fail(failureOf(thrown));
      }
    },
  };
}
