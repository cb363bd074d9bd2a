/**
 * InferClient that opens a gRPC channel for every request and closes it after the answer, as programs do that make
 * their client where they use it. It exists to show what that costs; nothing chooses it by itself.
 */
import type { Metadata, StatusObject } from '@grpc/grpc-js';
import { nowNs } from '../common/clock.js';
import { grpcMethodPath } from '../kserve/grpc-service.js';
import { encodeInferRequest } from '../kserve/infer-codec.js';
import { statusCodes } from '../kserve/status.js';
import type { Tensor } from '../kserve/tensor.js';
import { tellOutputs } from './answer-outputs.js';
import { describeCause, grpcStatusName, MALFORMED_CAUSE } from './failure-cause.js';
import { type GrpcChannel, grpcChannelMaker, metadataOf, startUnaryCall, toBuffer } from './grpc-channel.js';
import { createGrpcClient } from './grpc-client.js';
import { type Exchange, InFlight } from './in-flight.js';
import type { CreateInferClient, InferClient, InferClientOptions, RequestTemplate } from './infer-client.js';
import { outcomeCodes } from './outcome.js';

const INFER_PATH = grpcMethodPath('ModelInfer');

/** Throws PerfTsError TARGET_UNREACHABLE when nothing answers gRPC at the endpoint. */
export const createNewChannelClient: CreateInferClient = async (options) => {
  const lasting = await createGrpcClient(options);
  return new NewChannelClient(lasting, options);
};

class NewChannelClient implements InferClient {
  /** For the single exchange before a run, which nobody times. */
  readonly #lasting: InferClient;
  readonly #parts: ExchangeParts;
  readonly #inFlight: InFlight;
  readonly #requests: Buffer[] = [];

  constructor(lasting: InferClient, options: InferClientOptions) {
    this.#lasting = lasting;
    const createChannel = grpcChannelMaker(options.endpoint, options);
    this.#parts = { createChannel, metadata: metadataOf(options.headers), onOutputs: options.onOutputs };
    this.#inFlight = new InFlight(options.requestTimeoutMs, options.onCompletion);
  }

  prepare(template: RequestTemplate): number {
    return this.#requests.push(toBuffer(encodeInferRequest({ id: '', ...template }))) - 1;
  }

  send(handle: number, tag: number): void {
    this.#inFlight.begin(new ChannelExchange(tag, handle, this.#requests[handle]!, this.#parts, this.#inFlight));
  }

  inferOnce(template: RequestTemplate, timeoutMs: number): Promise<readonly Tensor[]> {
    return this.#lasting.inferOnce(template, timeoutMs);
  }

  async close(): Promise<void> {
    this.#inFlight.close();
    await this.#lasting.close();
  }
}

/** What all exchanges of a client share. */
interface ExchangeParts {
  readonly createChannel: () => GrpcChannel;
  readonly metadata: Metadata;
  readonly onOutputs: InferClientOptions['onOutputs'];
}

/** One request and the channel that lives as long as it. */
class ChannelExchange implements Exchange {
  readonly tag: number;
  readonly startedNs = nowNs();
  readonly #handle: number;
  readonly #request: Buffer;
  readonly #parts: ExchangeParts;
  readonly #inFlight: InFlight;
  #channel: GrpcChannel | undefined;
  #message: Buffer | undefined;
  #receivedNs = 0;

  constructor(tag: number, handle: number, request: Buffer, parts: ExchangeParts, inFlight: InFlight) {
    this.tag = tag;
    this.#handle = handle;
    this.#request = request;
    this.#parts = parts;
    this.#inFlight = inFlight;
  }

  transmit(): void {
    this.#channel = this.#parts.createChannel();
    startUnaryCall(this.#channel, INFER_PATH, this.#request, this, this.#parts.metadata);
  }

  /** Closing the channel ends its call. */
  abort(): void {
    this.#channel?.close();
  }

  onReceiveMetadata(): void {}

  onReceiveMessage(message: Buffer): void {
    this.#receivedNs = nowNs();
    if (this.#parts.onOutputs !== undefined) this.#message = message;
  }

  onReceiveStatus({ code, details }: StatusObject): void {
    const receivedNs = this.#receivedNs === 0 ? nowNs() : this.#receivedNs;
    this.#channel?.close();
    if (code !== statusCodes.OK) {
      this.#inFlight.end(this, receivedNs, outcomeCodes.error, describeCause(grpcStatusName(code), details));
    } else if (tellOutputs(this.#parts.onOutputs, this.#handle, this.#message)) {
      this.#inFlight.end(this, receivedNs, outcomeCodes.ok, undefined);
    } else {
      this.#inFlight.end(this, receivedNs, outcomeCodes.error, MALFORMED_CAUSE);
    }
  }
}
