/**
 * One gRPC connection of a null server: reads frames just far enough to see where a request ends, and answers with canned
 * bytes. Request messages are never put together.
 */
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { nowNs } from '../common/clock.js';
import { FrameReader, type FrameSink } from '../http2/frame-reader.js';
import { encodePing, encodeSettings, encodeSettingsAck, encodeWindowUpdate } from '../http2/frame-writer.js';
import { HeaderBlockCache } from '../http2/header-block-cache.js';
import { HpackDecoder } from '../http2/hpack-decoder.js';
import {
  CLIENT_PREFACE,
  DEFAULT_HEADER_TABLE_BYTES,
  DEFAULT_MAX_FRAME_BYTES,
  DEFAULT_WINDOW_BYTES,
  frameFlags,
  frameTypes,
  LARGEST_MAX_FRAME_BYTES,
  MAX_31_BITS,
  settingIds,
} from '../http2/protocol-constants.js';
import { INFER_PATH } from './canned-answers.js';
import { AnswerFrames, dataFrame, statusOnly } from './grpc-answer-frames.js';
import { SocketWriter } from './socket-writer.js';

/** The peer may send so much more before it hears of it. */
const REPLENISH_BYTES = 2 ** 26;
const MAX_LIST_BYTES = 65_536;
const UNIMPLEMENTED = 12;

const greeting = Buffer.concat([
  encodeSettings([
    [settingIds.MAX_CONCURRENT_STREAMS, 100_000],
    [settingIds.INITIAL_WINDOW_SIZE, MAX_31_BITS],
  ]),
  encodeWindowUpdate(0, MAX_31_BITS - DEFAULT_WINDOW_BYTES),
]);

export interface GrpcNullOptions {
  readonly infer: AnswerFrames;
  readonly answers: ReadonlyMap<string, () => Uint8Array>;
  /** Books an inference request; `write` is called when it is to be answered. */
  readonly take: (arrivedNs: number, write: () => void) => void;
}

/** A message that the peer's windows do not take at once. */
interface Blocked {
  readonly frames: AnswerFrames;
  readonly streamId: number;
  at: number;
  window: number;
}

export class GrpcNullConnection implements FrameSink {
  readonly #options: GrpcNullOptions;
  readonly #writer: SocketWriter;
  readonly #reader = new FrameReader(this, {
    maxFrameBytes: LARGEST_MAX_FRAME_BYTES,
    maxControlFrameBytes: MAX_LIST_BYTES,
  });
  readonly #decoder = new HpackDecoder({ tableBytes: DEFAULT_HEADER_TABLE_BYTES, listBytes: MAX_LIST_BYTES });
  readonly #paths = new HeaderBlockCache<string>();
  /** Of streams other than inference, until their request has ended. */
  readonly #otherPaths = new Map<number, string>();
  readonly #blocked = new Map<number, Blocked>();
  #headerParts: Buffer[] = [];
  #prefaceLeft = CLIENT_PREFACE.length;
  #arrivedNs = 0;
  #receivedBytes = 0;
  #window = DEFAULT_WINDOW_BYTES;
  #streamWindow = DEFAULT_WINDOW_BYTES;

  constructor(socket: Socket, options: GrpcNullOptions) {
    this.#options = options;
    this.#writer = new SocketWriter(socket);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#blocked.clear());
    socket.on('data', (bytes: Buffer) => {
      this.#arrivedNs = nowNs();
      try {
        this.#read(bytes);
      } catch {
        // Only a faulty client gets here, and a null server owes it no explanation.
        socket.destroy();
      }
    });
    this.#writer.addBytes(greeting);
  }

  #read(bytes: Buffer): void {
    const skipped = Math.min(this.#prefaceLeft, bytes.length);
    this.#prefaceLeft -= skipped;
    this.#writer.isHeld = true;
    this.#reader.read(bytes, skipped, bytes.length);
    this.#writer.isHeld = false;
    if (this.#receivedBytes >= REPLENISH_BYTES) {
      this.#writer.addBytes(encodeWindowUpdate(0, this.#receivedBytes));
      this.#receivedBytes = 0;
    }
    this.#writer.flush();
  }

  onDataPart(flags: number, streamId: number, _bytes: Buffer, start: number, end: number, isLast: boolean): void {
    this.#receivedBytes += end - start;
    if (isLast && (flags & frameFlags.END_STREAM) !== 0) this.#endRequest(streamId);
  }

  onFrame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    switch (type) {
      case frameTypes.DATA:
        this.#receivedBytes += end - start;
        if ((flags & frameFlags.END_STREAM) !== 0) this.#endRequest(streamId);
        return;
      case frameTypes.HEADERS:
      case frameTypes.CONTINUATION:
        this.#readHeaders(type, flags, streamId, bytes, start, end);
        return;
      case frameTypes.SETTINGS:
        if ((flags & frameFlags.ACK) === 0) this.#readSettings(bytes, start, end);
        return;
      case frameTypes.PING:
        if ((flags & frameFlags.ACK) === 0) this.#writer.addBytes(encodePing(bytes.subarray(start, end), true));
        return;
      case frameTypes.WINDOW_UPDATE:
        this.#widen(streamId, bytes.readUInt32BE(start) & MAX_31_BITS);
        return;
      case frameTypes.RST_STREAM:
        this.#otherPaths.delete(streamId);
        this.#blocked.delete(streamId);
    }
  }

  #readHeaders(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    let from = start;
    let to = end;
    if (type === frameTypes.HEADERS && (flags & frameFlags.PADDED) !== 0) to -= bytes[from++]!;
    if (type === frameTypes.HEADERS && (flags & frameFlags.PRIORITY) !== 0) from += 5;
    // END_STREAM stands in the first frame of a block; a request without a message has no answer here anyway.
    if ((flags & frameFlags.END_HEADERS) === 0) {
      this.#headerParts.push(Buffer.from(bytes.subarray(from, to)));
      return;
    }
    const path = this.#headerParts.length === 0 ? this.#pathOf(bytes, from, to) : this.#joinedPath(bytes, from, to);
    if (path !== INFER_PATH) this.#otherPaths.set(streamId, path);
    if ((flags & frameFlags.END_STREAM) !== 0) this.#endRequest(streamId);
  }

  #joinedPath(bytes: Buffer, start: number, end: number): string {
    const block = Buffer.concat([...this.#headerParts, bytes.subarray(start, end)]);
    this.#headerParts = [];
    return this.#pathOf(block, 0, block.length);
  }

  #pathOf(bytes: Buffer, start: number, end: number): string {
    const { generation } = this.#decoder;
    const known = this.#paths.find(bytes, start, end, generation);
    if (known !== undefined) return known;
    const path = this.#decoder.decode(bytes, start, end).fields.find(({ name }) => name === ':path')?.value ?? '';
    if (this.#decoder.generation === generation) this.#paths.remember(bytes, start, end, generation, path);
    return path;
  }

  #readSettings(bytes: Buffer, start: number, end: number): void {
    for (let at = start; at + 6 <= end; at += 6) {
      if (bytes.readUInt16BE(at) !== settingIds.INITIAL_WINDOW_SIZE) continue;
      const window = bytes.readUInt32BE(at + 2);
      for (const blocked of this.#blocked.values()) blocked.window += window - this.#streamWindow;
      this.#streamWindow = window;
    }
    this.#writer.addBytes(encodeSettingsAck());
    this.#pump();
  }

  #widen(streamId: number, increment: number): void {
    const blocked = this.#blocked.get(streamId);
    if (streamId === 0) this.#window += increment;
    else if (blocked !== undefined) blocked.window += increment;
    if (this.#blocked.size > 0) this.#pump();
  }

  #endRequest(streamId: number): void {
    if (this.#otherPaths.size > 0) {
      const path = this.#otherPaths.get(streamId);
      if (path !== undefined) {
        this.#otherPaths.delete(streamId);
        this.#answerOther(streamId, path);
        return;
      }
    }
    this.#options.take(this.#arrivedNs, () => this.#write(streamId, this.#options.infer));
  }

  #answerOther(streamId: number, path: string): void {
    const answer = this.#options.answers.get(path);
    if (answer === undefined)
      this.#writer.addBytes(statusOnly(streamId, UNIMPLEMENTED, 'a null server has no such call'));
    else this.#write(streamId, new AnswerFrames(answer()));
  }

  #write(streamId: number, frames: AnswerFrames): void {
    const { dataBytes } = frames;
    if (this.#blocked.size === 0 && dataBytes <= this.#window && dataBytes <= this.#streamWindow) {
      this.#window -= dataBytes;
      this.#writer.add(frames.bytes.length, (target, at) => frames.write(target, at, streamId));
      return;
    }
    this.#blocked.set(streamId, { frames, streamId, at: -1, window: this.#streamWindow });
    this.#pump();
  }

  /** Sends what the windows take, oldest first. */
  #pump(): void {
    for (const blocked of this.#blocked.values()) {
      const { frames, streamId } = blocked;
      if (blocked.at < 0) {
        this.#writer.add(frames.head.length, (target, at) => writeFor(frames.head, target, at, streamId));
        blocked.at = 0;
      }
      while (blocked.at < frames.message.length) {
        const room = Math.min(this.#window, blocked.window, DEFAULT_MAX_FRAME_BYTES);
        const end = Math.min(frames.message.length, blocked.at + room);
        if (end <= blocked.at) break;
        this.#window -= end - blocked.at;
        blocked.window -= end - blocked.at;
        this.#writer.addBytes(dataFrame(frames.message, blocked.at, end, streamId));
        blocked.at = end;
      }
      if (blocked.at < frames.message.length) continue;
      this.#writer.add(frames.tail.length, (target, at) => writeFor(frames.tail, target, at, streamId));
      this.#blocked.delete(streamId);
    }
  }
}

function writeFor(frame: Buffer, target: Buffer, at: number, streamId: number): void {
  frame.copy(target, at);
  target.writeUInt32BE(streamId, at + 5);
}
