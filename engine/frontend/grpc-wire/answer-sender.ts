/**
 * Writes answers as frames, within the windows that the peer grants. What they hold back waits here and goes out in
 * turns as they open.
 */
import { Buffer } from 'node:buffer';
import { copyBytes } from '../../../src/http2/copy-bytes.js';
import { patchStreamId, writeFrameHeader, writeUint32 } from '../../../src/http2/frame-writer.js';
import { ConnectionError, StreamError } from '../../../src/http2/http2-error.js';
import { MESSAGE_PREFIX_BYTES } from '../../../src/http2/message-assembler.js';
import {
  DEFAULT_MAX_FRAME_BYTES,
  DEFAULT_WINDOW_BYTES,
  FRAME_HEADER_BYTES,
  frameTypes,
  MAX_31_BITS,
} from '../../../src/http2/protocol-constants.js';
import { answerHeaders, okTrailers } from './answer-frames.js';
import type { Call, Outgoing } from './call.js';
import type { SocketOutput } from './socket-output.js';

/** DATA frames are no larger than this even where the peer takes more: a turn of a waiting call sends one of them. */
const LARGEST_DATA_BYTES = 65_536;

export class AnswerSender {
  /** Bytes of answers that wait for the peer's windows. */
  waitingBytes = 0;
  /** Grows with everything that is sent for calls. */
  sentCount = 0;
  private window = DEFAULT_WINDOW_BYTES;
  private initialWindow = DEFAULT_WINDOW_BYTES;
  private maxDataBytes = DEFAULT_MAX_FRAME_BYTES;
  private readonly waiting = new Set<Call>();
  private readonly output: SocketOutput;
  private readonly maxPendingBytes: number;
  private readonly onSent: (call: Call) => void;

  /** `onSent` is called for each call whose end is on its way. */
  constructor(output: SocketOutput, maxPendingBytes: number, onSent: (call: Call) => void) {
    this.output = output;
    this.maxPendingBytes = maxPendingBytes;
    this.onSent = onSent;
  }

  /** Sends the whole answer of a unary call. */
  sendUnary(call: Call, message: Uint8Array, isPacked: boolean): void {
    this.sentCount++;
    const size = MESSAGE_PREFIX_BYTES + message.length;
    if (size <= this.maxDataBytes && size <= this.window && size <= this.initialWindow + call.windowOffset) {
      this.sendInOneGo(call, message, size, isPacked);
      this.onSent(call);
      return;
    }
    this.sendMessage(call, message, isPacked);
    this.sendEnd(call, okTrailers);
  }

  /** Sends one message; the call goes on. */
  sendMessage(call: Call, message: Uint8Array, isPacked: boolean): void {
    this.sentCount++;
    if (!call.areHeadersSent) this.writePatched(answerHeaders[call.head.answerEncoding], call.id);
    call.areHeadersSent = true;
    const size = MESSAGE_PREFIX_BYTES + message.length;
    if (call.outgoing === undefined && size <= this.window && size <= this.initialWindow + call.windowOffset) {
      this.window -= size;
      call.windowOffset -= size;
      this.writeMessage(call.id, message, isPacked);
    } else this.hold(call, message, isPacked);
  }

  /** Ends the call with a frame whose stream id is to be patched, after everything that still waits for it. */
  sendEnd(call: Call, frame: Buffer): void {
    this.sentCount++;
    if (call.outgoing !== undefined) {
      call.outgoing.end ??= frame;
      return;
    }
    this.writePatched(frame, call.id);
    this.onSent(call);
  }

  /** Drops what waits for the call. */
  forget(call: Call): void {
    if (call.outgoing === undefined) return;
    for (const piece of call.outgoing.pieces) this.waitingBytes -= piece.length;
    this.waitingBytes += call.outgoing.sentOfFirst;
    call.outgoing = undefined;
    this.waiting.delete(call);
  }

  /** Writes a frame that was made with stream id 0. */
  writePatched(frame: Buffer, streamId: number): void {
    const at = this.output.reserve(frame.length);
    copyBytes(frame, 0, frame.length, this.output.bytes, at);
    patchStreamId(this.output.bytes, at, streamId);
  }

  /** A WINDOW_UPDATE of the connection. Throws ConnectionError when the window would grow beyond 31 bits. */
  growConnectionWindow(increment: number): void {
    this.window += increment;
    if (this.window > MAX_31_BITS) throw new ConnectionError('FLOW_CONTROL_ERROR', 'connection window overflows');
    this.pump();
  }

  /** A WINDOW_UPDATE of a stream. Throws StreamError when the window would grow beyond 31 bits. */
  growStreamWindow(call: Call, increment: number): void {
    call.windowOffset += increment;
    if (this.initialWindow + call.windowOffset > MAX_31_BITS) {
      throw new StreamError('FLOW_CONTROL_ERROR', call.id, 'stream window overflows');
    }
    this.pump();
  }

  /** The peer's settings, already checked; the initial window also moves the windows of open calls. */
  applySettings(initialWindow: number | undefined, maxFrameBytes: number | undefined): void {
    if (maxFrameBytes !== undefined) this.maxDataBytes = Math.min(maxFrameBytes, LARGEST_DATA_BYTES);
    if (initialWindow === undefined) return;
    this.initialWindow = initialWindow;
    this.pump();
  }

  /** Lets waiting calls send in turns, one frame each, until the windows are used up or the socket is full. */
  pump(): void {
    let hasMoved = true;
    while (hasMoved && this.window > 0 && this.waiting.size > 0) {
      hasMoved = false;
      for (const call of [...this.waiting]) {
        if (this.output.isFull(this.maxPendingBytes)) return;
        if (call.outgoing !== undefined && this.sendPart(call, call.outgoing)) hasMoved = true;
      }
    }
  }

  private sendInOneGo(call: Call, message: Uint8Array, size: number, isPacked: boolean): void {
    this.window -= size;
    const streamId = call.id;
    const headers = answerHeaders[call.head.answerEncoding];
    const total = headers.length + FRAME_HEADER_BYTES + size + okTrailers.length;
    const start = this.output.reserve(total);
    const target = this.output.bytes;
    let at = copyBytes(headers, 0, headers.length, target, start);
    patchStreamId(target, start, streamId);
    at = writeFrameHeader(target, at, size, frameTypes.DATA, 0, streamId);
    at = writePrefix(target, at, message.length, isPacked);
    at = copyBytes(message, 0, message.length, target, at);
    copyBytes(okTrailers, 0, okTrailers.length, target, at);
    patchStreamId(target, at, streamId);
  }

  /** DATA frames with the prefix and all of the message. */
  private writeMessage(streamId: number, message: Uint8Array, isPacked: boolean): void {
    let sent = 0;
    let prefix = MESSAGE_PREFIX_BYTES;
    do {
      const count = Math.min(message.length - sent, this.maxDataBytes - prefix);
      let at = this.output.reserve(FRAME_HEADER_BYTES + prefix + count);
      const target = this.output.bytes;
      at = writeFrameHeader(target, at, prefix + count, frameTypes.DATA, 0, streamId);
      if (prefix > 0) at = writePrefix(target, at, message.length, isPacked);
      copyBytes(message, sent, sent + count, target, at);
      sent += count;
      prefix = 0;
    } while (sent < message.length);
  }

  private hold(call: Call, message: Uint8Array, isPacked: boolean): void {
    const piece = Buffer.allocUnsafeSlow(MESSAGE_PREFIX_BYTES + message.length);
    piece.set(message, writePrefix(piece, 0, message.length, isPacked));
    call.outgoing ??= { pieces: [], sentOfFirst: 0, end: undefined };
    call.outgoing.pieces.push(piece);
    this.waiting.add(call);
    this.waitingBytes += piece.length;
    this.pump();
  }

  /** Sends what one frame takes. Returns false when the stream's window is used up. */
  private sendPart(call: Call, outgoing: Outgoing): boolean {
    const first = outgoing.pieces[0]!;
    const window = Math.min(this.window, this.initialWindow + call.windowOffset);
    const count = Math.min(first.length - outgoing.sentOfFirst, window, this.maxDataBytes);
    if (count <= 0) return false;
    const at = this.output.reserve(FRAME_HEADER_BYTES + count);
    const target = this.output.bytes;
    const payload = writeFrameHeader(target, at, count, frameTypes.DATA, 0, call.id);
    copyBytes(first, outgoing.sentOfFirst, outgoing.sentOfFirst + count, target, payload);
    this.window -= count;
    call.windowOffset -= count;
    this.waitingBytes -= count;
    outgoing.sentOfFirst += count;
    if (outgoing.sentOfFirst === first.length) this.finishPiece(call, outgoing);
    return true;
  }

  private finishPiece(call: Call, outgoing: Outgoing): void {
    outgoing.pieces.shift();
    outgoing.sentOfFirst = 0;
    if (outgoing.pieces.length > 0) return;
    this.waiting.delete(call);
    call.outgoing = undefined;
    if (outgoing.end !== undefined) this.sendEnd(call, outgoing.end);
  }
}

/** A message of `length` bytes follows. */
function writePrefix(target: Uint8Array, at: number, length: number, isPacked: boolean): number {
  target[at] = isPacked ? 1 : 0;
  writeUint32(target, at + 1, length);
  return at + MESSAGE_PREFIX_BYTES;
}
