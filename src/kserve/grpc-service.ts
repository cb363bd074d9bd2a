/** Names of the KServe v2 service over gRPC, and its message types as protobufjs reads them from the .proto files. */
import type protobuf from 'protobufjs';
import { loadProto } from './load-proto.js';

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
  root ??= loadProto('model_config.proto', 'grpc_service.proto');
  return root.lookupType(`inference.${name}`);
}
