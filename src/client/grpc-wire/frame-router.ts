/**
 * Routes the frames that a server sends on one connection: answers to their calls, windows and limits to the sender.
 * A fault of the server leaves as ConnectionError, or ends one call here.
 */
import type { Buffer } from 'node:buffer';
import type { FrameSink } from '../../http2/frame-reader.js';
import { encodePing, encodeSettingsAck, encodeWindowUpdate } from '../../http2/frame-writer.js';
import { ConnectionError } from '../../http2/http2-error.js';
import { frameFlags, frameTypes, MAX_31_BITS } from '../../http2/protocol-constants.js';
import { type AnswerHead, AnswerHeads } from './answer-heads.js';
import type { AnswerMessages } from './answer-messages.js';
import { type CallSlots, callFlags } from './call-slots.js';
import { answered, answerWithoutStatus, type Ending, malformedAnswer } from './ending.js';
import { endingOfReset } from './reset-ending.js';
import { readServerSettings, type ServerSettings } from './server-settings.js';
import type { StreamSender } from './stream-sender.js';
import type { StreamTable } from './stream-table.js';
import type { WireOutput } from './wire-output.js';

const { END_STREAM, END_HEADERS, PADDED, PRIORITY, ACK } = frameFlags;
const PRIORITY_BYTES = 5;
/** Granted for the connection, and again when half of it is used; a stream gets all that a message can be. */
export const RECEIVE_WINDOW_BYTES = 2 ** 28;

export interface RouterParts {
  readonly output: WireOutput;
  readonly slots: CallSlots;
  readonly streams: StreamTable;
  readonly sender: StreamSender;
  readonly messages: AnswerMessages;
  /** The call has ended; `isAnswerOver` is false while the server may still send on its stream. */
  endCall(slot: number, ending: Ending, isAnswerOver: boolean): void;
  /** The server's settings came and have been applied. */
  onSettings(): void;
  /** The server takes no streams above `lastStreamId`. */
  onGoAway(lastStreamId: number): void;
}

export class FrameRouter implements FrameSink {
  /** When the bytes being read were there. */
  instantNs = 0;
  readonly #parts: RouterParts;
  readonly #slots: CallSlots;
  readonly #streams: StreamTable;
  readonly #messages: AnswerMessages;
  readonly #heads = new AnswerHeads();
  #hasSettings = false;
  /** Answer bytes that the server may still send, and those to be granted again. */
  #windowLeft = RECEIVE_WINDOW_BYTES;
  #readBytes = 0;

  constructor(parts: RouterParts) {
    this.#parts = parts;
    this.#slots = parts.slots;
    this.#streams = parts.streams;
    this.#messages = parts.messages;
  }

  onFrame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    if (!this.#hasSettings || this.#heads.openStreamId !== 0) this.#checkOrder(type, flags, streamId);
    if (type === frameTypes.DATA) this.#onData(flags, streamId, bytes, start, end);
    else if (type === frameTypes.HEADERS) this.#onHeaders(flags, streamId, bytes, start, end);
    else this.#onOther(type, flags, streamId, bytes, start, end);
  }

  onDataPart(flags: number, streamId: number, bytes: Buffer, start: number, end: number, isLast: boolean): void {
    if (!this.#hasSettings || this.#heads.openStreamId !== 0) this.#checkOrder(frameTypes.DATA, flags, streamId);
    this.#takeData(streamId, bytes, start, end, end - start, isLast && (flags & END_STREAM) !== 0);
  }

  #checkOrder(type: number, flags: number, streamId: number): void {
    if (!this.#hasSettings && (type !== frameTypes.SETTINGS || (flags & ACK) !== 0)) {
      throw new ConnectionError('PROTOCOL_ERROR', 'the server does not begin with SETTINGS');
    }
    const { openStreamId } = this.#heads;
    if (openStreamId !== 0 && (type !== frameTypes.CONTINUATION || streamId !== openStreamId)) {
      throw new ConnectionError('PROTOCOL_ERROR', 'a header block is interrupted');
    }
  }

  #onData(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    const isLast = (flags & END_STREAM) !== 0;
    if ((flags & PADDED) === 0) this.#takeData(streamId, bytes, start, end, end - start, isLast);
    else this.#takeData(streamId, bytes, start + 1, unpaddedEnd(bytes, start, end), end - start, isLast);
  }

  /** `windowBytes` counts padding too. */
  #takeData(id: number, bytes: Buffer, start: number, end: number, windowBytes: number, isLast: boolean): void {
    this.#windowLeft -= windowBytes;
    if (this.#windowLeft < 0) throw new ConnectionError('FLOW_CONTROL_ERROR', 'DATA beyond the connection window');
    this.#readBytes += windowBytes;
    if (this.#readBytes > RECEIVE_WINDOW_BYTES / 2) this.#grant();
    const slot = this.#streams.find(id);
    if (slot < 0) this.#checkUsed(id, 'DATA');
    else if ((this.#slots.flags[slot]! & callFlags.hasHead) === 0) this.#parts.endCall(slot, malformedAnswer, isLast);
    else if (!this.#messages.take(slot, bytes, start, end)) this.#parts.endCall(slot, malformedAnswer, isLast);
    else if (isLast) this.#parts.endCall(slot, answerWithoutStatus, true);
  }

  #grant(): void {
    this.#parts.output.write(encodeWindowUpdate(0, this.#readBytes));
    this.#windowLeft += this.#readBytes;
    this.#readBytes = 0;
  }

  #onHeaders(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    let from = start;
    let to = end;
    if ((flags & (PADDED | PRIORITY)) !== 0) {
      if ((flags & PADDED) !== 0) {
        to = unpaddedEnd(bytes, start, end);
        from++;
      }
      if ((flags & PRIORITY) !== 0) from += PRIORITY_BYTES;
      requireLength(from <= to, 'HEADERS');
    }
    if ((flags & END_HEADERS) === 0) {
      this.#checkUsed(streamId, 'HEADERS');
      this.#heads.begin(streamId, flags, bytes, from, to);
    } else this.#onHead(streamId, flags, this.#heads.read(bytes, from, to));
  }

  #onHead(streamId: number, flags: number, head: AnswerHead): void {
    const slot = this.#streams.find(streamId);
    if (slot < 0) {
      this.#checkUsed(streamId, 'HEADERS');
      return;
    }
    const slots = this.#slots;
    const isFirst = (slots.flags[slot]! & callFlags.hasHead) === 0;
    if ((flags & END_STREAM) !== 0) {
      if (isFirst) slots.firstByteNs[slot] = this.instantNs;
      const { ending } = head;
      this.#parts.endCall(slot, ending === answered ? this.#messages.judge(slot) : ending, true);
    } else if (!isFirst) this.#parts.endCall(slot, malformedAnswer, false);
    else if (head.httpStatus === 200) {
      slots.firstByteNs[slot] = this.instantNs;
      slots.flags[slot] = slots.flags[slot]! | callFlags.hasHead;
      if (head.encoding !== undefined || (slots.flags[slot]! & (callFlags.isCheck | callFlags.isRead)) !== 0) {
        this.#messages.keep(slot, head.encoding);
      }
    } else if (head.httpStatus < 100 || head.httpStatus > 199) {
      this.#parts.endCall(slot, head.ending === answered ? malformedAnswer : head.ending, false);
    }
  }

  #onOther(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    if (type === frameTypes.WINDOW_UPDATE) this.#onWindowUpdate(streamId, bytes, start, end);
    else if (type === frameTypes.PING) this.#onPing(flags, streamId, bytes, start, end);
    else if (type === frameTypes.SETTINGS) this.#onSettings(flags, streamId, bytes, start, end);
    else if (type === frameTypes.RST_STREAM) this.#onRstStream(streamId, bytes, start, end);
    else if (type === frameTypes.GOAWAY) this.#onGoAway(streamId, bytes, start, end);
    else if (type === frameTypes.CONTINUATION) this.#onContinuation(flags, streamId, bytes, start, end);
    else if (type === frameTypes.PUSH_PROMISE) throw new ConnectionError('PROTOCOL_ERROR', 'the server pushes');
  }

  #onContinuation(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    if (this.#heads.openStreamId === 0) throw new ConnectionError('PROTOCOL_ERROR', 'CONTINUATION without HEADERS');
    const head = this.#heads.add(flags, bytes, start, end);
    if (head !== undefined) this.#onHead(streamId, this.#heads.openFlags, head);
  }

  #onSettings(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    if (streamId !== 0) throw new ConnectionError('PROTOCOL_ERROR', 'SETTINGS on a stream');
    if ((flags & ACK) !== 0) {
      requireLength(end === start, 'SETTINGS acknowledgement');
      return;
    }
    const settings: ServerSettings = readServerSettings(bytes, start, end);
    this.#hasSettings = true;
    this.#parts.output.write(encodeSettingsAck());
    this.#parts.sender.applySettings(settings);
    this.#parts.onSettings();
  }

  #onPing(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    if (streamId !== 0) throw new ConnectionError('PROTOCOL_ERROR', 'PING on a stream');
    requireLength(end - start === 8, 'PING');
    if ((flags & ACK) === 0) this.#parts.output.write(encodePing(bytes.subarray(start, end), true));
  }

  #onWindowUpdate(streamId: number, bytes: Buffer, start: number, end: number): void {
    requireLength(end - start === 4, 'WINDOW_UPDATE');
    const increment = bytes.readUInt32BE(start) & MAX_31_BITS;
    if (streamId === 0) {
      if (increment === 0) throw new ConnectionError('PROTOCOL_ERROR', 'WINDOW_UPDATE of 0');
      this.#parts.sender.growConnectionWindow(increment);
      return;
    }
    const slot = this.#streams.find(streamId);
    if (slot < 0) this.#checkUsed(streamId, 'WINDOW_UPDATE');
    else if (increment === 0 || !this.#parts.sender.growStreamWindow(slot, increment)) {
      this.#parts.endCall(slot, malformedAnswer, false);
    }
  }

  #onRstStream(streamId: number, bytes: Buffer, start: number, end: number): void {
    requireLength(end - start === 4, 'RST_STREAM');
    const slot = this.#streams.find(streamId);
    if (slot < 0) this.#checkUsed(streamId, 'RST_STREAM');
    else this.#parts.endCall(slot, endingOfReset(bytes.readUInt32BE(start)), true);
  }

  #onGoAway(streamId: number, bytes: Buffer, start: number, end: number): void {
    if (streamId !== 0) throw new ConnectionError('PROTOCOL_ERROR', 'GOAWAY on a stream');
    requireLength(end - start >= 8, 'GOAWAY');
    this.#parts.onGoAway(bytes.readUInt32BE(start) & MAX_31_BITS);
  }

  /** A frame for a call that is over means nothing; one for a stream that this side never opened is a fault. */
  #checkUsed(streamId: number, what: string): void {
    if (streamId % 2 === 1 && streamId < this.#parts.sender.nextId) return;
    throw new ConnectionError('PROTOCOL_ERROR', `${what} on stream ${streamId}, which is not open`);
  }
}

/** Where the payload of a padded frame ends. */
function unpaddedEnd(bytes: Buffer, start: number, end: number): number {
  const padding = start < end ? bytes[start]! : end;
  if (padding >= end - start) throw new ConnectionError('PROTOCOL_ERROR', 'padding longer than its frame');
  return end - padding;
}

function requireLength(isRight: boolean, what: string): void {
  if (!isRight) throw new ConnectionError('FRAME_SIZE_ERROR', `${what} of a wrong length`);
}
