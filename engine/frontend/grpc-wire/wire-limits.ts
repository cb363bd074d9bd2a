/** What a client may ask of the front end: windows that are announced, and bounds that keep memory finite. */

export interface WireLimits {
  /** Calls of one connection that are open, or cancelled but still in the hands of their method. */
  readonly maxConcurrentStreams: number;
  /** One request message, also after it was decompressed. Below 2 GiB. */
  readonly maxMessageBytes: number;
  readonly streamWindowBytes: number;
  readonly connectionWindowBytes: number;
  readonly maxFrameBytes: number;
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
}

const MIB = 2 ** 20;

export const defaultWireLimits: WireLimits = {
  maxConcurrentStreams: 1024,
  maxMessageBytes: 1024 * MIB,
  streamWindowBytes: 16 * MIB,
  connectionWindowBytes: 256 * MIB,
  maxFrameBytes: MIB,
  maxHeaderListBytes: 16_384,
  maxPendingWriteBytes: 4 * MIB,
  maxStreamRequests: 256,
  maxRequestMemoryBytes: 2048 * MIB,
  handshakeMs: 10_000,
};
