/** Gathers small writes to a socket, so that all answers to what came in one read leave in one write. */
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';

const CHUNK_BYTES = 65_536;

export class SocketWriter {
  readonly #socket: Socket;
  #chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  #used = 0;
  #isScheduled = false;
  /** True while a read is being handled, whose end flushes. */
  isHeld = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Room for `length` bytes: `fill` writes them at the position it is given. */
  add(length: number, fill: (target: Buffer, at: number) => void): void {
    if (this.#used + length > this.#chunk.length) this.flush();
    if (length > CHUNK_BYTES) {
      const own = Buffer.allocUnsafe(length);
      fill(own, 0);
      this.#send(own);
      return;
    }
    fill(this.#chunk, this.#used);
    this.#used += length;
    if (this.isHeld || this.#isScheduled) return;
    this.#isScheduled = true;
    process.nextTick(() => {
      this.#isScheduled = false;
      this.flush();
    });
  }

  addBytes(bytes: Buffer): void {
    this.add(bytes.length, (target, at) => bytes.copy(target, at));
  }

  flush(): void {
    if (this.#used === 0) return;
    const full = this.#chunk.subarray(0, this.#used);
    // The socket may hold on to what it was given, so the rest of the chunk serves on and a full one is left to it.
    this.#chunk = this.#chunk.subarray(this.#used);
    this.#used = 0;
    if (this.#chunk.length < CHUNK_BYTES / 4) this.#chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    this.#send(full);
  }

  #send(bytes: Buffer): void {
    if (!this.#socket.destroyed) this.#socket.write(bytes);
  }
}
