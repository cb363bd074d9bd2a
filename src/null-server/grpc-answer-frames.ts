/** The frames of one canned gRPC answer: headers, the message in DATA frames, trailers. Made once, copied for each call. */
import { Buffer } from 'node:buffer';
import { encodeFrame, patchStreamId } from '../http2/frame-writer.js';
import { encodeHeaderBlock } from '../http2/hpack-encoder.js';
import { MESSAGE_PREFIX_BYTES } from '../http2/message-assembler.js';
import { DEFAULT_MAX_FRAME_BYTES, frameFlags, frameTypes } from '../http2/protocol-constants.js';

const headers = encodeHeaderBlock([
  { name: ':status', value: '200' },
  { name: 'content-type', value: 'application/grpc' },
]);
const trailers = encodeHeaderBlock([{ name: 'grpc-status', value: '0' }]);

export class AnswerFrames {
  /** Everything, for stream 0. */
  readonly bytes: Buffer;
  /** What counts against the peer's windows. */
  readonly dataBytes: number;
  readonly head: Buffer;
  readonly tail: Buffer;
  readonly message: Buffer;
  readonly #frameStarts: readonly number[];

  constructor(message: Uint8Array) {
    const prefixed = Buffer.alloc(MESSAGE_PREFIX_BYTES + message.byteLength);
    prefixed.writeUInt32BE(message.byteLength, 1);
    prefixed.set(message, MESSAGE_PREFIX_BYTES);
    this.head = encodeFrame(frameTypes.HEADERS, frameFlags.END_HEADERS, 0, headers);
    this.tail = encodeFrame(frameTypes.HEADERS, frameFlags.END_HEADERS | frameFlags.END_STREAM, 0, trailers);
    const frames = [this.head];
    for (let at = 0; at < prefixed.length; at += DEFAULT_MAX_FRAME_BYTES) {
      frames.push(encodeFrame(frameTypes.DATA, 0, 0, prefixed.subarray(at, at + DEFAULT_MAX_FRAME_BYTES)));
    }
    frames.push(this.tail);
    this.bytes = Buffer.concat(frames);
    this.message = prefixed;
    this.dataBytes = prefixed.length;
    let start = 0;
    this.#frameStarts = frames.map((frame) => {
      start += frame.length;
      return start - frame.length;
    });
  }

  /** Copies all frames for `streamId` to `target` at `at`; returns the position after them. */
  write(target: Buffer, at: number, streamId: number): number {
    this.bytes.copy(target, at);
    for (const start of this.#frameStarts) patchStreamId(target, at + start, streamId);
    return at + this.bytes.length;
  }
}

/** An answer without a message: this gRPC status alone. */
export function statusOnly(streamId: number, status: number, message: string): Buffer {
  const block = encodeHeaderBlock([
    { name: ':status', value: '200' },
    { name: 'content-type', value: 'application/grpc' },
    { name: 'grpc-status', value: String(status) },
    { name: 'grpc-message', value: message },
  ]);
  return encodeFrame(frameTypes.HEADERS, frameFlags.END_HEADERS | frameFlags.END_STREAM, streamId, block);
}

/** A DATA frame's header and part of a message, for a stream whose window does not take all of it at once. */
export function dataFrame(message: Buffer, start: number, end: number, streamId: number): Buffer {
  return encodeFrame(frameTypes.DATA, 0, streamId, message.subarray(start, end));
}
