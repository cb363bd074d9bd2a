/** ServerAdmin over gRPC. */
import type { Metadata } from '@grpc/grpc-js';
import { PerfTsError } from '../common/errors.js';
import {
  type AdminCalls,
  type AdminMethod,
  decodeAdminResponse,
  encodeAdminRequest,
  grpcMethodPath,
  type ModelIndexEntry,
  type RepositoryModelRequest,
} from '../kserve/admin-codec.js';
import { decodeExtensionResponse, type ExtensionMethod, encodeExtensionRequest } from '../kserve/extension-codec.js';
import type { ModelMetadata, ModelStatistics, ServerMetadata } from '../kserve/metadata.js';
import { statusCodes } from '../kserve/status.js';
import type { ModelConfig } from '../model-config/model-config.js';
import { findConnectionFault, grpcStatusName, refusedAnswer } from './failure-cause.js';
import {
  callUnary,
  createGrpcChannel,
  type GrpcChannel,
  metadataOf,
  type UnaryAnswer,
  unreachableByGrpc,
} from './grpc-channel.js';
import {
  checkedConfig,
  LOAD_TIMEOUT_MS,
  type LoadModelOptions,
  lacksControl,
  loadParametersOf,
  refusedControl,
} from './model-control.js';
import { newestStatistics } from './newest-statistics.js';
import type { CreateAdmin, ServerAccess, ServerAdmin, SharedMemoryRegistration } from './server-admin.js';
import { lacksSharedMemory, refusedSharedMemory } from './shared-memory-refusal.js';

const CALL_TIMEOUT_MS = 10_000;

/** Connects at the first call. */
export const createGrpcAdmin: CreateAdmin = (endpoint, access) => new GrpcAdmin(endpoint, access);

class GrpcAdmin implements ServerAdmin {
  readonly protocol = 'grpc';
  readonly endpoint: string;
  readonly #channel: GrpcChannel;
  readonly #metadata: Metadata;

  constructor(endpoint: string, { tls, headers }: ServerAccess = {}) {
    this.endpoint = endpoint;
    this.#metadata = metadataOf(headers);
    this.#channel = createGrpcChannel(endpoint, { tls });
  }

  async isServerReady(): Promise<boolean> {
    const answer = await this.#call('ServerReady', {}, 'readiness').catch(() => undefined);
    return answer?.ready ?? false;
  }

  async isModelReady(model: string, version = ''): Promise<boolean> {
    const answer = await this.#call('ModelReady', { name: model, version }, 'readiness').catch(() => undefined);
    return answer?.ready ?? false;
  }

  async serverMetadata(): Promise<ServerMetadata> {
    return required(await this.#call('ServerMetadata', {}, 'server metadata'), this.endpoint, 'server metadata');
  }

  async modelMetadata(model: string, version = ''): Promise<ModelMetadata> {
    const answer = await this.#call('ModelMetadata', { name: model, version }, `metadata of model ${model}`);
    return required(answer, this.endpoint, 'model metadata');
  }

  async modelConfig(model: string, version = ''): Promise<ModelConfig | undefined> {
    const answer = await this.#call('ModelConfig', { name: model, version }, `configuration of model ${model}`);
    return answer && checkedConfig(this.endpoint, model, () => answer.config);
  }

  async modelStatistics(model: string, version = ''): Promise<ModelStatistics | undefined> {
    const answer = await this.#call('ModelStatistics', { name: model, version }, `statistics of model ${model}`);
    return answer === undefined ? undefined : newestStatistics(answer.model_stats);
  }

  async loadModel(model: string, options: LoadModelOptions = {}): Promise<void> {
    const request = { repository_name: '', model_name: model, parameters: loadParametersOf(options) };
    await this.#control('RepositoryModelLoad', request, `load model ${model}`);
  }

  async unloadModel(model: string): Promise<void> {
    const request = { repository_name: '', model_name: model, parameters: {} };
    await this.#control('RepositoryModelUnload', request, `unload model ${model}`);
  }

  async repositoryIndex(): Promise<readonly ModelIndexEntry[]> {
    const answer = await this.#call('RepositoryIndex', { repository_name: '', ready: false }, 'index of models');
    return required(answer, this.endpoint, 'an index of its models').models;
  }

  async close(): Promise<void> {
    this.#channel.close();
  }

  async #control(
    method: 'RepositoryModelLoad' | 'RepositoryModelUnload',
    request: RepositoryModelRequest,
    what: string,
  ): Promise<void> {
    const message = encodeAdminRequest(method, request);
    const { code, details } = await this.#send(method, message, LOAD_TIMEOUT_MS);
    if (code === statusCodes.OK) return;
    if (code === statusCodes.UNIMPLEMENTED) throw lacksControl(this.endpoint);
    throw this.#goneOr(code, details, () => refusedControl(this.endpoint, what, details));
  }

  /** Undefined where the server does not implement the call. */
  async #call<M extends AdminMethod>(
    method: M,
    request: AdminCalls[M]['request'],
    what: string,
  ): Promise<AdminCalls[M]['response'] | undefined> {
    const message = encodeAdminRequest(method, request);
    const { code, details, message: answer } = await this.#send(method, message, CALL_TIMEOUT_MS);
    if (code === statusCodes.OK && answer !== undefined) return this.#decode(method, answer);
    if (code === statusCodes.UNIMPLEMENTED) return undefined;
    throw this.#goneOr(code, details, () => refusedAnswer(this.endpoint, what, grpcStatusName(code), details));
  }

  #send(method: AdminMethod | ExtensionMethod, message: Uint8Array, timeoutMs: number): Promise<UnaryAnswer> {
    return callUnary(this.#channel, grpcMethodPath(method), message, timeoutMs, this.#metadata);
  }

  async registerSharedMemory({ name, key, byteSize }: SharedMemoryRegistration): Promise<void> {
    const request = encodeExtensionRequest('SystemSharedMemoryRegister', { name, key, offset: 0, byte_size: byteSize });
    const { code, details } = await this.#send('SystemSharedMemoryRegister', request, CALL_TIMEOUT_MS);
    if (code === statusCodes.OK) return;
    if (code === statusCodes.UNIMPLEMENTED) throw lacksSharedMemory(this.endpoint);
    throw this.#goneOr(code, details, () => refusedSharedMemory(this.endpoint, details));
  }

  async unregisterSharedMemory(name: string): Promise<void> {
    if (name === '') throw new Error('the empty name would unregister the regions of everyone');
    const request = encodeExtensionRequest('SystemSharedMemoryUnregister', { name });
    await this.#send('SystemSharedMemoryUnregister', request, CALL_TIMEOUT_MS);
  }

  async sharedMemoryNames(): Promise<readonly string[]> {
    const request = encodeExtensionRequest('SystemSharedMemoryStatus', { name: '' });
    const { code, message } = await this.#send('SystemSharedMemoryStatus', request, CALL_TIMEOUT_MS);
    if (code !== statusCodes.OK || message === undefined) return [];
    return Object.keys(decodeExtensionResponse('SystemSharedMemoryStatus', message).regions);
  }

  #goneOr(code: number, details: string, refusal: () => PerfTsError): PerfTsError {
    const isGone =
      findConnectionFault(grpcStatusName(code), details) !== undefined || code === statusCodes.DEADLINE_EXCEEDED;
    return isGone ? unreachableByGrpc(this.endpoint, new Error(details)) : refusal();
  }

  #decode<M extends AdminMethod>(method: M, answer: Uint8Array): AdminCalls[M]['response'] {
    try {
      return decodeAdminResponse(method, answer);
    } catch (cause) {
      const what = `the answer to ${method} is not one of KServe v2`;
      throw new PerfTsError('TARGET_REFUSED', { what, where: this.endpoint }, cause);
    }
  }
}

function required<T>(answer: T | undefined, endpoint: string, what: string): T {
  if (answer !== undefined) return answer;
  const hint = 'perf-ts needs a KServe v2 server, such as Triton';
  throw new PerfTsError('TARGET_REFUSED', {
    what: `the server speaks gRPC but does not offer ${what}`,
    where: endpoint,
    hint,
  });
}
