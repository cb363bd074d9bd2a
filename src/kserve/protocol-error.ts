/**
 * What a codec throws for a message it cannot accept: malformed bytes, or something valid that perf-ts does not offer.
 * A front end answers with `failure`; a client counts it as a failed request.
 */
import type { Failure } from './status.js';

export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly failure: Failure;

  constructor(message: string, status: Failure['status'] = 'INVALID_ARGUMENT') {
    super(message);
    this.failure = { status, message };
  }
}
