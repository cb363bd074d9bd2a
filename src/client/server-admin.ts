/** Health, metadata, statistics and loaded models of a KServe v2 server. Implementations: grpc-admin.ts and http-admin.ts. */
import type { ModelIndexEntry } from '../kserve/admin-codec.js';
import type { ModelMetadata, ModelStatistics, ServerMetadata } from '../kserve/metadata.js';
import type { Protocol } from '../kserve/protocol.js';
import type { ModelConfig } from '../model-config/model-config.js';
import type { TlsOptions } from './infer-client.js';
import type { LoadModelOptions } from './model-control.js';

/** What it takes to be let in. */
export interface ServerAccess {
  /** Left out: plain text. */
  readonly tls?: TlsOptions | undefined;
  /** HTTP headers or gRPC metadata of every call, with lower-case names. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export type CreateAdmin = (endpoint: string, access?: ServerAccess) => ServerAdmin;

/** A region of system shared memory; `key` is the name of the object, with a slash before it. */
export interface SharedMemoryRegistration {
  readonly name: string;
  readonly key: string;
  readonly byteSize: number;
}

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
  /**
   * Has the server map a stretch of memory that this host's processes share. Throws PerfTsError TARGET_REFUSED where it
   * cannot, with what to do.
   */
  registerSharedMemory(region: SharedMemoryRegistration): Promise<void>;
  /** Undoes `registerSharedMemory` for one region; an unknown name is no error. Regions of others are never touched. */
  unregisterSharedMemory(name: string): Promise<void>;
  /** Of all regions, whoever registered them; empty where the server does not say. */
  sharedMemoryNames(): Promise<readonly string[]>;
  close(): Promise<void>;
}
