/** A gRPC server on plain TCP sockets: listens, owns the connections and what they share, and ends them. */
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { messageOf } from '../../../src/common/errors.js';
import { BufferPool } from '../../../src/http2/buffer-pool.js';
import { AnswerPacker } from '../answer-packer.js';
import { type FrontEnd, givenUp, type ListenOptions } from '../front-end.js';
import { listenProblem } from '../listen-problem.js';
import { type TlsIdentity, tlsRules } from '../tls-identity.js';
import { Connection, type ConnectionContext } from './connection.js';
import type { GrpcMethods } from './grpc-method.js';
import { Inflater } from './inflater.js';
import { PieceBudget } from './piece-budget.js';
import { ChunkPool } from './socket-output.js';
import { defaultWireLimits, type WireLimits } from './wire-limits.js';

/** Free request buffers that are kept for the next large requests. */
const MAX_KEPT_REQUEST_BYTES = 64 * 2 ** 20;
const LISTEN_BACKLOG = 1024;

export interface GrpcWireServerOptions extends ListenOptions {
  readonly methods: GrpcMethods;
  /** Those that differ from `defaultWireLimits`. */
  readonly limits?: Partial<WireLimits>;
  /** Undefined for cleartext. */
  readonly tls?: TlsIdentity | undefined;
  /** False reads sockets the plain way, as on a Node without the faster one. */
  readonly reuseReceiveBuffer?: boolean;
}

export class GrpcWireServer implements FrontEnd {
  private readonly server: Server;
  private readonly options: GrpcWireServerOptions;
  private readonly context: ConnectionContext;
  private readonly connections = new Set<Connection>();
  /** Sockets whose TLS handshake is not over. */
  private readonly handshaking = new Set<Socket>();
  private readonly stallTimer: NodeJS.Timeout;
  private onAllClosed: (() => void) | undefined;

  constructor(options: GrpcWireServerOptions) {
    this.options = options;
    const limits = { ...defaultWireLimits, ...options.limits };
    const { maxRequestMemoryBytes } = limits;
    const pool = new BufferPool({ maxLentBytes: maxRequestMemoryBytes, maxKeptBytes: MAX_KEPT_REQUEST_BYTES });
    this.context = {
      methods: options.methods,
      limits,
      chunks: new ChunkPool(),
      inflater: new Inflater(),
      packer: new AnswerPacker(),
      pool,
      budget: new PieceBudget(pool, maxRequestMemoryBytes),
      reuseReceiveBuffer: options.reuseReceiveBuffer ?? true,
    };
    this.server = this.createServer(options.tls, limits.handshakeMs);
    // A request is refused at the second look that finds it where it was.
    this.stallTimer = setInterval(() => {
      for (const connection of this.connections) connection.refuseStalled();
    }, limits.stalledUploadMs);
    this.stallTimer.unref();
  }

  start(): Promise<number> {
    const { address, port } = this.options;
    return new Promise((resolve, reject) => {
      const onError = (cause: Error): void => reject(listenProblem('grpc', this.options, messageOf(cause), cause));
      this.server.once('error', onError);
      this.server.listen({ host: address, port, backlog: LISTEN_BACKLOG }, () => {
        this.server.off('error', onError);
        // Running out of file descriptors fails one accept, not the server.
        this.server.on('error', () => undefined);
        const bound = this.server.address();
        resolve(typeof bound === 'object' && bound !== null ? bound.port : port);
      });
    });
  }

  /** Open connections. */
  get connectionCount(): number {
    return this.connections.size;
  }

  /** Capacity of the buffers that hold requests at the moment, and the bytes of those that are in pieces. */
  get requestMemoryBytes(): number {
    return this.context.pool.lentBytes + this.context.budget.heldBytes;
  }

  async close(deadline: AbortSignal): Promise<void> {
    const cutOff = (): void => {
      for (const connection of this.connections) connection.giveUp(givenUp);
    };
    this.server.close();
    clearInterval(this.stallTimer);
    for (const socket of this.handshaking) socket.destroy();
    if (this.connections.size === 0) return;
    const allClosed = new Promise<void>((resolve) => {
      this.onAllClosed = resolve;
    });
    for (const connection of this.connections) connection.drain();
    if (deadline.aborted) cutOff();
    else deadline.addEventListener('abort', cutOff, { once: true });
    await allClosed;
    deadline.removeEventListener('abort', cutOff);
  }

  private createServer(tls: TlsIdentity | undefined, handshakeMs: number): Server {
    if (tls === undefined) return createServer({ pauseOnConnect: true }, (socket) => this.accept(socket, true));
    const server = createTlsServer({ ...tls, ...tlsRules, handshakeTimeout: handshakeMs }, (socket) => {
      // Node refuses other protocols, but not a client that names none; gRPC asks for h2 on both sides.
      if (socket.alpnProtocol === 'h2') this.accept(socket, false);
      else socket.destroy();
    });
    server.on('connection', (socket: Socket) => {
      this.handshaking.add(socket);
      socket.once('close', () => this.handshaking.delete(socket));
    });
    return server;
  }

  private accept(socket: Socket, isPlain: boolean): void {
    const { context } = this;
    const means = isPlain ? context : { ...context, reuseReceiveBuffer: false };
    this.connections.add(new Connection(socket, means, (connection) => this.forget(connection)));
  }

  private forget(connection: Connection): void {
    this.connections.delete(connection);
    if (this.connections.size === 0) this.onAllClosed?.();
  }
}
