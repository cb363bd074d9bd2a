/** The two scopes in which HTTP/2 reports a fault of the peer: the whole connection (GOAWAY) or one stream (RST_STREAM). */
import type { Http2ErrorName } from './protocol-constants.js';

/** Ends the connection. The message travels in GOAWAY's debug text. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  readonly code: Http2ErrorName;

  constructor(code: Http2ErrorName, message: string) {
    super(message);
    this.code = code;
  }
}

/** Ends one stream; the others live on. */
export class StreamError extends Error {
  override readonly name = 'StreamError';
  readonly code: Http2ErrorName;
  readonly streamId: number;

  constructor(code: Http2ErrorName, streamId: number, message: string) {
    super(message);
    this.code = code;
    this.streamId = streamId;
  }
}
