/** Health, metadata, statistics and loaded models of a KServe v2 server. Implementations: grpc-admin.ts and http-admin.ts. */
import type { ModelIndexEntry } from '../kserve/admin-codec.js';
import type { ModelMetadata, ModelStatistics, ServerMetadata } from '../kserve/metadata.js';
import type { Protocol } from '../kserve/protocol.js';
import type { ModelConfig } from '../model-config/model-config.js';
import type { LoadModelOptions } from './model-control.js';

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
  /**
   * Loads or reloads a model and resolves when it is ready. Throws PerfTsError TARGET_REFUSED with the server's reason;
   * a model that was served before is then served on.
   */
  loadModel(model: string, options?: LoadModelOptions): Promise<void>;
  /** Resolves when no new request reaches the model; accepted ones may still be running. Throws PerfTsError TARGET_REFUSED. */
  unloadModel(model: string): Promise<void>;
  /** What the server's repository holds, loaded or not. Throws PerfTsError TARGET_REFUSED where it does not say. */
  repositoryIndex(): Promise<readonly ModelIndexEntry[]>;
  close(): Promise<void>;
}
