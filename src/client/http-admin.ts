/** ServerAdmin over HTTP. Answers come from foreign servers, so their shape is checked before it is believed. */
import type { Pool } from 'undici';
import { z } from 'zod';
import { PerfTsError } from '../common/errors.js';
import { decodeAdminResponse, encodeAdminResponse, type ModelConfigDocument } from '../kserve/admin-codec.js';
import type { ModelMetadata, ModelStatistics, ServerMetadata } from '../kserve/metadata.js';
import { fillStatistics } from '../kserve/statistics-form.js';
import type { ModelConfig } from '../model-config/model-config.js';
import { httpStatusName, refusedAnswer } from './failure-cause.js';
import {
  askHttp,
  createHttpPool,
  type HttpAnswer,
  modelPath,
  readErrorBody,
  unreachableByHttp,
} from './http-transport.js';
import { newestStatistics } from './newest-statistics.js';
import type { ServerAdmin } from './server-admin.js';

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

const statisticsSchema = z.object({ model_stats: z.array(z.unknown()) });

/** Connects at the first call. */
export const createHttpAdmin = (endpoint: string): ServerAdmin => new HttpAdmin(endpoint);

class HttpAdmin implements ServerAdmin {
  readonly protocol = 'http';
  readonly endpoint: string;
  readonly #pool: Pool;

  constructor(endpoint: string) {
    this.endpoint = endpoint;
    this.#pool = createHttpPool(endpoint);
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
    return answer && canonicalConfig(this.#read(answer, `configuration of model ${model}`, z.looseObject({})));
  }

  async modelStatistics(model: string, version = ''): Promise<ModelStatistics | undefined> {
    const answer = await this.#getExtension(model, version, '/stats');
    if (answer === undefined) return undefined;
    const { model_stats } = this.#read(answer, `statistics of model ${model}`, statisticsSchema);
    return newestStatistics(fillStatistics(model_stats));
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  async #isOk(path: string): Promise<boolean> {
    const answer = await askHttp(this.#pool, { method: 'GET', path }, CALL_TIMEOUT_MS);
    return answer.state === 'answered' && answer.status === 200;
  }

  async #get(path: string): Promise<Answered> {
    const answer = await askHttp(this.#pool, { method: 'GET', path }, CALL_TIMEOUT_MS);
    if (answer.state === 'answered') return answer;
    throw unreachableByHttp(this.endpoint, answer.state === 'timeout' ? 'it takes too long' : answer.details);
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
