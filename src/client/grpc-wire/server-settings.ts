/** Reads a server's SETTINGS, as far as a client cares that sends frames of the smallest limit and is pushed nothing. */
import type { Buffer } from 'node:buffer';
import { ConnectionError } from '../../http2/http2-error.js';
import {
  DEFAULT_MAX_FRAME_BYTES,
  LARGEST_MAX_FRAME_BYTES,
  MAX_31_BITS,
  settingIds,
} from '../../http2/protocol-constants.js';

const ENTRY_BYTES = 6;

/** What a SETTINGS frame changes; undefined stays as it was. */
export interface ServerSettings {
  readonly headerTableBytes: number | undefined;
  readonly maxConcurrentStreams: number | undefined;
  readonly initialWindow: number | undefined;
}

/** Throws ConnectionError for values that RFC 9113 forbids. The last value of a setting counts. */
export function readServerSettings(bytes: Buffer, start: number, end: number): ServerSettings {
  if ((end - start) % ENTRY_BYTES !== 0) throw new ConnectionError('FRAME_SIZE_ERROR', 'SETTINGS of odd length');
  let headerTableBytes: number | undefined;
  let maxConcurrentStreams: number | undefined;
  let initialWindow: number | undefined;
  for (let at = start; at < end; at += ENTRY_BYTES) {
    const id = bytes.readUInt16BE(at);
    const value = bytes.readUInt32BE(at + 2);
    checkValue(id, value);
    if (id === settingIds.HEADER_TABLE_SIZE) headerTableBytes = value;
    else if (id === settingIds.MAX_CONCURRENT_STREAMS) maxConcurrentStreams = value;
    else if (id === settingIds.INITIAL_WINDOW_SIZE) initialWindow = value;
  }
  return { headerTableBytes, maxConcurrentStreams, initialWindow };
}

function checkValue(id: number, value: number): void {
  if (id === settingIds.ENABLE_PUSH && value !== 0) {
    throw new ConnectionError('PROTOCOL_ERROR', `SETTINGS_ENABLE_PUSH of ${value} from a server`);
  }
  if (id === settingIds.INITIAL_WINDOW_SIZE && value > MAX_31_BITS) {
    throw new ConnectionError('FLOW_CONTROL_ERROR', `initial window of ${value}`);
  }
  if (id === settingIds.MAX_FRAME_SIZE && (value < DEFAULT_MAX_FRAME_BYTES || value > LARGEST_MAX_FRAME_BYTES)) {
    throw new ConnectionError('PROTOCOL_ERROR', `SETTINGS_MAX_FRAME_SIZE of ${value}`);
  }
}
