/** Writes HTTP/2 frames: a header into a given buffer, or one of the small control frames as a buffer of its own. */
import { Buffer } from 'node:buffer';
import { errorCodes, FRAME_HEADER_BYTES, frameFlags, frameTypes, type Http2ErrorName } from './protocol-constants.js';

/** Unsigned 32-bit big-endian; four stores are cheaper than a checked method call on this path. */
export function writeUint32(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 24;
  target[at + 1] = value >>> 16;
  target[at + 2] = value >>> 8;
  target[at + 3] = value;
}

/** Writes the nine header bytes at `at` and returns the position after them. `length` is the payload's, below 2^24. */
export function writeFrameHeader(
  target: Uint8Array,
  at: number,
  length: number,
  type: number,
  flags: number,
  streamId: number,
): number {
  target[at] = length >>> 16;
  target[at + 1] = length >>> 8;
  target[at + 2] = length;
  target[at + 3] = type;
  target[at + 4] = flags;
  writeUint32(target, at + 5, streamId);
  return at + FRAME_HEADER_BYTES;
}

/** Replaces the stream id of the frame that begins at `at`, so that a frame made once serves every stream. */
export const patchStreamId = (target: Uint8Array, at: number, streamId: number): void =>
  writeUint32(target, at + 5, streamId);

/** A whole frame with the given payload. */
export function encodeFrame(type: number, flags: number, streamId: number, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.byteLength);
  frame.set(payload, writeFrameHeader(frame, 0, payload.byteLength, type, flags, streamId));
  return frame;
}

/** SETTINGS with the given pairs of identifier and value. */
export function encodeSettings(settings: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(settings.length * 6);
  for (const [index, [id, value]] of settings.entries()) {
    payload.writeUInt16BE(id, index * 6);
    payload.writeUInt32BE(value, index * 6 + 2);
  }
  return encodeFrame(frameTypes.SETTINGS, 0, 0, payload);
}

export const encodeSettingsAck = (): Buffer => encodeFrame(frameTypes.SETTINGS, frameFlags.ACK, 0, Buffer.alloc(0));

/** PING with eight opaque bytes. */
export const encodePing = (opaque: Uint8Array, isAck: boolean): Buffer =>
  encodeFrame(frameTypes.PING, isAck ? frameFlags.ACK : 0, 0, opaque);

/** WINDOW_UPDATE; stream 0 is the connection. */
export function encodeWindowUpdate(streamId: number, increment: number): Buffer {
  const payload = Buffer.allocUnsafe(4);
  writeUint32(payload, 0, increment);
  return encodeFrame(frameTypes.WINDOW_UPDATE, 0, streamId, payload);
}

export function encodeRstStream(streamId: number, code: Http2ErrorName): Buffer {
  const payload = Buffer.allocUnsafe(4);
  writeUint32(payload, 0, errorCodes[code]);
  return encodeFrame(frameTypes.RST_STREAM, 0, streamId, payload);
}

/** GOAWAY: streams above `lastStreamId` were not and will not be served. */
export function encodeGoAway(lastStreamId: number, code: Http2ErrorName, debugText = ''): Buffer {
  const payload = Buffer.alloc(8 + Buffer.byteLength(debugText));
  payload.writeUInt32BE(lastStreamId, 0);
  payload.writeUInt32BE(errorCodes[code], 4);
  payload.write(debugText, 8, 'utf8');
  return encodeFrame(frameTypes.GOAWAY, 0, 0, payload);
}
