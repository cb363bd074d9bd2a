/** Reads the peer's SETTINGS, as far as a server that pushes nothing and compresses without state cares. */
import type { Buffer } from 'node:buffer';
import { ConnectionError } from '../../../src/http2/http2-error.js';
import {
  DEFAULT_MAX_FRAME_BYTES,
  LARGEST_MAX_FRAME_BYTES,
  MAX_31_BITS,
  settingIds,
} from '../../../src/http2/protocol-constants.js';

const ENTRY_BYTES = 6;

export interface PeerSettings {
  readonly initialWindow: number | undefined;
  readonly maxFrameBytes: number | undefined;
}

/** Throws ConnectionError for values that RFC 9113 forbids. The last value of a setting counts. */
export function readPeerSettings(bytes: Buffer, start: number, end: number): PeerSettings {
  if ((end - start) % ENTRY_BYTES !== 0) throw new ConnectionError('FRAME_SIZE_ERROR', 'SETTINGS of odd length');
  let initialWindow: number | undefined;
  let maxFrameBytes: number | undefined;
  for (let at = start; at < end; at += ENTRY_BYTES) {
    const id = bytes.readUInt16BE(at);
    const value = bytes.readUInt32BE(at + 2);
    if (id === settingIds.ENABLE_PUSH && value > 1) {
      throw new ConnectionError('PROTOCOL_ERROR', `SETTINGS_ENABLE_PUSH of ${value}`);
    }
    if (id === settingIds.INITIAL_WINDOW_SIZE) {
      if (value > MAX_31_BITS) throw new ConnectionError('FLOW_CONTROL_ERROR', `initial window of ${value}`);
      initialWindow = value;
    }
    if (id === settingIds.MAX_FRAME_SIZE) {
      if (value < DEFAULT_MAX_FRAME_BYTES || value > LARGEST_MAX_FRAME_BYTES) {
        throw new ConnectionError('PROTOCOL_ERROR', `SETTINGS_MAX_FRAME_SIZE of ${value}`);
      }
      maxFrameBytes = value;
    }
  }
  return { initialWindow, maxFrameBytes };
}
