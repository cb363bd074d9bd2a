/** A gRPC server with methods for tests of the wire: they echo, hold their requests, or misbehave. */
import { Buffer } from 'node:buffer';
import { afterEach } from 'vitest';
import type { GrpcMethod, Reply } from '../../engine/frontend/grpc-wire/grpc-method.js';
import { GrpcWireServer, type GrpcWireServerOptions } from '../../engine/frontend/grpc-wire/grpc-wire-server.js';
import { WireConnection } from './wire-connection.js';

export const ECHO = '/test/Echo';
/** Echoes in a later turn of the event loop, from bytes that it kept. */
export const LATER = '/test/Later';
/** Keeps requests until the test answers them. */
export const HELD = '/test/Held';
export const STREAM = '/test/Stream';
export const HELD_STREAM = '/test/HeldStream';
export const BROKEN = '/test/Broken';
/** Answers with as many bytes as the request says in ASCII, counting up modulo 251. */
export const SIZED = '/test/Sized';

export const countingBytes = (length: number): Buffer => {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = i % 251;
  return bytes;
};

interface HeldRequest {
  readonly bytes: Buffer;
  readonly reply: Reply;
}

export interface TestServer {
  readonly server: GrpcWireServer;
  readonly port: number;
  readonly held: HeldRequest[];
  connect(settings?: readonly (readonly [number, number])[]): Promise<WireConnection>;
  /** A connection that has sent nothing. */
  connectRaw(): WireConnection;
}

const method = (
  run: (bytes: Buffer, reply: Reply) => void,
  { isStreaming = false, keepsRequest = false } = {},
): GrpcMethod => ({
  isStreaming,
  keepsRequest,
  invoke: (bytes, start, end, reply) => run(bytes.subarray(start, end), reply),
});

const opened: { close(): void }[] = [];
afterEach(() => {
  for (const part of opened.splice(0).reverse()) part.close();
});

export async function startTestServer(options: Partial<GrpcWireServerOptions> = {}): Promise<TestServer> {
  const held: HeldRequest[] = [];
  const hold = (bytes: Buffer, reply: Reply): void => void held.push({ bytes, reply });
  const echo = (bytes: Buffer, reply: Reply): void => reply.succeed(bytes);
  const broken = (): void => {
    throw new Error('a bug');
  };
  const methods = new Map<string, GrpcMethod>([
    [ECHO, method(echo)],
    [LATER, method((bytes, reply) => void setImmediate(() => reply.succeed(bytes)), { keepsRequest: true })],
    [HELD, method(hold, { keepsRequest: true })],
    [STREAM, method(echo, { isStreaming: true })],
    [HELD_STREAM, method(hold, { isStreaming: true, keepsRequest: true })],
    [BROKEN, method(broken)],
    [SIZED, method((bytes, reply) => reply.succeed(countingBytes(Number(bytes.toString('latin1')))))],
  ]);
  const server = new GrpcWireServer({ address: '127.0.0.1', port: 0, methods, ...options });
  const port = await server.start();
  opened.push({ close: () => void server.close(AbortSignal.abort()) });
  const keep = (connection: WireConnection): WireConnection => {
    opened.push({ close: () => connection.socket.destroy() });
    return connection;
  };
  return {
    server,
    port,
    held,
    connect: async (settings) => keep(await WireConnection.open(port, settings)),
    connectRaw: () => keep(new WireConnection(port)),
  };
}

/** Resolves once `isTrue`, looking every turn of the event loop. */
export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setImmediate(resolve));
}
