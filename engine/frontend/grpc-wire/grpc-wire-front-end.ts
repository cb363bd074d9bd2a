/** KServe v2 over gRPC on this folder's own HTTP/2. */
import { appendAll } from '../../../src/common/append-all.js';
import { grpcMethodPath, type GrpcMethod as MethodName } from '../../../src/kserve/grpc-service.js';
import { createServices, type EngineServices } from '../engine-services.js';
import type { FrontEnd, ListenOptions } from '../front-end.js';
import type { ModelSource } from '../model-source.js';
import type { TlsIdentity } from '../tls-identity.js';
import { adminMethods, createAdminMethod } from './admin-methods.js';
import { createExtensionMethod, extensionMethods } from './extension-methods.js';
import type { GrpcMethod } from './grpc-method.js';
import { GrpcWireServer } from './grpc-wire-server.js';
import { createHealthMethod, HEALTH_CHECK_PATH } from './health-method.js';
import { createInferMethod, createStreamInferMethod } from './infer-methods.js';
import { type CompressionLevel, encodingsOfLevel } from './message-encoding.js';
import { createRepositoryMethod, repositoryMethods } from './repository-methods.js';
import type { WireLimits } from './wire-limits.js';

export interface GrpcFrontEndOptions extends ListenOptions {
  /** Undefined for cleartext. */
  readonly tls?: TlsIdentity | undefined;
  /** How hard inference answers are compressed where the client takes it; not at all unless given. */
  readonly compressionLevel?: CompressionLevel;
}

/** The front end over `source`; `limits` differ from `defaultWireLimits` where given. It is not started yet. */
export function createGrpcWireFrontEnd(
  options: GrpcFrontEndOptions,
  source: ModelSource,
  limits: Partial<WireLimits> = {},
  services: EngineServices = createServices(),
): FrontEnd {
  const rows: [MethodName, GrpcMethod][] = adminMethods.map((name) => [
    name,
    createAdminMethod(name, source, services),
  ]);
  const encodings = encodingsOfLevel[options.compressionLevel ?? 'none'];
  rows.push(
    ['ModelInfer', createInferMethod(source, services, encodings)],
    ['ModelStreamInfer', createStreamInferMethod(source, services, encodings)],
  );
  appendAll(
    rows,
    repositoryMethods.map((name): [MethodName, GrpcMethod] => [name, createRepositoryMethod(name, source)]),
  );
  rows.push(
    ...extensionMethods.map((name): [MethodName, GrpcMethod] => [name, createExtensionMethod(name, source, services)]),
  );
  const methods = new Map(rows.map(([name, method]) => [grpcMethodPath(name), method]));
  methods.set(HEALTH_CHECK_PATH, createHealthMethod(source));
  return new GrpcWireServer({ ...options, methods, limits });
}
