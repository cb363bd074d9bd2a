/**
 * Routes the frames of one connection by HTTP/2's rules: what opens, feeds or ends a call goes to the call table, what
 * moves a window to the sender. A peer's fault leaves as ConnectionError, or ends one stream here.
 */
import { Buffer } from 'node:buffer';
import type { FrameSink } from '../../../src/http2/frame-reader.js';
import { encodePing, encodeRstStream, encodeSettingsAck } from '../../../src/http2/frame-writer.js';
import { ConnectionError, StreamError } from '../../../src/http2/http2-error.js';
import { MESSAGE_PREFIX_BYTES } from '../../../src/http2/message-assembler.js';
import { frameFlags, frameTypes, MAX_31_BITS } from '../../../src/http2/protocol-constants.js';
import type { AnswerSender } from './answer-sender.js';
import type { CallTable } from './call-table.js';
import { readPeerSettings } from './peer-settings.js';
import type { ReceiveWindow } from './receive-window.js';
import type { AcceptedHead, RequestHead } from './request-head.js';
import type { RequestHeads } from './request-heads.js';
import type { SocketOutput } from './socket-output.js';

const { END_STREAM, END_HEADERS, PADDED, PRIORITY, ACK } = frameFlags;

const PRIORITY_BYTES = 5;
const bytesOfNothing = Buffer.alloc(0);

/** The parts of a connection that frames go to. */
export interface RouterParts {
  readonly output: SocketOutput;
  readonly sender: AnswerSender;
  readonly calls: CallTable;
  readonly heads: RequestHeads;
  readonly window: ReceiveWindow;
  readonly maxMessageBytes: number;
  /** The peer's first SETTINGS came: the connection stands. */
  onEstablished(): void;
  /** The peer asks for an answer to a PING. Throws ConnectionError when it does so too often. */
  onPing(): void;
  /** The peer answered a PING. */
  onPong(opaque: Uint8Array): void;
}

export class FrameRouter implements FrameSink {
  /** The highest stream that the peer opened. */
  lastStreamId = 0;
  /** Streams above it are refused. */
  acceptedUpTo = MAX_31_BITS;
  private hasSettings = false;
  /** The call whose headers came last and whose DATA, if it follows at once, needs no bookkeeping; 0 for none. */
  private awaitedId = 0;
  private awaitedHead: AcceptedHead | undefined;
  private readonly parts: RouterParts;
  private readonly calls: CallTable;
  private readonly heads: RequestHeads;

  constructor(parts: RouterParts) {
    this.parts = parts;
    this.calls = parts.calls;
    this.heads = parts.heads;
  }

  onFrame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    const isWholeRequest =
      type === frameTypes.DATA &&
      streamId === this.awaitedId &&
      (flags & (END_STREAM | PADDED)) === END_STREAM &&
      isWholeMessage(bytes, start, end) &&
      end - start <= this.parts.maxMessageBytes;
    if (isWholeRequest) {
      this.parts.window.take(end - start);
      this.parts.window.credit(end - start);
      this.awaitedId = 0;
      this.calls.runWhole(streamId, this.awaitedHead!, bytes, start + MESSAGE_PREFIX_BYTES, end);
      return;
    }
    this.checkOrder(type, streamId);
    try {
      this.route(type, flags, streamId, bytes, start, end);
    } catch (thrown) {
      this.failStream(thrown);
    }
  }

  onDataPart(flags: number, streamId: number, bytes: Buffer, start: number, end: number, isLast: boolean): void {
    this.checkOrder(frameTypes.DATA, streamId);
    try {
      this.receive(streamId, bytes, start, end, 0, isLast && (flags & END_STREAM) !== 0);
    } catch (thrown) {
      this.failStream(thrown);
    }
  }

  private failStream(thrown: unknown): void {
    if (!(thrown instanceof StreamError)) throw thrown;
    this.parts.output.write(encodeRstStream(thrown.streamId, thrown.code));
    const call = this.calls.find(thrown.streamId);
    if (call !== undefined) this.calls.cancel(call);
  }

  private route(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    if (type === frameTypes.HEADERS) this.onHeaders(flags, streamId, bytes, start, end);
    else if (type === frameTypes.DATA) this.onData(flags, streamId, bytes, start, end);
    else if (type === frameTypes.WINDOW_UPDATE) this.onWindowUpdate(streamId, bytes, start, end);
    else if (type === frameTypes.PING) this.onPing(flags, streamId, bytes, start, end);
    else if (type === frameTypes.SETTINGS) this.onSettings(flags, streamId, bytes, start, end);
    else if (type === frameTypes.RST_STREAM) this.onRstStream(streamId, end - start);
    else if (type === frameTypes.CONTINUATION) this.onContinuation(flags, streamId, bytes, start, end);
    else if (type === frameTypes.PRIORITY) checkPriority(streamId, end - start);
    else if (type === frameTypes.GOAWAY) requireLength(end - start >= 8, 'GOAWAY');
    else if (type === frameTypes.PUSH_PROMISE) throw new ConnectionError('PROTOCOL_ERROR', 'a client does not push');
  }

  private onData(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    const [from, to] = unpad(flags, bytes, start, end);
    this.receive(streamId, bytes, from, to, end - start - (to - from), (flags & END_STREAM) !== 0);
  }

  private receive(streamId: number, bytes: Buffer, from: number, to: number, padding: number, isLast: boolean): void {
    requireStream(streamId);
    this.parts.window.take(to - from + padding);
    const call = this.calls.find(streamId);
    if (call !== undefined) this.calls.receive(call, bytes, from, to, padding, isLast);
    else if (streamId > this.lastStreamId) throw new ConnectionError('PROTOCOL_ERROR', 'DATA on an idle stream');
    else this.parts.window.credit(to - from + padding);
  }

  private onHeaders(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    requireStream(streamId);
    const [unpadded, to] = unpad(flags, bytes, start, end);
    const from = unpadded + ((flags & PRIORITY) === 0 ? 0 : PRIORITY_BYTES);
    requireLength(from <= to, 'HEADERS');
    if ((flags & END_HEADERS) === 0) this.heads.begin(streamId, flags, bytes, from, to);
    else this.onHead(streamId, flags, this.heads.read(bytes, from, to));
  }

  private onContinuation(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    const head = this.heads.add(flags, bytes, start, end);
    if (head !== undefined) this.onHead(streamId, this.heads.flags, head);
  }

  private onHead(streamId: number, flags: number, head: RequestHead): void {
    const isLast = (flags & END_STREAM) !== 0;
    if (streamId <= this.lastStreamId) {
      this.onRequestTrailers(streamId, isLast);
      return;
    }
    if (streamId % 2 === 0) throw new ConnectionError('PROTOCOL_ERROR', 'a client opens odd streams');
    this.lastStreamId = streamId;
    if (streamId > this.acceptedUpTo || !this.calls.hasRoom()) {
      this.parts.output.write(encodeRstStream(streamId, 'REFUSED_STREAM'));
    } else if (head.kind === 'malformed') {
      throw new StreamError('PROTOCOL_ERROR', streamId, head.message);
    } else if (head.kind === 'refused') {
      this.parts.sender.writePatched(head.answer, streamId);
    } else if (isLast) {
      this.calls.receive(this.calls.open(streamId, head), bytesOfNothing, 0, 0, 0, true);
    } else {
      this.awaitedId = streamId;
      this.awaitedHead = head;
    }
  }

  /** A second HEADERS on a stream ends the request. On a stream that is over it means nothing. */
  private onRequestTrailers(streamId: number, isLast: boolean): void {
    const call = this.calls.find(streamId);
    if (call === undefined) return;
    if (!isLast) throw new StreamError('PROTOCOL_ERROR', streamId, 'trailers that do not end the request');
    this.calls.receive(call, bytesOfNothing, 0, 0, 0, true);
  }

  /** The call that waits for its DATA needs bookkeeping after all. */
  openAwaited(): void {
    if (this.awaitedId === 0) return;
    this.calls.open(this.awaitedId, this.awaitedHead!);
    this.awaitedId = 0;
  }

  private onSettings(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    if (streamId !== 0) throw new ConnectionError('PROTOCOL_ERROR', 'SETTINGS on a stream');
    if ((flags & ACK) !== 0) {
      requireLength(end === start, 'SETTINGS acknowledgement');
      return;
    }
    const { initialWindow, maxFrameBytes } = readPeerSettings(bytes, start, end);
    if (!this.hasSettings) this.parts.onEstablished();
    this.hasSettings = true;
    this.parts.output.write(encodeSettingsAck());
    this.parts.sender.applySettings(initialWindow, maxFrameBytes);
    this.calls.resumeHeld();
  }

  private onPing(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    if (streamId !== 0) throw new ConnectionError('PROTOCOL_ERROR', 'PING on a stream');
    requireLength(end - start === 8, 'PING');
    const opaque = bytes.subarray(start, end);
    if ((flags & ACK) !== 0) {
      this.parts.onPong(opaque);
      return;
    }
    this.parts.onPing();
    this.parts.output.write(encodePing(opaque, true));
  }

  private onWindowUpdate(streamId: number, bytes: Buffer, start: number, end: number): void {
    requireLength(end - start === 4, 'WINDOW_UPDATE');
    const increment = bytes.readUInt32BE(start) & MAX_31_BITS;
    if (streamId === 0) {
      if (increment === 0) throw new ConnectionError('PROTOCOL_ERROR', 'WINDOW_UPDATE of 0');
      this.parts.sender.growConnectionWindow(increment);
    } else {
      this.requireKnown(streamId, 'WINDOW_UPDATE');
      if (increment === 0) throw new StreamError('PROTOCOL_ERROR', streamId, 'WINDOW_UPDATE of 0');
      const call = this.calls.find(streamId);
      if (call !== undefined) this.parts.sender.growStreamWindow(call, increment);
    }
    this.calls.resumeHeld();
  }

  private onRstStream(streamId: number, length: number): void {
    requireLength(length === 4, 'RST_STREAM');
    requireStream(streamId);
    this.requireKnown(streamId, 'RST_STREAM');
    const call = this.calls.find(streamId);
    if (call !== undefined) this.calls.cancel(call);
  }

  private requireKnown(streamId: number, what: string): void {
    if (streamId > this.lastStreamId) throw new ConnectionError('PROTOCOL_ERROR', `${what} on an idle stream`);
  }

  private checkOrder(type: number, streamId: number): void {
    this.openAwaited();
    if (!this.hasSettings && type !== frameTypes.SETTINGS) {
      throw new ConnectionError('PROTOCOL_ERROR', 'the first frame is not SETTINGS');
    }
    const openId = this.heads.openStreamId;
    if (openId !== 0 && (type !== frameTypes.CONTINUATION || streamId !== openId)) {
      throw new ConnectionError('PROTOCOL_ERROR', 'a header block is interrupted');
    }
  }
}

/** One uncompressed message that fills the payload exactly. */
const isWholeMessage = (bytes: Buffer, start: number, end: number): boolean =>
  end - start >= MESSAGE_PREFIX_BYTES &&
  bytes[start] === 0 &&
  ((bytes[start + 1]! << 24) | (bytes[start + 2]! << 16) | (bytes[start + 3]! << 8) | bytes[start + 4]!) ===
    end - start - MESSAGE_PREFIX_BYTES;

/** Bounds of the payload without padding. */
function unpad(flags: number, bytes: Buffer, start: number, end: number): readonly [from: number, to: number] {
  if ((flags & PADDED) === 0) return [start, end];
  requireLength(end > start, 'padded frame');
  const to = end - bytes[start]!;
  if (to < start + 1) throw new ConnectionError('PROTOCOL_ERROR', 'more padding than payload');
  return [start + 1, to];
}

function requireLength(isRight: boolean, what: string): void {
  if (!isRight) throw new ConnectionError('FRAME_SIZE_ERROR', `${what} of wrong length`);
}

function requireStream(streamId: number): void {
  if (streamId === 0) throw new ConnectionError('PROTOCOL_ERROR', 'the frame belongs on a stream');
}

/** Priorities are obsolete and have no effect here. */
function checkPriority(streamId: number, length: number): void {
  requireStream(streamId);
  if (length !== PRIORITY_BYTES) throw new StreamError('FRAME_SIZE_ERROR', streamId, 'PRIORITY of wrong length');
}
