/** The InferClient of each kind, and the kind that a protocol gets when none is asked for. A client is loaded when it is used. */
import type { Protocol } from '../kserve/protocol.js';
import type { ClientKind, CreateInferClient } from './infer-client.js';

export const inferClients: Readonly<Record<ClientKind, CreateInferClient>> = {
  'grpc-wire': async (options) => (await import('./grpc-wire/grpc-wire-client.js')).createGrpcWireClient(options),
  'grpc-js': async (options) => (await import('./grpc-client.js')).createGrpcClient(options),
  'grpc-js-new-channel': async (options) => (await import('./new-channel-client.js')).createNewChannelClient(options),
  http: async (options) => (await import('./http-client.js')).createHttpClient(options),
};

export const defaultClientKinds: Readonly<Record<Protocol, ClientKind>> = { grpc: 'grpc-wire', http: 'http' };
