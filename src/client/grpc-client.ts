/**
 * InferClient on @grpc/grpc-js. Requests are encoded once and passed through as bytes; the channel is used below
 * grpc-js's client classes, which would add an interceptor chain and an Error object to every request.
 */
import type { StatusObject } from '@grpc/grpc-js';
import { nowNs } from '../common/clock.js';
import { grpcMethodPath } from '../kserve/grpc-service.js';
import { decodeInferResponse, encodeInferRequest } from '../kserve/infer-codec.js';
import { statusCodes } from '../kserve/status.js';
import type { Tensor } from '../kserve/tensor.js';
import { describeCause, grpcStatusName, readAnswer, refusedInference } from './failure-cause.js';
import {
  callUnary,
  connectGrpcChannel,
  createGrpcChannel,
  type GrpcCall,
  type GrpcChannel,
  startUnaryCall,
  toBuffer,
} from './grpc-channel.js';
import { type Exchange, InFlight } from './in-flight.js';
import type { CreateInferClient, InferClient, InferClientOptions, RequestTemplate } from './infer-client.js';
import { outcomeCodes } from './outcome.js';

const INFER_PATH = grpcMethodPath('ModelInfer');

/** Connects; throws PerfTsError TARGET_UNREACHABLE when nothing answers gRPC at the endpoint. */
export const createGrpcClient: CreateInferClient = async (options) => {
  const channel = createGrpcChannel(options.endpoint);
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
  readonly #requests: Buffer[] = [];

  constructor(channel: GrpcChannel, options: InferClientOptions) {
    this.#channel = channel;
    this.#endpoint = options.endpoint;
    this.#inFlight = new InFlight(options.requestTimeoutMs, options.onCompletion);
  }

  prepare(template: RequestTemplate): number {
    return this.#requests.push(encode(template)) - 1;
  }

  send(handle: number, tag: number): void {
    this.#inFlight.begin(new GrpcExchange(tag, this.#requests[handle]!, this.#channel, this.#inFlight));
  }

  async inferOnce(template: RequestTemplate, timeoutMs: number): Promise<readonly Tensor[]> {
    const answer = await callUnary(this.#channel, INFER_PATH, encode(template), timeoutMs);
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

/** One request on its way, and the listener of its call. */
class GrpcExchange implements Exchange {
  readonly tag: number;
  readonly startedNs = nowNs();
  readonly #request: Buffer;
  readonly #channel: GrpcChannel;
  readonly #inFlight: InFlight;
  #receivedNs = 0;
  #call: GrpcCall | undefined;

  constructor(tag: number, request: Buffer, channel: GrpcChannel, inFlight: InFlight) {
    this.tag = tag;
    this.#request = request;
    this.#channel = channel;
    this.#inFlight = inFlight;
  }

  transmit(): void {
    this.#call = startUnaryCall(this.#channel, INFER_PATH, this.#request, this);
  }

  abort(): void {
    this.#call?.cancelWithStatus(statusCodes.CANCELLED, 'ended by the client');
  }

  onReceiveMetadata(): void {}

  onReceiveMessage(): void {
    this.#receivedNs = nowNs();
  }

  onReceiveStatus({ code, details }: StatusObject): void {
    const receivedNs = this.#receivedNs === 0 ? nowNs() : this.#receivedNs;
    if (code === statusCodes.OK) {
      this.#inFlight.end(this, receivedNs, outcomeCodes.ok, undefined);
    } else {
      this.#inFlight.end(this, receivedNs, outcomeCodes.error, describeCause(grpcStatusName(code), details));
    }
  }
}

const encode = ({ modelName, modelVersion, inputs, outputNames }: RequestTemplate): Buffer =>
  toBuffer(encodeInferRequest({ modelName, modelVersion, id: '', inputs, outputNames }));
