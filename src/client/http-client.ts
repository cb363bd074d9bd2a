/** InferClient on undici: HTTP/1.1 with the binary tensor data extension, below undici's promise-based interface. */
import type { Dispatcher, Pool } from 'undici';
import { nowNs } from '../common/clock.js';
import { decodeHttpInferResponse, encodeHttpInferRequest, INFERENCE_HEADER_LENGTH } from '../kserve/http-codec.js';
import type { Tensor } from '../kserve/tensor.js';
import { describeCause, httpStatusName, readAnswer, refusedInference } from './failure-cause.js';
import {
  askHttp,
  createHttpPool,
  describeHttpFault,
  type HttpAsk,
  modelPath,
  readErrorBody,
  unreachableByHttp,
} from './http-transport.js';
import { type Exchange, InFlight } from './in-flight.js';
import type { CreateInferClient, InferClient, InferClientOptions, RequestTemplate } from './infer-client.js';
import { outcomeCodes } from './outcome.js';

const REACH_TIMEOUT_MS = 5000;
/** An error body beyond this is not read. */
const MAX_ERROR_BYTES = 16_384;

/** Checks that the endpoint speaks HTTP; throws PerfTsError TARGET_UNREACHABLE when not. */
export const createHttpClient: CreateInferClient = async (options) => {
  const pool = createHttpPool(options.endpoint);
  const answer = await askHttp(pool, { method: 'GET', path: '/v2/health/live' }, REACH_TIMEOUT_MS);
  if (answer.state !== 'answered') {
    await pool.destroy();
    throw unreachableByHttp(options.endpoint, answer.state === 'timeout' ? 'it takes too long' : answer.details);
  }
  return new HttpClient(pool, options);
};

class HttpClient implements InferClient {
  readonly #pool: Pool;
  readonly #endpoint: string;
  readonly #inFlight: InFlight;
  readonly #requests: Dispatcher.DispatchOptions[] = [];

  constructor(pool: Pool, options: InferClientOptions) {
    this.#pool = pool;
    this.#endpoint = options.endpoint;
    this.#inFlight = new InFlight(options.requestTimeoutMs, options.onCompletion);
  }

  prepare(template: RequestTemplate): number {
    const { method, path, headers, body } = encode(template);
    const flat = Object.entries(headers).flat();
    return this.#requests.push({ method, path, headers: flat, body }) - 1;
  }

  send(handle: number, tag: number): void {
    this.#inFlight.begin(new HttpExchange(tag, this.#requests[handle]!, this.#pool, this.#inFlight));
  }

  async inferOnce(template: RequestTemplate, timeoutMs: number): Promise<readonly Tensor[]> {
    const answer = await askHttp(this.#pool, encode(template), timeoutMs);
    const refuse = (status: string, details: string) =>
      refusedInference(this.#endpoint, template.modelName, status, details);
    if (answer.state === 'timeout') throw refuse('DEADLINE_EXCEEDED', `no answer after ${timeoutMs} ms`);
    if (answer.state === 'failed') throw refuse('UNAVAILABLE', answer.details);
    if (answer.status !== 200) throw refuse(httpStatusName(answer.status), readErrorBody(answer.body));
    const { body, headers } = answer;
    const jsonLength = headers[INFERENCE_HEADER_LENGTH];
    return readAnswer(this.#endpoint, () =>
      decodeHttpInferResponse(body, jsonLength === undefined ? undefined : Number(jsonLength)),
    );
  }

  async close(): Promise<void> {
    this.#inFlight.close();
    await this.#pool.destroy();
  }
}

/** One request on its way, and undici's handler of its answer. Bodies of good answers are dropped as they come. */
class HttpExchange implements Exchange, Dispatcher.DispatchHandler {
  readonly tag: number;
  readonly startedNs = nowNs();
  readonly #request: Dispatcher.DispatchOptions;
  readonly #pool: Pool;
  readonly #inFlight: InFlight;
  #controller: Dispatcher.DispatchController | undefined;
  #isAborted = false;
  #status = 0;
  #errorBody: Buffer[] | undefined;
  #errorBytes = 0;

  constructor(tag: number, request: Dispatcher.DispatchOptions, pool: Pool, inFlight: InFlight) {
    this.tag = tag;
    this.#request = request;
    this.#pool = pool;
    this.#inFlight = inFlight;
  }

  transmit(): void {
    this.#pool.dispatch(this.#request, this);
  }

  abort(): void {
    this.#isAborted = true;
    this.#controller?.abort(new Error('ended by the client'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isAborted) this.abort();
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.#status = status;
    if (status !== 200) this.#errorBody = [];
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#errorBody === undefined || this.#errorBytes > MAX_ERROR_BYTES) return;
    this.#errorBytes += chunk.length;
    this.#errorBody.push(chunk);
  }

  onResponseEnd(): void {
    const receivedNs = nowNs();
    if (this.#errorBody === undefined) {
      this.#inFlight.end(this, receivedNs, outcomeCodes.ok, undefined);
    } else {
      const message = readErrorBody(Buffer.concat(this.#errorBody));
      const cause = describeCause(httpStatusName(this.#status), message);
      this.#inFlight.end(this, receivedNs, outcomeCodes.error, cause);
    }
  }

  onResponseError(_controller: Dispatcher.DispatchController, fault: Error): void {
    const receivedNs = nowNs();
    this.#inFlight.end(this, receivedNs, outcomeCodes.error, describeCause('UNAVAILABLE', describeHttpFault(fault)));
  }
}

function encode({ modelName, modelVersion, inputs, outputNames }: RequestTemplate) {
  const { body, jsonLength } = encodeHttpInferRequest({ modelName, modelVersion, id: '', inputs, outputNames });
  return {
    method: 'POST',
    path: `${modelPath(modelName, modelVersion)}/infer`,
    headers: { 'content-type': 'application/octet-stream', [INFERENCE_HEADER_LENGTH]: String(jsonLength) },
    body,
  } satisfies HttpAsk;
}
