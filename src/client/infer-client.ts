/**
 * Sends prepared inference requests over one transport. Implementations: grpc-wire/grpc-wire-client.ts (an HTTP/2 of our
 * own), grpc-client.ts (@grpc/grpc-js) and http-client.ts. Lives on a load worker's thread.
 */
import type { HttpTensorFormats } from '../kserve/http-codec.js';
import type { InferInput, InferOutput, RequestedOutput, RequestParameters, Tensor } from '../kserve/tensor.js';
import type { OutcomeCode } from './outcome.js';

/** Everything that is the same for each sending of a request. */
export interface RequestTemplate {
  readonly modelName: string;
  /** Empty lets the server choose. */
  readonly modelVersion: string;
  readonly inputs: readonly InferInput[];
  /** Empty asks for every output. */
  readonly outputNames: readonly string[];
  /** The same outputs in full; left out when none has anything beyond its name. */
  readonly outputs?: readonly RequestedOutput[];
  readonly parameters?: RequestParameters;
}

/** Of a file with a certificate or key. */
export type TlsFileForm = 'PEM' | 'DER';

/** Files are PEM unless said otherwise; what is left out is not used, or is the system's. */
export interface TlsOptions {
  readonly rootCertificatesFile?: string;
  readonly certificateChainFile?: string;
  readonly privateKeyFile?: string;
  readonly certificateForm?: TlsFileForm;
  readonly privateKeyForm?: TlsFileForm;
  /** True by default; false accepts any certificate. */
  readonly verifiesPeer?: boolean;
  /** True by default; false accepts a certificate for another host name. */
  readonly verifiesHost?: boolean;
}

/** How tensors stand in HTTP bodies: `binary` after the JSON (Triton's extension), or `json` within it. */
export type TensorFormats = HttpTensorFormats;

export type Compression = 'none' | 'gzip' | 'deflate';

/** The ways in which perf-ts can send a request. */
export const clientKinds = ['grpc-wire', 'grpc-js', 'grpc-js-new-channel', 'http'] as const;
export type ClientKind = (typeof clientKinds)[number];

/**
 * Told once for each `send`, never from inside `send`.
 * `receivedNs` is taken first thing when the answer's last byte is there; `cause` names an outcome other than ok, such
 * as `UNAVAILABLE: queue full`, and is short and repeats, so that causes can be counted.
 */
export type OnCompletion = (tag: number, receivedNs: number, outcome: OutcomeCode, cause: string | undefined) => void;

/** What a client's own side of the exchanges took, in totals since it was made; differences give a level's means. */
export interface ClientTimes {
  /** Answers received, and the sum of their times from first byte to last. */
  readonly answerCount: number;
  readonly receiveTotalNs: number;
  /** Requests that were timed (a sample), and the sum of their times from `send` to the hand-over of their last byte. */
  readonly timedCount: number;
  readonly sendTotalNs: number;
}

export interface InferClient {
  /** Encodes a request once; returns its handle. */
  prepare(template: RequestTemplate): number;
  /** Sends a prepared request. `tag` comes back with its completion. */
  send(handle: number, tag: number): void;
  /** One full exchange that returns the answer's tensors, for checks before a run; throws PerfTsError when refused. */
  inferOnce(template: RequestTemplate, timeoutMs: number): Promise<readonly Tensor[]>;
  /** Left out by a client that cannot tell. */
  clientTimes?(): ClientTimes;
  /** Ends requests in flight as cancelled and frees the connection. */
  close(): Promise<void>;
}

export interface InferClientOptions {
  /** `host:port`. */
  readonly endpoint: string;
  readonly onCompletion: OnCompletion;
  /** A request unanswered for this long ends as `timeout`. */
  readonly requestTimeoutMs: number;
  /** Left out: plain text. */
  readonly tls?: TlsOptions;
  /** HTTP headers or gRPC metadata of every request, with lower-case names. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Of requests; `none` by default. A client that cannot compress throws PerfTsError BAD_OPTION. */
  readonly compression?: Compression;
  /** Both binary by default. A client that sends no JSON throws PerfTsError BAD_OPTION. */
  readonly tensorFormats?: TensorFormats;
  /**
   * Given the outputs of every good answer to request `handle`, before its completion. Left out, answers are not
   * decoded. An answer that is no inference response ends as an error.
   */
  readonly onOutputs?: (handle: number, outputs: readonly InferOutput[]) => void;
}

export type CreateInferClient = (options: InferClientOptions) => Promise<InferClient>;
