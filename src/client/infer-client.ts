/**
 * Sends prepared inference requests over one transport. Implementations: grpc-client.ts (@grpc/grpc-js) and
 * http-client.ts (undici); a wire-level HTTP/2 client can take the first one's place. Lives on a load worker's thread.
 */
import type { Tensor } from '../kserve/tensor.js';
import type { OutcomeCode } from './outcome.js';

/** Everything that is the same for each sending of a request. */
export interface RequestTemplate {
  readonly modelName: string;
  /** Empty lets the server choose. */
  readonly modelVersion: string;
  readonly inputs: readonly Tensor[];
  /** Empty asks for every output. */
  readonly outputNames: readonly string[];
}

/**
 * Told once for each `send`, never from inside `send`.
 * `receivedNs` is taken first thing when the answer's last byte is there; `cause` names an outcome other than ok, such
 * as `UNAVAILABLE: queue full`, and is short and repeats, so that causes can be counted.
 */
export type OnCompletion = (tag: number, receivedNs: number, outcome: OutcomeCode, cause: string | undefined) => void;

export interface InferClient {
  /** Encodes a request once; returns its handle. */
  prepare(template: RequestTemplate): number;
  /** Sends a prepared request. `tag` comes back with its completion. */
  send(handle: number, tag: number): void;
  /** One full exchange that returns the answer's tensors, for checks before a run; throws PerfTsError when refused. */
  inferOnce(template: RequestTemplate, timeoutMs: number): Promise<readonly Tensor[]>;
  /** Ends requests in flight as cancelled and frees the connection. */
  close(): Promise<void>;
}

export interface InferClientOptions {
  /** `host:port`. */
  readonly endpoint: string;
  readonly onCompletion: OnCompletion;
  /** A request unanswered for this long ends as `timeout`. */
  readonly requestTimeoutMs: number;
}

export type CreateInferClient = (options: InferClientOptions) => Promise<InferClient>;
