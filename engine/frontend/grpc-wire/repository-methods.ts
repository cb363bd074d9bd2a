/** Loading and unloading of models as methods of this front end. They answer when they are done, not within the call. */
import { decodeAdminRequest, encodeAdminResponse } from '../../../src/kserve/admin-codec.js';
import { failureOf } from '../call-failure.js';
import type { ModelSource } from '../model-source.js';
import { loadByRequest, unloadByRequest } from '../repository-answers.js';
import type { GrpcMethod } from './grpc-method.js';

const calls = { RepositoryModelLoad: loadByRequest, RepositoryModelUnload: unloadByRequest } as const;

export type RepositoryMethod = keyof typeof calls;
export const repositoryMethods = Object.keys(calls) as readonly RepositoryMethod[];

export function createRepositoryMethod(method: RepositoryMethod, source: ModelSource): GrpcMethod {
  return {
    isStreaming: false,
    // Files among the parameters are views of the request.
    keepsRequest: true,
    invoke(bytes, start, end, reply) {
      const call = async (): Promise<void> =>
        calls[method](source, decodeAdminRequest(method, bytes.subarray(start, end)));
      call().then(
        () => reply.succeed(encodeAdminResponse(method, {})),
        (thrown: unknown) => reply.fail(failureOf(thrown)),
      );
    },
  };
}
