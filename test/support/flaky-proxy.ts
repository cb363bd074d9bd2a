/** A gRPC proxy before a server that fails some of the inference requests, by a rule that sees the model's config as it is then. */
import type { AddressInfo } from 'node:net';
import { Client, credentials, Metadata, Server, ServerCredentials, type ServiceError } from '@grpc/grpc-js';
import { type AdminMethod, grpcMethodPath } from '../../src/kserve/admin-codec.js';
import { statusCodes } from '../../src/kserve/status.js';

const methods = [
  'ModelInfer',
  'ServerLive',
  'ServerReady',
  'ModelReady',
  'ServerMetadata',
  'ModelMetadata',
  'ModelConfig',
  'ModelStatistics',
  'RepositoryIndex',
  'RepositoryModelLoad',
  'RepositoryModelUnload',
] as const;

export interface FlakyProxy {
  readonly endpoint: string;
  close(): Promise<void>;
}

/** `fails` is asked for every inference request with its number, from 1. */
export async function startFlakyProxy(upstream: string, fails: (request: number) => boolean): Promise<FlakyProxy> {
  const client = new Client(upstream, credentials.createInsecure());
  const identity = (bytes: Buffer): Buffer => bytes;
  const server = new Server();
  let count = 0;
  const pathOf = (method: (typeof methods)[number]): string => grpcMethodPath(method as AdminMethod);
  server.addService(
    Object.fromEntries(
      methods.map((method) => [
        method,
        {
          path: pathOf(method),
          requestStream: false,
          responseStream: false,
          requestSerialize: identity,
          requestDeserialize: identity,
          responseSerialize: identity,
          responseDeserialize: identity,
        },
      ]),
    ),
    Object.fromEntries(
      methods.map((method) => [
        method,
        (call: { request: Buffer }, reply: (fault: Partial<ServiceError> | null, bytes?: Buffer) => void) => {
          if (method === 'ModelInfer' && fails(++count))
            return reply({ code: statusCodes.INTERNAL, details: 'another instance is alive' });
          client.makeUnaryRequest(pathOf(method), identity, identity, call.request, new Metadata(), reply);
        },
      ]),
    ),
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (fault, bound) =>
      fault === null ? resolve(bound) : reject(fault),
    ),
  );
  return {
    endpoint: `127.0.0.1:${port satisfies AddressInfo['port']}`,
    async close() {
      server.forceShutdown();
      client.close();
    },
  };
}
