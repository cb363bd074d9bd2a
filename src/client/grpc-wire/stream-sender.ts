/**
 * Opens streams and sends requests on one connection, as far as the server's limits and windows allow. A request that
 * fits them leaves as one copy of frames made beforehand; any other goes out piece by piece as windows open.
 */
import { copyBytes } from '../../http2/copy-bytes.js';
import { patchStreamId, writeFrameHeader } from '../../http2/frame-writer.js';
import { ConnectionError } from '../../http2/http2-error.js';
import {
  DEFAULT_WINDOW_BYTES,
  FRAME_HEADER_BYTES,
  frameFlags,
  frameTypes,
  MAX_31_BITS,
} from '../../http2/protocol-constants.js';
import { type CallSlots, callFlags } from './call-slots.js';
import {
  DATA_FRAME_BYTES,
  HEAD_ROOM_BYTES,
  type PreparedBody,
  patchBody,
  patchHead,
  placeInFrames,
} from './request-frames.js';
import { type HeadFrames, RequestHeads } from './request-heads.js';
import type { ServerSettings } from './server-settings.js';
import { SlotList } from './slot-list.js';
import type { StreamTable } from './stream-table.js';
import type { WireOutput } from './wire-output.js';

/** A request with more bytes is not staged as a whole, but written from where it lies, or piece by piece. */
const MAX_WHOLE_BYTES = 64 * 1024;

export interface PreparedRequest extends PreparedBody {
  /** A head of its own instead of the client's common one. */
  readonly head: Buffer | undefined;
}

export interface SenderParts {
  readonly output: WireOutput;
  readonly slots: CallSlots;
  readonly streams: StreamTable;
  readonly requests: readonly (PreparedRequest | undefined)[];
  readonly heads: HeadFrames;
  /** Stored with each call that is sent here. */
  readonly connectionNumber: number;
  /** Ids above it are not used; 2^31 - 1 but for tests. */
  readonly lastStreamId: number;
}

export class StreamSender {
  /** The id of the next stream; smaller odd ones have been used. */
  nextId = 1;
  maxConcurrentStreams = MAX_31_BITS;
  readonly #parts: SenderParts;
  readonly #heads: RequestHeads;
  #window = DEFAULT_WINDOW_BYTES;
  #initialWindow = DEFAULT_WINDOW_BYTES;
  /** Calls whose body is not sent to its end. */
  readonly #unsent = new SlotList();

  constructor(parts: SenderParts) {
    this.#parts = parts;
    this.#heads = new RequestHeads(parts.heads);
  }

  get hasIds(): boolean {
    return this.nextId <= this.#parts.lastStreamId;
  }

  /** True when one more stream may be opened now. */
  get hasRoom(): boolean {
    const { streams, output } = this.#parts;
    return streams.size < this.maxConcurrentStreams && this.hasIds && !output.isFull;
  }

  /** Sends the call's request on a new stream. Only while `hasRoom`. Timing-critical. */
  open(slot: number): void {
    const { slots, streams, requests, output } = this.#parts;
    const id = this.nextId;
    this.nextId = id + 2;
    streams.add(id, slot);
    slots.beginStream(slot, id, this.#parts.connectionNumber);
    const request = requests[slots.request[slot]!]!;
    const { head: ownHead, frames, bodyBytes } = request;
    const head = ownHead === undefined ? this.#heads.next() : this.#heads.nextInstead(ownHead);
    const length = head.length + frames.length;
    const fits = bodyBytes <= this.#window && bodyBytes <= this.#initialWindow;
    if (!fits || length > MAX_WHOLE_BYTES) {
      if (fits && !request.isLent && head.length <= HEAD_ROOM_BYTES) this.#sendInPlace(slot, id, head, request);
      else this.#beginBody(slot, id, head);
      return;
    }
    const at = output.reserve(length);
    const bodyAt = copyBytes(head, 0, head.length, output.bytes, at);
    copyBytes(frames, 0, frames.length, output.bytes, bodyAt);
    patchHead(output.bytes, at, head.length, id);
    patchBody(output.bytes, bodyAt, bodyBytes, id);
    this.#window -= bodyBytes;
    this.#endBody(slot);
  }

  /** Sends what windows and the socket allow of bodies that are on their way. */
  pump(): void {
    for (let slot = this.#unsent.first; slot >= 0 && this.#window > 0 && !this.#parts.output.isFull; ) {
      const next = this.#unsent.after(slot);
      this.#sendBody(slot);
      slot = next;
    }
  }

  /** Forgets the body of a call that is over. Returns whether it had been sent to its end. */
  endCall(slot: number): boolean {
    const { slots, requests } = this.#parts;
    const isSent = slots.bodySent[slot]! >= requests[slots.request[slot]!]!.bodyBytes;
    if (!isSent) this.#unsent.remove(slot);
    return isSent;
  }

  /** Throws ConnectionError for a window beyond the protocol's limit. */
  growConnectionWindow(increment: number): void {
    this.#window += increment;
    if (this.#window > MAX_31_BITS) throw new ConnectionError('FLOW_CONTROL_ERROR', 'the connection window overflows');
  }

  /** Returns false when the stream's window would pass the protocol's limit. */
  growStreamWindow(slot: number, increment: number): boolean {
    const { slots, requests } = this.#parts;
    if (slots.bodySent[slot]! >= requests[slots.request[slot]!]!.bodyBytes) return true;
    const window = slots.sendWindow[slot]! + increment;
    if (window > MAX_31_BITS) return false;
    slots.sendWindow[slot] = window;
    return true;
  }

  /** Throws ConnectionError when the change makes a stream's window pass the protocol's limit. */
  applySettings({ headerTableBytes, maxConcurrentStreams, initialWindow }: ServerSettings): void {
    if (headerTableBytes !== undefined) this.#heads.applyTableSize(headerTableBytes);
    if (maxConcurrentStreams !== undefined) this.maxConcurrentStreams = maxConcurrentStreams;
    if (initialWindow === undefined) return;
    const change = initialWindow - this.#initialWindow;
    this.#initialWindow = initialWindow;
    for (let slot = this.#unsent.first; slot >= 0; slot = this.#unsent.after(slot)) {
      if (!this.growStreamWindow(slot, change)) {
        throw new ConnectionError('FLOW_CONTROL_ERROR', "a stream's window overflows");
      }
    }
  }

  /** Copies nothing: the socket reads the prepared frames themselves, which only works while no other write does. */
  #sendInPlace(slot: number, id: number, head: Buffer, request: PreparedRequest): void {
    const { framesAndRoom, bodyBytes } = request;
    const at = HEAD_ROOM_BYTES - head.length;
    copyBytes(head, 0, head.length, framesAndRoom, at);
    patchHead(framesAndRoom, at, head.length, id);
    patchBody(framesAndRoom, HEAD_ROOM_BYTES, bodyBytes, id);
    this.#window -= bodyBytes;
    this.#endBody(slot);
    this.#parts.output.writeInPlace(framesAndRoom.subarray(at), request);
  }

  #beginBody(slot: number, id: number, head: Buffer): void {
    const { slots, output } = this.#parts;
    patchHead(head, 0, head.length, id);
    this.#writeLong(head);
    slots.bodySent[slot] = 0;
    slots.sendWindow[slot] = this.#initialWindow;
    this.#unsent.push(slot);
    // Bodies that began before go first.
    if (this.#unsent.first === slot && !output.isFull) this.#sendBody(slot);
  }

  #sendBody(slot: number): void {
    const { slots, requests, output } = this.#parts;
    const { frames, bodyBytes } = requests[slots.request[slot]!]!;
    const id = slots.streamId[slot]!;
    let sent = slots.bodySent[slot]!;
    let streamWindow = slots.sendWindow[slot]!;
    while (sent < bodyBytes && !output.isFull) {
      const wanted = Math.min(DATA_FRAME_BYTES - (sent % DATA_FRAME_BYTES), bodyBytes - sent);
      const count = Math.min(wanted, this.#window, streamWindow);
      if (count <= 0) break;
      const place = placeInFrames(sent);
      if (count === wanted && sent % DATA_FRAME_BYTES === 0) {
        const at = output.reserve(FRAME_HEADER_BYTES + count);
        copyBytes(frames, place - FRAME_HEADER_BYTES, place + count, output.bytes, at);
        patchStreamId(output.bytes, at, id);
      } else {
        const at = output.reserve(FRAME_HEADER_BYTES + count);
        const flags = sent + count === bodyBytes ? frameFlags.END_STREAM : 0;
        copyBytes(
          frames,
          place,
          place + count,
          output.bytes,
          writeFrameHeader(output.bytes, at, count, frameTypes.DATA, flags, id),
        );
      }
      sent += count;
      streamWindow -= count;
      this.#window -= count;
    }
    slots.bodySent[slot] = sent;
    slots.sendWindow[slot] = streamWindow;
    if (sent < bodyBytes) return;
    this.#unsent.remove(slot);
    this.#endBody(slot);
  }

  /** The last byte of the call's request is staged. */
  #endBody(slot: number): void {
    const { slots, output } = this.#parts;
    slots.bodySent[slot] = MAX_31_BITS;
    if ((slots.flags[slot]! & callFlags.isTimed) !== 0) output.timeFrom(slots.startedNs[slot]!);
  }

  /** A head may be longer than the output's buffer. */
  #writeLong(head: Buffer): void {
    for (let at = 0; at < head.length; at += MAX_WHOLE_BYTES) {
      this.#parts.output.write(head.subarray(at, at + MAX_WHOLE_BYTES));
    }
  }
}
