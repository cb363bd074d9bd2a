/** ServerAdmin over HTTP. Answers come from foreign servers, so their shape is checked before it is believed. */
import type { Pool } from 'undici';
import { z } from 'zod';
import { PerfTsError } from '../common/errors.js';
import {
  decodeAdminResponse,
  encodeAdminResponse,
  type ModelConfigDocument,
  type ModelIndexEntry,
} from '../kserve/admin-codec.js';
import type { ModelMetadata, ModelStatistics, ServerMetadata } from '../kserve/metadata.js';
import { fillStatistics } from '../kserve/statistics-form.js';
import type { ModelConfig } from '../model-config/model-config.js';
import { httpStatusName, refusedAnswer } from './failure-cause.js';
import {
  askHttp,
  checkHttpHeaders,
  createHttpPool,
  type HttpAnswer,
  type HttpAsk,
  modelPath,
  readErrorBody,
  unreachableByHttp,
} from './http-transport.js';
import {
  checkedConfig,
  LOAD_TIMEOUT_MS,
  type LoadModelOptions,
  lacksControl,
  loadParametersOf,
  refusedControl,
  toHttpParameters,
} from './model-control.js';
import { newestStatistics } from './newest-statistics.js';
import type { CreateAdmin, ServerAccess, ServerAdmin, SharedMemoryRegistration } from './server-admin.js';
import { lacksSharedMemory, refusedSharedMemory } from './shared-memory-refusal.js';

const CALL_TIMEOUT_MS = 10_000;

const serverMetadataSchema = z.object({
  name: z.string(),
  version: z.string().default(''),
  extensions: z.array(z.string()).default([]),
});

const tensorSchema = z.object({ name: z.string(), datatype: z.string(), shape: z.array(z.coerce.number().int()) });

const modelMetadataSchema = z.object({
  name: z.string(),
  versions: z.array(z.string()).default([]),
  platform: z.string().default(''),
  inputs: z.array(tensorSchema).default([]),
  outputs: z.array(tensorSchema).default([]),
});

const indexSchema = z.array(
  z.object({
    name: z.string(),
    version: z.string().default(''),
    state: z.string().default(''),
    reason: z.string().default(''),
  }),
);

const regionsSchema = z.array(z.object({ name: z.string() }));

const regionPath = (name: string): string => `/v2/systemsharedmemory/region/${encodeURIComponent(name)}`;

const statisticsSchema = z.object({ model_stats: z.array(z.unknown()) });

/** Connects at the first call. */
export const createHttpAdmin: CreateAdmin = (endpoint, access) => new HttpAdmin(endpoint, access);

class HttpAdmin implements ServerAdmin {
  readonly protocol = 'http';
  readonly endpoint: string;
  readonly #pool: Pool;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(endpoint: string, { tls, headers = {} }: ServerAccess = {}) {
    checkHttpHeaders(headers);
    this.endpoint = endpoint;
    this.#headers = headers;
    this.#pool = createHttpPool(endpoint, tls);
  }

  isServerReady(): Promise<boolean> {
    return this.#isOk('/v2/health/ready');
  }

  isModelReady(model: string, version = ''): Promise<boolean> {
    return this.#isOk(`${modelPath(model, version)}/ready`);
  }

  async serverMetadata(): Promise<ServerMetadata> {
    return this.#read(await this.#get('/v2'), 'server metadata', serverMetadataSchema);
  }

  async modelMetadata(model: string, version = ''): Promise<ModelMetadata> {
    return this.#read(await this.#get(modelPath(model, version)), `metadata of model ${model}`, modelMetadataSchema);
  }

  async modelConfig(model: string, version = ''): Promise<ModelConfig | undefined> {
    const answer = await this.#getExtension(model, version, '/config');
    if (answer === undefined) return undefined;
    const document = this.#read(answer, `configuration of model ${model}`, z.looseObject({}));
    return checkedConfig(this.endpoint, model, () => canonicalConfig(document));
  }

  async modelStatistics(model: string, version = ''): Promise<ModelStatistics | undefined> {
    const answer = await this.#getExtension(model, version, '/stats');
    if (answer === undefined) return undefined;
    const { model_stats } = this.#read(answer, `statistics of model ${model}`, statisticsSchema);
    return newestStatistics(fillStatistics(model_stats));
  }

  async loadModel(model: string, options: LoadModelOptions = {}): Promise<void> {
    const parameters = toHttpParameters(loadParametersOf(options));
    await this.#control(model, 'load', { parameters });
  }

  async unloadModel(model: string): Promise<void> {
    await this.#control(model, 'unload', {});
  }

  async repositoryIndex(): Promise<readonly ModelIndexEntry[]> {
    const answer = await this.#post('/v2/repository/index', {}, CALL_TIMEOUT_MS);
    return this.#read(answer, 'index of models', indexSchema);
  }

  async registerSharedMemory({ name, key, byteSize }: SharedMemoryRegistration): Promise<void> {
    const document = { key, offset: 0, byte_size: byteSize };
    const { status, body } = await this.#post(`${regionPath(name)}/register`, document, CALL_TIMEOUT_MS);
    if (status === 200) return;
    if (status === 404 || status === 405 || status === 501) throw lacksSharedMemory(this.endpoint);
    throw refusedSharedMemory(this.endpoint, readErrorBody(body));
  }

  async unregisterSharedMemory(name: string): Promise<void> {
    if (name === '') throw new Error('the empty name would unregister the regions of everyone');
    await this.#post(`${regionPath(name)}/unregister`, {}, CALL_TIMEOUT_MS);
  }

  async sharedMemoryNames(): Promise<readonly string[]> {
    const answer = await this.#get('/v2/systemsharedmemory/status');
    const parsed = regionsSchema.safeParse(parseJson(answer.body));
    return answer.status === 200 && parsed.success ? parsed.data.map(({ name }) => name) : [];
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  async #control(model: string, action: 'load' | 'unload', document: object): Promise<void> {
    const path = `/v2/repository/models/${encodeURIComponent(model)}/${action}`;
    const { status, body } = await this.#post(path, document, LOAD_TIMEOUT_MS);
    if (status === 200) return;
    if (status === 404 || status === 405 || status === 501) throw lacksControl(this.endpoint);
    throw refusedControl(this.endpoint, `${action} model ${model}`, readErrorBody(body));
  }

  async #isOk(path: string): Promise<boolean> {
    const answer = await this.#exchange({ method: 'GET', path }, CALL_TIMEOUT_MS);
    return answer.state === 'answered' && answer.status === 200;
  }

  #get(path: string): Promise<Answered> {
    return this.#ask({ method: 'GET', path }, CALL_TIMEOUT_MS);
  }

  #post(path: string, document: object, timeoutMs: number): Promise<Answered> {
    const headers = { 'content-type': 'application/json' };
    return this.#ask({ method: 'POST', path, headers, body: Buffer.from(JSON.stringify(document)) }, timeoutMs);
  }

  async #ask(ask: HttpAsk, timeoutMs: number): Promise<Answered> {
    const answer = await this.#exchange(ask, timeoutMs);
    if (answer.state === 'answered') return answer;
    throw unreachableByHttp(this.endpoint, answer.state === 'timeout' ? 'it takes too long' : answer.details);
  }

  #exchange(ask: HttpAsk, timeoutMs: number): Promise<HttpAnswer> {
    return askHttp(this.#pool, { ...ask, headers: { ...this.#headers, ...ask.headers } }, timeoutMs);
  }

  /** Undefined where the server does not know the path although it knows the model. */
  async #getExtension(model: string, version: string, suffix: string): Promise<Answered | undefined> {
    const answer = await this.#get(modelPath(model, version) + suffix);
    if (answer.status === 501 || answer.status === 405) return undefined;
    if (answer.status !== 404) return answer;
    await this.modelMetadata(model, version);
    return undefined;
  }

  #read<T>(answer: Answered, what: string, schema: z.ZodType<T>): T {
    if (answer.status !== 200) {
      throw refusedAnswer(this.endpoint, what, httpStatusName(answer.status), readErrorBody(answer.body));
    }
    const parsed = schema.safeParse(parseJson(answer.body));
    if (parsed.success) return parsed.data;
    const hint = 'perf-ts needs a KServe v2 server, such as Triton';
    throw new PerfTsError(
      'TARGET_REFUSED',
      { what: `the ${what} are not those of KServe v2`, where: this.endpoint, hint },
      parsed.error,
    );
  }
}

type Answered = HttpAnswer & { state: 'answered' };

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return undefined;
  }
}

/** The form that gRPC gives: 64-bit numbers as numbers whatever the server wrote. */
function canonicalConfig(config: ModelConfigDocument): ModelConfig {
  return decodeAdminResponse('ModelConfig', encodeAdminResponse('ModelConfig', { config })).config as ModelConfig;
}
