/**
 * The open calls of one connection, from the first byte of a request to the last of its answer: hands requests to
 * their methods, answers to the sender, and keeps both within the limits. Knows nothing of frames it does not send.
 */
import { Buffer } from 'node:buffer';
import { messageOf } from '../../../src/common/errors.js';
import type { BufferPool } from '../../../src/http2/buffer-pool.js';
import { copyBytes } from '../../../src/http2/copy-bytes.js';
import { MessageAssembler } from '../../../src/http2/message-assembler.js';
import type { Http2ErrorName } from '../../../src/http2/protocol-constants.js';
import type { Failure } from '../../../src/kserve/status.js';
import type { AnswerPacker } from '../answer-packer.js';
import type { MessagePieces } from '../pieces/message-pieces.js';
import { encodeTrailers, encodeTrailersOnly, okTrailers } from './answer-frames.js';
import type { AnswerSender } from './answer-sender.js';
import { Call, Intake, type StreamReply } from './call.js';
import { PieceAssembler } from './piece-assembler.js';
import type { PieceBudget } from './piece-budget.js';
import type { AcceptedHead } from './request-head.js';
import { type ReadingHost, type ReadingMeans, RequestReader, type RequestSink } from './request-reader.js';
import type { WireLimits } from './wire-limits.js';

const MAX_TIMER_MS = 0x7fff_ffff;

/** What the table needs of its connection. */
export interface CallTableHost extends ReadingHost {
  resetStream(streamId: number, code: Http2ErrorName): void;
  /** The last open call has ended. */
  onIdle(): void;
  /** Present where the bytes of reads stay as they are: whether these do, which are being read. */
  readonly isKept: ((bytes: Buffer) => boolean) | undefined;
}

/** What the calls of all connections share. */
export interface CallMeans extends ReadingMeans {
  readonly packer: AnswerPacker;
}

export class CallTable implements RequestSink {
  private readonly calls = new Map<number, Call>();
  /** Calls in the table, and those gone from it that a method has not answered. */
  private openCount = 0;
  private readonly host: CallTableHost;
  private readonly sender: AnswerSender;
  private readonly pool: BufferPool;
  private readonly budget: PieceBudget;
  private readonly limits: WireLimits;
  private readonly reader: RequestReader;
  private readonly packer: AnswerPacker;

  constructor(host: CallTableHost, sender: AnswerSender, means: CallMeans) {
    this.host = host;
    this.sender = sender;
    this.pool = means.pool;
    this.budget = means.budget;
    this.limits = means.limits;
    this.packer = means.packer;
    this.reader = new RequestReader(this, host, means);
  }

  get isIdle(): boolean {
    return this.openCount === 0;
  }

  find(streamId: number): Call | undefined {
    return this.calls.get(streamId);
  }

  /** False when the peer has too many calls open, or has left too many behind. */
  hasRoom(): boolean {
    const { maxConcurrentStreams } = this.limits;
    return this.calls.size < maxConcurrentStreams && this.openCount < 2 * maxConcurrentStreams;
  }

  /** A call whose one request lies whole in `bytes`, which may be reused afterwards. The path of nearly all requests. */
  runWhole(streamId: number, head: AcceptedHead, bytes: Buffer, start: number, end: number): void {
    const call = new Call(streamId, head, this);
    this.openCount++;
    this.handOver(call, call, bytes, start, end);
    if (call.isGone) return;
    this.calls.set(streamId, call);
    if (head.timeoutMs !== undefined) this.startDeadline(call, head.timeoutMs);
  }

  /** A call whose request comes in any other way, through `receive`. */
  open(streamId: number, head: AcceptedHead): Call {
    const call = new Call(streamId, head, this);
    call.intake = new Intake(this.createAssembler(head), this.limits.streamWindowBytes);
    if (head.method.isStreaming) call.replies = [];
    this.openCount++;
    this.calls.set(streamId, call);
    if (head.timeoutMs !== undefined) this.startDeadline(call, head.timeoutMs);
    return call;
  }

  /** Takes request bytes. `paddingBytes` only count against the windows. Throws StreamError when the peer exceeds its window. */
  receive(call: Call, bytes: Buffer, start: number, end: number, paddingBytes: number, isLast: boolean): void {
    this.reader.receive(call, bytes, start, end, paddingBytes, isLast);
  }

  /** The assembler that gathers the message which DATA on this stream belongs to, unless its bytes have to wait. */
  gatheringOn(streamId: number): MessageAssembler | undefined {
    const intake = this.calls.get(streamId)?.intake;
    if (intake === undefined || intake.isInflating || intake.waiting.length > 0) return undefined;
    // Where there are pieces, reads go nowhere else.
    return intake.assembler instanceof PieceAssembler ? undefined : intake.assembler;
  }

  /** Something that held streams back may be over. */
  resumeHeld(): void {
    this.reader.resumeHeld();
  }

  /** Refuses calls whose request has begun to arrive, or is still to begin, and of which nothing came since the last look. */
  refuseStalled(): void {
    for (const call of [...this.calls.values()]) {
      const { intake } = call;
      if (intake === undefined || intake.isRemoteDone) continue;
      // A stream may rest between two messages, a unary call may rest once it has sent its one.
      const isDue = intake.assembler.isAtBoundary() ? call.replies === undefined && !intake.hasRequest : true;
      if (!isDue || intake.waiting.length > 0 || intake.isInflating) continue;
      if (intake.isQuiet) this.refuse(call, stalled);
      else intake.isQuiet = true;
    }
  }

  /** Ends every open call with that failure, whatever is still to come of it. */
  refuseAll(failure: Failure): void {
    for (const call of [...this.calls.values()]) this.refuse(call, failure);
  }

  /** The peer gave the call up, or broke a rule on it. What its method still answers is dropped. */
  cancel(call: Call): void {
    this.retire(call);
  }

  /** The connection is gone, and with it all calls. */
  cancelAll(): void {
    for (const call of [...this.calls.values()]) this.retire(call);
  }

  answer(call: Call, message: Uint8Array): void {
    if (call.isGone || call.head.answerEncoding === 'identity') this.sendAnswer(call, message, false);
    else
      this.packer.pack(call.head.answerEncoding, message, (bytes, isPacked) => this.sendAnswer(call, bytes, isPacked));
  }

  answerOnStream(reply: StreamReply, message: Uint8Array): void {
    const { isGone, head } = reply.call;
    if (isGone || head.answerEncoding === 'identity') this.sendReply(reply, message, false);
    else this.packer.pack(head.answerEncoding, message, (bytes, isPacked) => this.sendReply(reply, bytes, isPacked));
  }

  private sendAnswer(call: Call, message: Uint8Array, isPacked: boolean): void {
    if (!call.isGone) this.sender.sendUnary(call, message, isPacked);
    this.takeFromHand(call, call);
  }

  private sendReply(reply: StreamReply, message: Uint8Array, isPacked: boolean): void {
    const { call } = reply;
    const replies = call.replies!;
    if (!call.isGone && replies[0] !== reply) {
      reply.early = Buffer.copyBytesFrom(message);
      reply.isEarlyPacked = isPacked;
      this.takeFromHand(call, reply);
      return;
    }
    if (!call.isGone) {
      this.sender.sendMessage(call, message, isPacked);
      replies.shift();
      for (let next = replies[0]; next?.early !== undefined; next = replies[0]) {
        this.sender.sendMessage(call, next.early, next.isEarlyPacked);
        replies.shift();
      }
    }
    this.takeFromHand(call, reply);
    if (!call.isGone) this.reader.resume(call);
  }

  failReply(call: Call, reply: StreamReply | undefined, failure: Failure): void {
    this.refuse(call, failure);
    this.takeFromHand(call, reply ?? call);
  }

  refuse(call: Call, { status, message }: Failure): void {
    if (call.isGone) return;
    const { intake } = call;
    // A unary client whose request is complete is about to end its side; any other is told to stop sending.
    const hasMoreToSend =
      intake !== undefined &&
      !intake.isRemoteDone &&
      (call.replies !== undefined || !intake.hasRequest || !intake.assembler.isAtBoundary());
    const frame = call.areHeadersSent ? encodeTrailers(status, message) : encodeTrailersOnly(status, message);
    this.sender.sendEnd(call, frame);
    if (hasMoreToSend && call.isGone) this.host.resetStream(call.id, 'NO_ERROR');
  }

  /** Call when the end of an answer is on its way. */
  readonly finish = (call: Call): void => this.retire(call);

  handOver(call: Call, reply: Call | StreamReply, bytes: Buffer, start: number, end: number, lent?: Buffer): void {
    const { method } = call.head;
    call.inHand++;
    if (!method.keepsRequest) {
      invoke(call, reply, bytes, start, end);
      if (lent !== undefined) this.pool.takeBack(lent);
      return;
    }
    if (lent !== undefined) {
      reply.kept = lent;
      invoke(call, reply, bytes, start, end);
      return;
    }
    const lead = method.leadOf?.(end - start) ?? 0;
    const kept = this.pool.lend(lead + end - start);
    if (kept === undefined) {
      reply.fail({ status: 'RESOURCE_EXHAUSTED', message: 'no memory left for requests' });
      return;
    }
    reply.kept = kept;
    invoke(call, reply, kept, lead, copyBytes(bytes, start, end, kept, lead));
  }

  handOverPieces(call: Call, reply: Call | StreamReply, message: MessagePieces): void {
    call.inHand++;
    reply.keptPiecesBytes = message.byteLength;
    try {
      call.head.method.invokePieces!(message, reply);
    } catch (thrown) {
      reply.fail({ status: 'INTERNAL', message: messageOf(thrown) });
    }
  }

  private createAssembler({ method }: AcceptedHead): MessageAssembler | PieceAssembler {
    const { pool, budget, limits, host } = this;
    const { maxMessageBytes } = limits;
    if (host.isKept === undefined || method.invokePieces === undefined) {
      return new MessageAssembler(pool, maxMessageBytes, method.leadOf);
    }
    return new PieceAssembler({ pool, budget, maxMessageBytes, isKept: host.isKept }, method.leadOf);
  }

  /** A request was answered: its memory is free again, and a call that is gone is over. */
  private takeFromHand(call: Call, reply: Call | StreamReply): void {
    if (reply.kept !== undefined) {
      this.pool.takeBack(reply.kept);
      reply.kept = undefined;
    }
    this.budget.giveBack(reply.keptPiecesBytes);
    reply.keptPiecesBytes = 0;
    this.release(call);
  }

  release(call: Call): void {
    call.inHand--;
    if (call.isGone && call.inHand === 0) this.close();
  }

  private retire(call: Call): void {
    if (call.isGone) return;
    call.isGone = true;
    this.calls.delete(call.id);
    if (call.deadline !== undefined) clearTimeout(call.deadline);
    this.sender.forget(call);
    this.reader.drop(call);
    if (call.inHand === 0) this.close();
  }

  private close(): void {
    this.openCount--;
    if (this.openCount === 0) this.host.onIdle();
  }

  private startDeadline(call: Call, timeoutMs: number): void {
    if (timeoutMs > MAX_TIMER_MS) return;
    call.deadline = setTimeout(() => {
      this.refuse(call, { status: 'DEADLINE_EXCEEDED', message: 'Deadline Exceeded' });
      if (call.isGone) return;
      // Answers wait for the peer's window, and the status behind them would come too late.
      this.host.resetStream(call.id, 'CANCEL');
      this.retire(call);
    }, timeoutMs);
  }

  endStream(call: Call): void {
    this.sender.sendEnd(call, call.areHeadersSent ? okTrailers : encodeTrailersOnly('OK', ''));
  }
}

const stalled: Failure = { status: 'DEADLINE_EXCEEDED', message: 'the request stopped arriving' };

/** A method's own error is a fault of the engine, and the caller learns of it. */
function invoke(call: Call, reply: Call | StreamReply, bytes: Buffer, start: number, end: number): void {
  try {
    call.head.method.invoke(bytes, start, end, reply);
  } catch (thrown) {
    reply.fail({ status: 'INTERNAL', message: messageOf(thrown) });
  }
}
