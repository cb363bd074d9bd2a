/**
 * InferClient on @grpc/grpc-js. Requests are encoded once and passed through as bytes; the channel is used below
 * grpc-js's client classes, which would add an interceptor chain and an Error object to every request.
 */
import type { Metadata, StatusObject } from '@grpc/grpc-js';
import { nowNs } from '../common/clock.js';
import { grpcMethodPath } from '../kserve/grpc-service.js';
import { decodeInferResponse, encodeInferRequest } from '../kserve/infer-codec.js';
import { statusCodes } from '../kserve/status.js';
import type { Tensor } from '../kserve/tensor.js';
import { tellOutputs } from './answer-outputs.js';
import { describeCause, grpcStatusName, MALFORMED_CAUSE, readAnswer, refusedInference } from './failure-cause.js';
import {
  callUnary,
  connectGrpcChannel,
  createGrpcChannel,
  type GrpcCall,
  type GrpcChannel,
  metadataOf,
  startUnaryCall,
  toBuffer,
} from './grpc-channel.js';
import { type Exchange, InFlight } from './in-flight.js';
import type { CreateInferClient, InferClient, InferClientOptions, RequestTemplate } from './infer-client.js';
import { outcomeCodes } from './outcome.js';

const INFER_PATH = grpcMethodPath('ModelInfer');

/** Connects; throws PerfTsError TARGET_UNREACHABLE when nothing answers gRPC at the endpoint. */
export const createGrpcClient: CreateInferClient = async (options) => {
  const channel = createGrpcChannel(options.endpoint, options);
  try {
    await connectGrpcChannel(channel, options.endpoint);
  } catch (fault) {
    channel.close();
    throw fault;
  }
  return new GrpcClient(channel, options);
};

class GrpcClient implements InferClient {
  readonly #channel: GrpcChannel;
  readonly #endpoint: string;
  readonly #inFlight: InFlight;
  readonly #exchanges: ExchangeParts;
  readonly #requests: Buffer[] = [];

  constructor(channel: GrpcChannel, options: InferClientOptions) {
    this.#channel = channel;
    this.#endpoint = options.endpoint;
    this.#exchanges = { channel, metadata: metadataOf(options.headers), onOutputs: options.onOutputs };
    this.#inFlight = new InFlight(options.requestTimeoutMs, options.onCompletion);
  }

  prepare(template: RequestTemplate): number {
    return this.#requests.push(encode(template)) - 1;
  }

  send(handle: number, tag: number): void {
    this.#inFlight.begin(new GrpcExchange(tag, handle, this.#requests[handle]!, this.#exchanges, this.#inFlight));
  }

  async inferOnce(template: RequestTemplate, timeoutMs: number): Promise<readonly Tensor[]> {
    const answer = await callUnary(this.#channel, INFER_PATH, encode(template), timeoutMs, this.#exchanges.metadata);
    if (answer.code !== statusCodes.OK || answer.message === undefined) {
      throw refusedInference(this.#endpoint, template.modelName, grpcStatusName(answer.code), answer.details);
    }
    const { message } = answer;
    return readAnswer(this.#endpoint, () => decodeInferResponse(message));
  }

  async close(): Promise<void> {
    this.#inFlight.close();
    this.#channel.close();
  }
}

/** What all exchanges of a client share. */
interface ExchangeParts {
  readonly channel: GrpcChannel;
  readonly metadata: Metadata;
  readonly onOutputs: InferClientOptions['onOutputs'];
}

/** One request on its way, and the listener of its call. */
class GrpcExchange implements Exchange {
  readonly tag: number;
  readonly startedNs = nowNs();
  readonly #handle: number;
  readonly #request: Buffer;
  readonly #parts: ExchangeParts;
  readonly #inFlight: InFlight;
  #receivedNs = 0;
  #message: Buffer | undefined;
  #call: GrpcCall | undefined;

  constructor(tag: number, handle: number, request: Buffer, parts: ExchangeParts, inFlight: InFlight) {
    this.tag = tag;
    this.#handle = handle;
    this.#request = request;
    this.#parts = parts;
    this.#inFlight = inFlight;
  }

  transmit(): void {
    const { channel, metadata } = this.#parts;
    this.#call = startUnaryCall(channel, INFER_PATH, this.#request, this, metadata);
  }

  abort(): void {
    this.#call?.cancelWithStatus(statusCodes.CANCELLED, 'ended by the client');
  }

  onReceiveMetadata(): void {}

  onReceiveMessage(message: Buffer): void {
    this.#receivedNs = nowNs();
    if (this.#parts.onOutputs !== undefined) this.#message = message;
  }

  onReceiveStatus({ code, details }: StatusObject): void {
    const receivedNs = this.#receivedNs === 0 ? nowNs() : this.#receivedNs;
    if (code === statusCodes.OK) {
      const isRead = tellOutputs(this.#parts.onOutputs, this.#handle, this.#message);
      if (isRead) this.#inFlight.end(this, receivedNs, outcomeCodes.ok, undefined);
      else this.#inFlight.end(this, receivedNs, outcomeCodes.error, MALFORMED_CAUSE);
    } else {
      this.#inFlight.end(this, receivedNs, outcomeCodes.error, describeCause(grpcStatusName(code), details));
    }
  }
}

const encode = (template: RequestTemplate): Buffer => toBuffer(encodeInferRequest({ ...template, id: '' }));
