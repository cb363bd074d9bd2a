/** InferClient on undici: HTTP/1.1 with the binary tensor data extension, below undici's promise-based interface. */
import { deflateSync, gzipSync } from 'node:zlib';
import type { Dispatcher, Pool } from 'undici';
import { nowNs } from '../common/clock.js';
import { PerfTsError } from '../common/errors.js';
import { decodeHttpInferResponse, encodeHttpInferRequest, INFERENCE_HEADER_LENGTH } from '../kserve/http-codec.js';
import type { InferResponseMessage } from '../kserve/infer-codec.js';
import { ProtocolError } from '../kserve/protocol-error.js';
import type { InferOutput, Tensor } from '../kserve/tensor.js';
import { describeCause, httpStatusName, MALFORMED_CAUSE, readAnswer, refusedInference } from './failure-cause.js';
import {
  askHttp,
  checkHttpHeaders,
  createHttpPool,
  describeHttpFault,
  type HttpAsk,
  modelPath,
  readErrorBody,
  unreachableByHttp,
} from './http-transport.js';
import { type Exchange, InFlight } from './in-flight.js';
import type {
  CreateInferClient,
  InferClient,
  InferClientOptions,
  RequestTemplate,
  TensorFormats,
} from './infer-client.js';
import { outcomeCodes } from './outcome.js';

const REACH_TIMEOUT_MS = 5000;
/** An error body beyond this is not read. */
const MAX_ERROR_BYTES = 16_384;

/** Checks that the endpoint speaks HTTP; throws PerfTsError TARGET_UNREACHABLE when not. */
export const createHttpClient: CreateInferClient = async (options) => {
  const { headers = {} } = options;
  checkHttpHeaders(headers);
  const pool = createHttpPool(options.endpoint, options.tls);
  const answer = await askHttp(pool, { method: 'GET', path: '/v2/health/live', headers }, REACH_TIMEOUT_MS);
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
  readonly #options: InferClientOptions;
  readonly #requests: Dispatcher.DispatchOptions[] = [];

  constructor(pool: Pool, options: InferClientOptions) {
    this.#pool = pool;
    this.#endpoint = options.endpoint;
    this.#options = options;
    this.#inFlight = new InFlight(options.requestTimeoutMs, options.onCompletion);
  }

  prepare(template: RequestTemplate): number {
    const { method, path, headers, body } = encode(template, this.#options);
    const flat = Object.entries(headers).flat();
    return this.#requests.push({ method, path, headers: flat, body }) - 1;
  }

  send(handle: number, tag: number): void {
    const { onOutputs } = this.#options;
    const onAnswer = onOutputs && ((outputs: readonly InferOutput[]) => onOutputs(handle, outputs));
    this.#inFlight.begin(new HttpExchange(tag, this.#requests[handle]!, this.#pool, this.#inFlight, onAnswer));
  }

  async inferOnce(template: RequestTemplate, timeoutMs: number): Promise<readonly Tensor[]> {
    const answer = await askHttp(this.#pool, encode(template, this.#options), timeoutMs);
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

/** One request on its way, and undici's handler of its answer. Bodies of good answers that nobody reads are dropped as they come. */
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
  readonly #onAnswer: ((outputs: readonly InferOutput[]) => void) | undefined;
  /** Of a good answer that somebody wants to read. */
  #body: Buffer[] | undefined;
  #jsonLength: number | undefined;

  constructor(
    tag: number,
    request: Dispatcher.DispatchOptions,
    pool: Pool,
    inFlight: InFlight,
    onAnswer: ((outputs: readonly InferOutput[]) => void) | undefined,
  ) {
    this.tag = tag;
    this.#request = request;
    this.#pool = pool;
    this.#inFlight = inFlight;
    this.#onAnswer = onAnswer;
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

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    this.#status = status;
    if (status !== 200) {
      this.#errorBody = [];
    } else if (this.#onAnswer !== undefined) {
      this.#body = [];
      const length = headers[INFERENCE_HEADER_LENGTH];
      this.#jsonLength = length === undefined ? undefined : Number(length);
    }
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#body?.push(chunk);
    if (this.#errorBody === undefined || this.#errorBytes > MAX_ERROR_BYTES) return;
    this.#errorBytes += chunk.length;
    this.#errorBody.push(chunk);
  }

  onResponseEnd(): void {
    const receivedNs = nowNs();
    if (this.#errorBody === undefined) {
      if (this.#tellOutputs()) this.#inFlight.end(this, receivedNs, outcomeCodes.ok, undefined);
      else this.#inFlight.end(this, receivedNs, outcomeCodes.error, MALFORMED_CAUSE);
    } else {
      const message = readErrorBody(Buffer.concat(this.#errorBody));
      const cause = describeCause(httpStatusName(this.#status), message);
      this.#inFlight.end(this, receivedNs, outcomeCodes.error, cause);
    }
  }

  /** False where somebody wants the outputs and the body has none. */
  #tellOutputs(): boolean {
    if (this.#onAnswer === undefined || this.#body === undefined) return true;
    let response: InferResponseMessage;
    try {
      response = decodeHttpInferResponse(Buffer.concat(this.#body), this.#jsonLength);
    } catch {
      return false;
    }
    this.#onAnswer(response.outputs);
    return true;
  }

  onResponseError(_controller: Dispatcher.DispatchController, fault: Error): void {
    const receivedNs = nowNs();
    this.#inFlight.end(this, receivedNs, outcomeCodes.error, describeCause('UNAVAILABLE', describeHttpFault(fault)));
  }
}

function encodeBody(template: RequestTemplate, formats: TensorFormats | undefined) {
  try {
    return encodeHttpInferRequest({ ...template, id: '' }, formats);
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause;
    const where = '--input-tensor-format json';
    throw new PerfTsError('BAD_OPTION', { where, what: cause.message, hint: 'send it as binary' }, cause);
  }
}

const compressors = { gzip: gzipSync, deflate: deflateSync } as const;

/** Bodies are compressed here, once for all their sendings. Throws PerfTsError BAD_OPTION for tensors that JSON cannot carry. */
function encode(template: RequestTemplate, { headers, compression = 'none', tensorFormats }: InferClientOptions) {
  const { body, jsonLength } = encodeBody(template, tensorFormats);
  return {
    method: 'POST',
    path: `${modelPath(template.modelName, template.modelVersion)}/infer`,
    headers: {
      'content-type': jsonLength === undefined ? 'application/json' : 'application/octet-stream',
      ...headers,
      ...(jsonLength === undefined ? {} : { [INFERENCE_HEADER_LENGTH]: String(jsonLength) }),
      ...(compression === 'none' ? {} : { 'content-encoding': compression }),
    },
    body: compression === 'none' ? body : compressors[compression](body),
  } satisfies HttpAsk;
}
