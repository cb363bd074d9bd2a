/** KServe v2 over gRPC on this folder's own HTTP/2. */
import { grpcMethodPath, type GrpcMethod as MethodName } from '../../../src/kserve/grpc-service.js';
import type { FrontEnd, ListenOptions } from '../front-end.js';
import type { ModelSource } from '../model-source.js';
import { adminMethods, createAdminMethod } from './admin-methods.js';
import type { GrpcMethod } from './grpc-method.js';
import { GrpcWireServer } from './grpc-wire-server.js';
import { createInferMethod, createStreamInferMethod } from './infer-methods.js';
import type { WireLimits } from './wire-limits.js';

/** The front end over `source`; `limits` differ from `defaultWireLimits` where given. It is not started yet. */
export function createGrpcWireFrontEnd(
  options: ListenOptions,
  source: ModelSource,
  limits: Partial<WireLimits> = {},
): FrontEnd {
  const rows: [MethodName, GrpcMethod][] = adminMethods.map((name) => [name, createAdminMethod(name, source)]);
  rows.push(['ModelInfer', createInferMethod(source)], ['ModelStreamInfer', createStreamInferMethod(source)]);
  const methods = new Map(rows.map(([name, method]) => [grpcMethodPath(name), method]));
  return new GrpcWireServer({ ...options, methods, limits });
}
