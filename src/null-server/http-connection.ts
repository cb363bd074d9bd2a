/** One HTTP/1.1 connection of a null server: finds where each request ends and answers with canned bytes. */
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { nowNs } from '../common/clock.js';
import { httpNotFound } from './canned-answers.js';
import { SocketWriter } from './socket-writer.js';

export interface HttpNullOptions {
  readonly infer: Buffer;
  /** By path, of GET requests. */
  readonly answers: ReadonlyMap<string, () => Buffer>;
  readonly take: (arrivedNs: number, write: () => void) => void;
}

const HEAD_END = Buffer.from('\r\n\r\n', 'latin1');
const MAX_HEAD_BYTES = 65_536;

export class HttpNullConnection {
  readonly #options: HttpNullOptions;
  readonly #socket: Socket;
  readonly #writer: SocketWriter;
  /** Bytes of a head that is not whole yet. */
  #head = Buffer.alloc(0);
  #bodyLeft = 0;
  #pending: string | undefined;

  constructor(socket: Socket, options: HttpNullOptions) {
    this.#options = options;
    this.#socket = socket;
    this.#writer = new SocketWriter(socket);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes: Buffer) => {
      const arrivedNs = nowNs();
      this.#writer.isHeld = true;
      this.#read(bytes, arrivedNs);
      this.#writer.isHeld = false;
      this.#writer.flush();
    });
  }

  #read(bytes: Buffer, arrivedNs: number): void {
    let rest = bytes;
    while (rest.length > 0 || this.#pending !== undefined) {
      if (this.#pending !== undefined) {
        const taken = Math.min(this.#bodyLeft, rest.length);
        this.#bodyLeft -= taken;
        rest = rest.subarray(taken);
        if (this.#bodyLeft > 0) return;
        const target = this.#pending;
        this.#pending = undefined;
        this.#answer(target, arrivedNs);
        continue;
      }
      const joined = this.#head.length === 0 ? rest : Buffer.concat([this.#head, rest]);
      const end = joined.indexOf(HEAD_END);
      if (end < 0) {
        if (joined.length > MAX_HEAD_BYTES) this.#socket.destroy();
        this.#head = Buffer.from(joined);
        return;
      }
      this.#head = Buffer.alloc(0);
      rest = joined.subarray(end + HEAD_END.length);
      this.#openRequest(joined.toString('latin1', 0, end));
    }
  }

  #openRequest(head: string): void {
    const [method = '', target = ''] = head.slice(0, head.indexOf('\r\n')).split(' ', 2);
    this.#bodyLeft = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    this.#pending = `${method} ${target}`;
  }

  #answer(request: string, arrivedNs: number): void {
    if (request.startsWith('POST ') && request.endsWith('/infer')) {
      this.#options.take(arrivedNs, () => this.#writer.addBytes(this.#options.infer));
      return;
    }
    const path = request.slice(request.indexOf(' ') + 1).replace(/\/versions\/[^/]+/, '');
    this.#writer.addBytes(this.#options.answers.get(path)?.() ?? httpNotFound);
  }
}
