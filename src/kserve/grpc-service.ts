/** Names of the KServe v2 service over gRPC, and its message types as protobufjs reads them from the .proto files. */
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { packageRoot } from '../common/package-root.js';

const SERVICE = 'inference.GRPCInferenceService';

/** The calls that perf-ts speaks. */
export const grpcMethods = [
  'ServerLive',
  'ServerReady',
  'ModelReady',
  'ServerMetadata',
  'ModelMetadata',
  'ModelInfer',
  'ModelStreamInfer',
  'ModelConfig',
  'ModelStatistics',
  'RepositoryIndex',
  'SystemSharedMemoryStatus',
  'SystemSharedMemoryRegister',
  'SystemSharedMemoryUnregister',
  'CudaSharedMemoryStatus',
  'CudaSharedMemoryRegister',
  'CudaSharedMemoryUnregister',
  'TraceSetting',
  'LogSettings',
  'RepositoryModelLoad',
  'RepositoryModelUnload',
] as const;

export type GrpcMethod = (typeof grpcMethods)[number];

/** `ServerLive` -> `/inference.GRPCInferenceService/ServerLive`. */
export const grpcMethodPath = (method: GrpcMethod): string => `/${SERVICE}/${method}`;

let root: protobuf.Root | undefined;

/** A message type by its name without package; the .proto files are read on first use. */
export function messageType(name: string): protobuf.Type {
  root ??= new protobuf.Root().loadSync(join(packageRoot, 'proto', 'grpc_service.proto'), { keepCase: true });
  return root.lookupType(`inference.${name}`);
}
