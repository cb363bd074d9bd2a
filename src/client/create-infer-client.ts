/** The InferClient of each protocol. */
import type { Protocol } from '../kserve/protocol.js';
import { createGrpcClient } from './grpc-client.js';
import { createHttpClient } from './http-client.js';
import type { CreateInferClient } from './infer-client.js';

export const inferClients: Readonly<Record<Protocol, CreateInferClient>> = {
  grpc: createGrpcClient,
  http: createHttpClient,
};
