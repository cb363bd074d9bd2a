/** The bytes of prepared requests: DATA frames made once, in which only the stream id changes, and HEADERS frames likewise. */
import { Buffer } from 'node:buffer';
import { encodeFrame, patchStreamId, writeFrameHeader } from '../../http2/frame-writer.js';
import { MESSAGE_PREFIX_BYTES } from '../../http2/message-assembler.js';
import { DEFAULT_MAX_FRAME_BYTES, FRAME_HEADER_BYTES, frameFlags, frameTypes } from '../../http2/protocol-constants.js';

/** Payload of each DATA frame but the last: the largest that every server takes. */
export const DATA_FRAME_BYTES = DEFAULT_MAX_FRAME_BYTES;

/** Room before the frames of a body, in which a short head can be put so that both leave in one write. */
export const HEAD_ROOM_BYTES = 64;

/** A request's body, cut into DATA frames that follow one another; the last one ends the stream. */
export interface PreparedBody {
  /** Views of one buffer: the frames, and the frames with the room before them. */
  readonly frames: Buffer;
  readonly framesAndRoom: Buffer;
  /** What it takes of the windows: the message and its prefix. */
  readonly bodyBytes: number;
  /** A socket still reads from the buffer. */
  isLent: boolean;
}

export function frameBody(message: Uint8Array): PreparedBody {
  const bodyBytes = MESSAGE_PREFIX_BYTES + message.byteLength;
  const frameCount = Math.ceil(bodyBytes / DATA_FRAME_BYTES);
  const framesAndRoom = Buffer.alloc(HEAD_ROOM_BYTES + bodyBytes + frameCount * FRAME_HEADER_BYTES);
  const frames = framesAndRoom.subarray(HEAD_ROOM_BYTES);
  const prefix = Buffer.alloc(MESSAGE_PREFIX_BYTES);
  prefix.writeUInt32BE(message.byteLength, 1);
  let at = 0;
  for (let sent = 0; sent < bodyBytes; sent += DATA_FRAME_BYTES) {
    const count = Math.min(DATA_FRAME_BYTES, bodyBytes - sent);
    const flags = sent + count === bodyBytes ? frameFlags.END_STREAM : 0;
    at = writeFrameHeader(frames, at, count, frameTypes.DATA, flags, 0);
    const prefixBytes = sent === 0 ? MESSAGE_PREFIX_BYTES : 0;
    frames.set(prefix.subarray(0, prefixBytes), at);
    const from = Math.max(0, sent - MESSAGE_PREFIX_BYTES);
    frames.set(message.subarray(from, from + count - prefixBytes), at + prefixBytes);
    at += count;
  }
  return { frames, framesAndRoom, bodyBytes, isLent: false };
}

/** Where byte `bodyAt` of a body lies in its frames. */
export const placeInFrames = (bodyAt: number): number =>
  bodyAt + FRAME_HEADER_BYTES * (Math.floor(bodyAt / DATA_FRAME_BYTES) + 1);

/** Writes `streamId` into all frames of a body whose first frame begins at `at`. */
export function patchBody(target: Uint8Array, at: number, bodyBytes: number, streamId: number): void {
  for (let frame = at, left = bodyBytes; left > 0; left -= DATA_FRAME_BYTES) {
    patchStreamId(target, frame, streamId);
    frame += FRAME_HEADER_BYTES + DATA_FRAME_BYTES;
  }
}

/** HEADERS, and CONTINUATION as far as the block needs them; the body follows. */
export function frameHead(block: Uint8Array): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  do {
    const part = block.subarray(at, at + DEFAULT_MAX_FRAME_BYTES);
    const type = at === 0 ? frameTypes.HEADERS : frameTypes.CONTINUATION;
    at += part.byteLength;
    parts.push(encodeFrame(type, at === block.byteLength ? frameFlags.END_HEADERS : 0, 0, part));
  } while (at < block.byteLength);
  return Buffer.concat(parts);
}

/** Writes `streamId` into all frames of a head of `length` bytes that begins at `at`. */
export function patchHead(target: Uint8Array, at: number, length: number, streamId: number): void {
  for (let frame = at; frame < at + length; frame += FRAME_HEADER_BYTES + DEFAULT_MAX_FRAME_BYTES) {
    patchStreamId(target, frame, streamId);
  }
}
