/** What a gRPC service is to this front end: a table of methods that take bytes and answer with bytes, by callback. */
import type { Buffer } from 'node:buffer';
import type { LeadOf } from '../../../src/http2/message-assembler.js';
import type { Failure } from '../../../src/kserve/status.js';
import type { MessagePieces } from '../pieces/message-pieces.js';
import type { MessageEncoding } from './message-encoding.js';

/** How one request is answered. The first of `succeed` and `fail` counts, whatever comes later is ignored. */
export interface Reply {
  /** True once nobody waits for the answer: the client cancelled or left, or its deadline has passed. */
  isCancelled(): boolean;
  /** Answers with an encoded message, which is copied before this returns. */
  succeed(message: Uint8Array): void;
  /** Ends the call with a status. On a stream that is the end of all its requests. */
  fail(failure: Failure): void;
}

export interface GrpcMethod {
  /** False: one request, one answer. True: any number of requests, each with one answer, in the order they are given. */
  readonly isStreaming: boolean;
  /**
   * True: the request's bytes stay as they are until it was answered, which costs a copy of small requests. False: they
   * are only valid until `invoke` returns. A method that keeps its request must answer also when it was cancelled.
   */
  readonly keepsRequest: boolean;
  /** Where in its memory a request that is kept shall begin, so that its tensors lie aligned; absent: anywhere. */
  readonly leadOf?: LeadOf;
  /** What its answers may be compressed as where the client takes it, best first; absent means they never are. */
  readonly answerEncodings?: readonly MessageEncoding[];
  /** Takes one request, `bytes` from `start` to `end`. An error it throws is answered with INTERNAL. */
  invoke(bytes: Buffer, start: number, end: number, reply: Reply): void;
  /** Takes a large request as it came, which nobody changes; absent: it is put together first. For methods that keep theirs. */
  invokePieces?(message: MessagePieces, reply: Reply): void;
}

/** By `:path`, such as `/inference.GRPCInferenceService/ModelInfer`. */
export type GrpcMethods = ReadonlyMap<string, GrpcMethod>;
