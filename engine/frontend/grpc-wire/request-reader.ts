/**
 * Reads the requests of open calls out of their DATA: gathers, decompresses and counts messages, hands them over one by
 * one, and holds back the bytes of a stream that is ahead of its answers.
 */
import { Buffer } from 'node:buffer';
import type { BufferPool } from '../../../src/http2/buffer-pool.js';
import { copyBytes } from '../../../src/http2/copy-bytes.js';
import { StreamError } from '../../../src/http2/http2-error.js';
import type { AssemblerState } from '../../../src/http2/message-assembler.js';
import type { Failure } from '../../../src/kserve/status.js';
import type { MessagePieces } from '../pieces/message-pieces.js';
import { type AnswerPath, type Call, type Intake, StreamReply } from './call.js';
import type { Inflater } from './inflater.js';
import { PieceAssembler, SMALLEST_IN_PIECES_BYTES } from './piece-assembler.js';
import type { PieceBudget } from './piece-budget.js';
import type { WireLimits } from './wire-limits.js';

/** States of an assembler that end the call. */
type Refused = Exclude<AssemblerState, 'incomplete' | 'message'>;

/** Where requests go. The call table implements it. */
export interface RequestSink extends AnswerPath {
  /** Gives a request to its method. `lent` is the lent buffer that holds it, if one does. */
  handOver(call: Call, reply: Call | StreamReply, bytes: Buffer, start: number, end: number, lent?: Buffer): void;
  /** The same for a large request in pieces, whose bytes were taken from the budget for them. */
  handOverPieces(call: Call, reply: Call | StreamReply, message: MessagePieces): void;
  /** One thing less is in hand for the call. */
  release(call: Call): void;
  /** Ends a call with a status other than OK, whatever is still to come for it. */
  refuse(call: Call, failure: Failure): void;
  /** The client has ended a stream whose requests are all answered. */
  endStream(call: Call): void;
}

/** What reading needs of the connection. */
export interface ReadingHost {
  /** Request bytes were read to the end and may be granted again; stream 0 is the connection. */
  credit(streamId: number, byteCount: number): void;
  /** Answers wait for the peer: streams are to take no further requests. */
  isBackedUp(): boolean;
}

/** What the readers of all connections share. */
export interface ReadingMeans {
  readonly limits: WireLimits;
  readonly pool: BufferPool;
  readonly budget: PieceBudget;
  readonly inflater: Inflater;
}

export class RequestReader {
  /** Calls with bytes that wait until the call may go on. */
  private readonly held = new Set<Call>();
  private readonly sink: RequestSink;
  private readonly host: ReadingHost;
  private readonly limits: WireLimits;
  private readonly pool: BufferPool;
  private readonly budget: PieceBudget;
  private readonly inflater: Inflater;

  constructor(sink: RequestSink, host: ReadingHost, { limits, pool, budget, inflater }: ReadingMeans) {
    this.sink = sink;
    this.host = host;
    this.limits = limits;
    this.pool = pool;
    this.budget = budget;
    this.inflater = inflater;
  }

  /** Takes request bytes. `paddingBytes` only count against the windows. Throws StreamError when the peer exceeds its window. */
  receive(call: Call, bytes: Buffer, start: number, end: number, paddingBytes: number, isLast: boolean): void {
    const { intake } = call;
    if (intake === undefined || intake.isRemoteDone) {
      this.host.credit(0, end - start + paddingBytes);
      throw new StreamError('STREAM_CLOSED', call.id, 'DATA after the end of the request');
    }
    intake.windowLeft -= end - start + paddingBytes;
    if (intake.windowLeft < 0) {
      this.host.credit(0, end - start + paddingBytes);
      throw new StreamError('FLOW_CONTROL_ERROR', call.id, 'DATA beyond the window');
    }
    if (isLast) intake.isRemoteDone = true;
    intake.isQuiet = false;
    if (paddingBytes > 0) this.creditCall(call, intake, paddingBytes);
    intake.isReading = true;
    this.consume(call, intake, bytes, start, end);
    intake.isReading = false;
    this.finishIntake(call, intake);
  }

  /** Something that held streams back may be over. */
  resumeHeld(): void {
    for (const call of [...this.held]) this.resume(call);
  }

  /** What held this stream back may be over. */
  resume(call: Call): void {
    const { intake } = call;
    // A method that answers at once gets here from within `consume`, which goes on by itself.
    if (intake === undefined || intake.isReading || call.isGone) return;
    const waiting = intake.waiting;
    intake.waiting = [];
    this.held.delete(call);
    intake.isReading = true;
    for (const piece of waiting) this.consume(call, intake, piece, 0, piece.length);
    intake.isReading = false;
    this.finishIntake(call, intake);
  }

  /** Lets go of what arrived for a call that is over. */
  drop(call: Call): void {
    const { intake } = call;
    if (intake === undefined) return;
    intake.assembler.drop();
    this.held.delete(call);
    for (const piece of intake.waiting) this.host.credit(0, piece.length);
    intake.waiting = [];
  }

  private consume(call: Call, intake: Intake, bytes: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end && !call.isGone) {
      if (this.isHeldBack(call, intake)) {
        this.holdBack(call, intake, bytes, at, end);
        return;
      }
      const state = intake.assembler.take(bytes, at, end);
      this.creditCall(call, intake, intake.assembler.position - at);
      at = intake.assembler.position;
      if (state === 'message') this.deliver(call, intake);
      else if (state !== 'incomplete') {
        this.sink.refuse(call, refusals[state](intake.assembler.announcedBytes, this.limits.maxMessageBytes));
        break;
      }
    }
    this.host.credit(0, end - at);
  }

  private deliver(call: Call, intake: Intake): void {
    const { assembler } = intake;
    const { bytes, start, end } = assembler;
    if (intake.hasRequest && call.replies === undefined) {
      this.sink.refuse(call, { status: 'INTERNAL', message: 'more than one request message in a unary call' });
      return;
    }
    intake.hasRequest = true;
    const pieces = assembler instanceof PieceAssembler ? assembler.takePieces() : undefined;
    if (pieces !== undefined) {
      this.sink.handOverPieces(call, this.replyTo(call), pieces);
      return;
    }
    const lent = assembler.takeGathered();
    if (assembler.isCompressed) this.deliverCompressed(call, intake, bytes, start, end, lent);
    else this.deliverPlain(call, bytes, start, end, lent);
  }

  private deliverPlain(call: Call, bytes: Buffer, start: number, end: number, lent: Buffer | undefined): void {
    this.sink.handOver(call, this.replyTo(call), bytes, start, end, lent);
  }

  private replyTo(call: Call): Call | StreamReply {
    if (call.replies === undefined) return call;
    const reply = new StreamReply(call, this.sink);
    call.replies.push(reply);
    return reply;
  }

  /** What a message was decompressed to is handed on as it is where the method takes it so. */
  private deliverInflated(call: Call, message: MessagePieces): void {
    const { byteLength } = message;
    if (byteLength < SMALLEST_IN_PIECES_BYTES || call.head.method.invokePieces === undefined) {
      this.deliverPlain(call, message.join(), 0, byteLength, undefined);
    } else if (this.budget.take(byteLength)) this.sink.handOverPieces(call, this.replyTo(call), message);
    else this.sink.refuse(call, refusals['no memory'](byteLength, 0));
  }

  /** The compressed bytes are kept in lent memory and the call counts as in hand, so that resets do not hide the work. */
  private deliverCompressed(
    call: Call,
    intake: Intake,
    bytes: Buffer,
    start: number,
    end: number,
    lent: Buffer | undefined,
  ): void {
    const { encoding } = call.head;
    const kept = lent ?? this.pool.lend(end - start);
    if (kept === undefined || encoding === 'identity') {
      if (kept !== undefined) this.pool.takeBack(kept);
      this.sink.refuse(call, kept === undefined ? refusals['no memory'](end - start, 0) : notAnnounced);
      return;
    }
    if (lent === undefined) copyBytes(bytes, start, end, kept, 0);
    const compressed = kept.subarray(0, end - start);
    intake.isInflating = true;
    call.inHand++;
    this.inflater.inflate(encoding, compressed, this.limits.maxMessageBytes, (message, failure) => {
      this.pool.takeBack(kept);
      intake.isInflating = false;
      if (failure !== undefined) this.sink.refuse(call, failure);
      else if (message !== undefined && !call.isGone) this.deliverInflated(call, message);
      this.sink.release(call);
      this.resume(call);
    });
  }

  private isHeldBack(call: Call, intake: Intake): boolean {
    if (intake.isInflating || intake.waiting.length > 0) return true;
    if (call.replies === undefined) return false;
    return call.replies.length >= this.limits.maxStreamRequests || this.host.isBackedUp();
  }

  private holdBack(call: Call, intake: Intake, bytes: Buffer, start: number, end: number): void {
    if (end === start) return;
    intake.waiting.push(Buffer.copyBytesFrom(bytes, start, end - start));
    this.held.add(call);
  }

  private creditCall(call: Call, intake: Intake, byteCount: number): void {
    this.host.credit(0, byteCount);
    intake.credit += byteCount;
    if (intake.isRemoteDone || call.isGone || intake.credit < this.limits.streamWindowBytes / 2) return;
    intake.windowLeft += intake.credit;
    this.host.credit(call.id, intake.credit);
    intake.credit = 0;
  }

  /** Once the peer has sent everything: an incomplete request is refused, a stream without open requests ends. */
  private finishIntake(call: Call, intake: Intake): void {
    if (call.isGone || !intake.isRemoteDone || intake.isInflating || intake.waiting.length > 0) return;
    if (!intake.assembler.isAtBoundary()) {
      this.sink.refuse(call, { status: 'INTERNAL', message: 'the request message is cut off' });
    } else if (call.replies !== undefined) {
      if (call.replies.length === 0) this.sink.endStream(call);
    } else if (!intake.hasRequest) {
      this.sink.refuse(call, { status: 'INTERNAL', message: 'the call has no request message' });
    }
  }
}

const notAnnounced: Failure = { status: 'INTERNAL', message: 'a compressed message without grpc-encoding' };

const refusals: Readonly<Record<Refused, (announced: number, limit: number) => Failure>> = {
  'too large': (announced, limit) => ({
    status: 'RESOURCE_EXHAUSTED',
    message: `the request message has ${announced} bytes, more than the limit of ${limit}`,
  }),
  'no memory': (announced) => ({
    status: 'RESOURCE_EXHAUSTED',
    message: `no memory left for a request of ${announced} bytes`,
  }),
  malformed: () => ({ status: 'INTERNAL', message: 'malformed message prefix' }),
};
