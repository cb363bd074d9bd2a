/** Health, metadata and statistics of a KServe v2 server. Implementations: grpc-admin.ts and http-admin.ts. */
import type { ModelMetadata, ModelStatistics, ServerMetadata } from '../kserve/metadata.js';
import type { Protocol } from '../kserve/protocol.js';
import type { ModelConfig } from '../model-config/model-config.js';

export interface ServerAdmin {
  readonly protocol: Protocol;
  /** `host:port`. */
  readonly endpoint: string;
  /** False when nothing answers or the server says no; never throws. */
  isServerReady(): Promise<boolean>;
  isModelReady(model: string, version?: string): Promise<boolean>;
  serverMetadata(): Promise<ServerMetadata>;
  /** Throws PerfTsError TARGET_REFUSED when the server does not know the model, TARGET_UNREACHABLE when it does not answer. */
  modelMetadata(model: string, version?: string): Promise<ModelMetadata>;
  /** Undefined where the server lacks Triton's model configuration extension. */
  modelConfig(model: string, version?: string): Promise<ModelConfig | undefined>;
  /** Undefined where the server lacks Triton's statistics extension. */
  modelStatistics(model: string, version?: string): Promise<ModelStatistics | undefined>;
  close(): Promise<void>;
}
