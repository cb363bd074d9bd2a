/** The connection's window for what the peer sends: checks that it is kept, and grants it again once half is read. */
import { encodeWindowUpdate } from '../../../src/http2/frame-writer.js';
import { ConnectionError } from '../../../src/http2/http2-error.js';
import { DEFAULT_WINDOW_BYTES } from '../../../src/http2/protocol-constants.js';
import type { SocketOutput } from './socket-output.js';

export class ReceiveWindow {
  /** Grants given, those of streams included, which the connection counts here. */
  grantCount = 0;
  private readonly output: SocketOutput;
  private readonly size: number;
  /** What the peer may still send. */
  private left = DEFAULT_WINDOW_BYTES;
  /** Bytes that were read and are not granted again yet. */
  private readBytes = 0;

  constructor(output: SocketOutput, size: number) {
    this.output = output;
    this.size = Math.max(size, DEFAULT_WINDOW_BYTES);
  }

  /** Grants what the window has beyond the protocol's default. */
  announce(): void {
    if (this.size > this.left) this.grant(this.size - this.left);
  }

  /** Counts arrived bytes. Throws ConnectionError when the peer sends more than it may. */
  take(byteCount: number): void {
    this.left -= byteCount;
    if (this.left < 0) throw new ConnectionError('FLOW_CONTROL_ERROR', 'DATA beyond the connection window');
  }

  /** Bytes are out of the way. */
  credit(byteCount: number): void {
    this.readBytes += byteCount;
    if (this.readBytes < this.size / 2) return;
    this.grant(this.readBytes);
    this.readBytes = 0;
  }

  private grant(byteCount: number): void {
    this.left += byteCount;
    this.grantCount++;
    this.output.write(encodeWindowUpdate(0, byteCount));
  }
}
