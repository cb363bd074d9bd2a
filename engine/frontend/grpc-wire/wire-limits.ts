/** What a client may ask of the front end: windows that are announced, and bounds that keep memory finite. */
import { defaultKeepalive, type KeepaliveRules } from './keepalive.js';

export interface WireLimits {
  /** Calls of one connection that are open, or cancelled but still in the hands of their method. */
  readonly maxConcurrentStreams: number;
  /** One request message, also after it was decompressed. Below 2 GiB. */
  readonly maxMessageBytes: number;
  readonly streamWindowBytes: number;
  readonly connectionWindowBytes: number;
  readonly maxFrameBytes: number;
  /** Of a DATA frame, what is read straight to where its message is gathered: for less, a read costs more than the copy it saves. */
  readonly smallestDirectReadBytes: number;
  /** Header fields of one request as RFC 9113 counts them. */
  readonly maxHeaderListBytes: number;
  /** Answers that wait for a slow reader before its requests are no longer read. Per connection. */
  readonly maxPendingWriteBytes: number;
  /** Requests of one stream that are being answered; further ones wait. */
  readonly maxStreamRequests: number;
  /** Requests being gathered or kept for their methods, over all connections. */
  readonly maxRequestMemoryBytes: number;
  /** How long a client may take for its preface, and a closing connection for its end. */
  readonly handshakeMs: number;
  /** How long nothing may come of a request that has begun to arrive. */
  readonly stalledUploadMs: number;
  readonly keepalive: KeepaliveRules;
  /** Age at which a connection is drained, so that its client connects anew; undefined for none. */
  readonly maxConnectionAgeMs: number | undefined;
  /** How long its open calls may then take; undefined for as long as they like. */
  readonly maxConnectionAgeGraceMs: number | undefined;
}

const MIB = 2 ** 20;

export const defaultWireLimits: WireLimits = {
  maxConcurrentStreams: 1024,
  maxMessageBytes: 1024 * MIB,
  streamWindowBytes: 16 * MIB,
  connectionWindowBytes: 256 * MIB,
  maxFrameBytes: MIB,
  smallestDirectReadBytes: 32_768,
  maxHeaderListBytes: 16_384,
  maxPendingWriteBytes: 4 * MIB,
  maxStreamRequests: 256,
  maxRequestMemoryBytes: 2048 * MIB,
  handshakeMs: 10_000,
  stalledUploadMs: 60_000,
  keepalive: defaultKeepalive,
  maxConnectionAgeMs: undefined,
  maxConnectionAgeGraceMs: undefined,
};
