/** A gRPC server on plain TCP sockets: listens, owns the connections and what they share, and ends them. */
import { createServer, type Server } from 'node:net';
import { messageOf } from '../../../src/common/errors.js';
import { BufferPool } from '../../../src/http2/buffer-pool.js';
import type { FrontEnd, ListenOptions } from '../front-end.js';
import { listenProblem } from '../listen-problem.js';
import { Connection, type ConnectionContext } from './connection.js';
import type { GrpcMethods } from './grpc-method.js';
import { Inflater } from './inflater.js';
import { ChunkPool } from './socket-output.js';
import { defaultWireLimits, type WireLimits } from './wire-limits.js';

/** Free request buffers that are kept for the next large requests. */
const MAX_KEPT_REQUEST_BYTES = 64 * 2 ** 20;
const LISTEN_BACKLOG = 1024;

export interface GrpcWireServerOptions extends ListenOptions {
  readonly methods: GrpcMethods;
  /** Those that differ from `defaultWireLimits`. */
  readonly limits?: Partial<WireLimits>;
  /** False reads sockets the plain way, as on a Node without the faster one. */
  readonly reuseReceiveBuffer?: boolean;
}

export class GrpcWireServer implements FrontEnd {
  private readonly server: Server;
  private readonly options: GrpcWireServerOptions;
  private readonly context: ConnectionContext;
  private readonly connections = new Set<Connection>();
  private onAllClosed: (() => void) | undefined;

  constructor(options: GrpcWireServerOptions) {
    this.options = options;
    const limits = { ...defaultWireLimits, ...options.limits };
    this.context = {
      methods: options.methods,
      limits,
      chunks: new ChunkPool(),
      inflater: new Inflater(),
      pool: new BufferPool({ maxLentBytes: limits.maxRequestMemoryBytes, maxKeptBytes: MAX_KEPT_REQUEST_BYTES }),
      reuseReceiveBuffer: options.reuseReceiveBuffer ?? true,
    };
    this.server = createServer({ pauseOnConnect: true }, (socket) => {
      this.connections.add(new Connection(socket, this.context, (connection) => this.forget(connection)));
    });
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

  /** Capacity of the buffers that hold requests at the moment. */
  get requestMemoryBytes(): number {
    return this.context.pool.lentBytes;
  }

  async close(deadline: AbortSignal): Promise<void> {
    const cutOff = (): void => {
      for (const connection of this.connections) connection.destroy();
    };
    this.server.close();
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

  private forget(connection: Connection): void {
    this.connections.delete(connection);
    if (this.connections.size === 0) this.onAllClosed?.();
  }
}
