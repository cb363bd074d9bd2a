/** One call of a connection: its place on the wire, what arrives for it and what is still to be sent. State, no rules. */
import type { Buffer } from 'node:buffer';
import type { MessageAssembler } from '../../../src/http2/message-assembler.js';
import type { Failure } from '../../../src/kserve/status.js';
import type { Reply } from './grpc-method.js';
import type { PieceAssembler } from './piece-assembler.js';
import type { AcceptedHead } from './request-head.js';

/** What a reply does with its answer; the connection's call table implements it. */
export interface AnswerPath {
  answer(call: Call, message: Uint8Array): void;
  answerOnStream(reply: StreamReply, message: Uint8Array): void;
  failReply(call: Call, reply: StreamReply | undefined, failure: Failure): void;
}

/** A call; of a unary method it is also the reply to its one request. Stale ones are never reused, so no answer can stray. */
export class Call implements Reply {
  readonly id: number;
  readonly head: AcceptedHead;
  /** Nothing more is sent for it: it was answered in full, reset, overdue, or the connection is gone. */
  isGone = false;
  hasReplied = false;
  areHeadersSent = false;
  /** How far the peer's window for this stream differs from its initial window. */
  windowOffset = 0;
  /** Requests that the method has not answered yet, or that are being decompressed. */
  inHand = 0;
  /** Lent memory of the request, for a method that keeps it. */
  kept: Buffer | undefined = undefined;
  /** Bytes of a request in pieces, which count against their budget. */
  keptPiecesBytes = 0;
  /** Answers that the peer's windows hold back. */
  outgoing: Outgoing | undefined = undefined;
  /** Absent while the whole request came in one frame. */
  intake: Intake | undefined = undefined;
  /** Present on streams: requests in the order of their arrival that have no answer on the wire yet. */
  replies: StreamReply[] | undefined = undefined;
  deadline: NodeJS.Timeout | undefined = undefined;
  private readonly path: AnswerPath;

  constructor(id: number, head: AcceptedHead, path: AnswerPath) {
    this.id = id;
    this.head = head;
    this.path = path;
  }

  isCancelled(): boolean {
    return this.isGone;
  }

  succeed(message: Uint8Array): void {
    if (this.hasReplied) return;
    this.hasReplied = true;
    this.path.answer(this, message);
  }

  fail(failure: Failure): void {
    if (this.hasReplied) return;
    this.hasReplied = true;
    this.path.failReply(this, undefined, failure);
  }
}

/** The reply to one request of a stream. */
export class StreamReply implements Reply {
  readonly call: Call;
  hasReplied = false;
  kept: Buffer | undefined = undefined;
  keptPiecesBytes = 0;
  /** An answer that waits for those before it. */
  early: Buffer | undefined = undefined;
  isEarlyPacked = false;
  private readonly path: AnswerPath;

  constructor(call: Call, path: AnswerPath) {
    this.call = call;
    this.path = path;
  }

  isCancelled(): boolean {
    return this.call.isGone;
  }

  succeed(message: Uint8Array): void {
    if (this.hasReplied) return;
    this.hasReplied = true;
    this.path.answerOnStream(this, message);
  }

  fail(failure: Failure): void {
    if (this.hasReplied) return;
    this.hasReplied = true;
    this.path.failReply(this.call, this, failure);
  }
}

/** Bytes of messages, with their prefixes, in the order of sending, and the frame that ends the stream after them. */
export interface Outgoing {
  readonly pieces: Buffer[];
  /** Bytes of the first piece that are on the wire already. */
  sentOfFirst: number;
  end: Buffer | undefined;
}

/** What arrives for a call that did not come in one frame. */
export class Intake {
  readonly assembler: MessageAssembler | PieceAssembler;
  isRemoteDone = false;
  /** What the peer may still send before it gets another WINDOW_UPDATE. */
  windowLeft: number;
  /** Bytes read since the last WINDOW_UPDATE. */
  credit = 0;
  hasRequest = false;
  /** Cleared when bytes come, set by each look for requests that have come to a halt. */
  isQuiet = false;
  isInflating = false;
  /** True while its bytes are being read, so that an answer given meanwhile does not read them a second time. */
  isReading = false;
  /** Bytes that came while the call was held back. */
  waiting: Buffer[] = [];

  constructor(assembler: MessageAssembler | PieceAssembler, windowBytes: number) {
    this.assembler = assembler;
    this.windowLeft = windowBytes;
  }
}
