import { Buffer } from 'node:buffer';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import type { GrpcMethod, Reply } from '../../../../engine/frontend/grpc-wire/grpc-method.js';
import { GrpcWireServer } from '../../../../engine/frontend/grpc-wire/grpc-wire-server.js';
import type { WireLimits } from '../../../../engine/frontend/grpc-wire/wire-limits.js';
import type { MessagePieces } from '../../../../engine/frontend/pieces/message-pieces.js';
import { createRng } from '../../../../src/common/random.js';
import { frameFlags } from '../../../../src/http2/protocol-constants.js';
import { data, headers, prefixed, requestBlock, WireConnection } from '../../../support/wire-connection.js';
import { countingBytes, until } from '../../../support/wire-server.js';

const { END_STREAM } = frameFlags;
const PATH = '/test/Pieces';

const opened: (() => void)[] = [];
afterEach(() => {
  for (const close of opened.splice(0).reverse()) close();
});

/** A server whose reads have memory of their own, as over TLS, and whose method takes pieces and keeps them. */
async function start(limits: Partial<WireLimits> = {}) {
  const held: { readonly message: Buffer; readonly count: number; readonly reply: Reply }[] = [];
  const hold = (message: Buffer, count: number, reply: Reply): void => void held.push({ message, count, reply });
  const method: GrpcMethod = {
    isStreaming: false,
    keepsRequest: true,
    invoke: (bytes, from, to, reply) => hold(bytes.subarray(from, to), 0, reply),
    invokePieces: (message: MessagePieces, reply) => hold(message.join(), message.pieces.length, reply),
  };
  const methods = new Map([[PATH, method]]);
  const server = new GrpcWireServer({ address: '127.0.0.1', port: 0, methods, limits, reuseReceiveBuffer: false });
  const port = await server.start();
  opened.push(() => void server.close(AbortSignal.abort()));
  const connection = await WireConnection.open(port, [[4, 2 ** 30]]);
  opened.push(() => connection.socket.destroy());
  return { server, connection, held };
}

function request(id: number, body: Buffer, frameBytes: number, more: Record<string, string> = {}): Buffer {
  const frames = [headers(id, requestBlock(PATH, more))];
  for (let at = 0; at < body.length; at += frameBytes) {
    const isLast = at + frameBytes >= body.length;
    frames.push(data(id, body.subarray(at, at + frameBytes), isLast ? END_STREAM : 0));
  }
  return Buffer.concat(frames);
}

describe('requests whose bytes stay where they were read', () => {
  it('come whole from frames and reads of any size, small ones in one piece', async () => {
    const { server, connection, held } = await start();
    const random = createRng(5);
    const messages = Array.from({ length: 12 }, (_, call) =>
      Buffer.alloc(call % 3 === 0 ? 3000 : 16_384 + random.int(300_000), 1 + call),
    );
    const frameSizes = [700, 3000, 16_384, 100_000];
    const bytes = Buffer.concat(
      messages.map((message, call) => request(1 + 2 * call, prefixed(message), frameSizes[random.int(4)]!)),
    );
    for (let at = 0; at < bytes.length; ) {
      const count = 1 + random.int(50_000);
      connection.send(bytes.subarray(at, at + count));
      at += count;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => held.length === messages.length);
    for (const [call, { message, count }] of held.entries()) {
      expect(message.equals(messages[call]!)).toBe(true);
      if (message.length < 16_384) expect(count).toBe(0);
    }
    expect(held.some(({ count }) => count > 1)).toBe(true);
    expect(server.requestMemoryBytes).toBeGreaterThan(0);
    for (const { reply } of held) reply.succeed(Buffer.from('ok'));
    expect(server.requestMemoryBytes).toBe(0);
  });

  it('are in pieces too when they were compressed', async () => {
    const { server, connection, held } = await start();
    const message = countingBytes(200_000);
    connection.send(request(1, prefixed(gzipSync(message), 1), 16_384, { 'grpc-encoding': 'gzip' }));
    await until(() => held.length === 1);
    expect(held[0]!.message.equals(message)).toBe(true);
    expect(held[0]!.count).toBeGreaterThan(1);
    expect(server.requestMemoryBytes).toBe(200_000);
    held[0]!.reply.succeed(Buffer.from('ok'));
    expect(server.requestMemoryBytes).toBe(0);
  });

  it('leave no memory behind when their connection ends, before they are whole or before they are answered', async () => {
    const { server, connection, held } = await start();
    connection.send(request(1, prefixed(countingBytes(100_000)), 16_384));
    await until(() => held.length === 1);
    connection.send(request(3, prefixed(countingBytes(100_000)), 16_384).subarray(0, 60_000));
    await until(() => server.requestMemoryBytes > 110_000);
    connection.socket.destroy();
    await until(() => server.connectionCount === 0);
    // The method still reads the first one.
    expect(server.requestMemoryBytes).toBe(100_000);
    held[0]!.reply.succeed(Buffer.from('ok'));
    expect(server.requestMemoryBytes).toBe(0);
  });

  it('are refused when there is no memory left for them, and others are served', async () => {
    const { server, connection, held } = await start({ maxRequestMemoryBytes: 150_000 });
    connection.send(request(1, prefixed(countingBytes(100_000)), 16_384));
    await until(() => held.length === 1);
    connection.send(request(3, prefixed(countingBytes(100_000)), 16_384));
    expect((await connection.answer(3)).grpcStatus).toBe(8);
    expect(server.requestMemoryBytes).toBe(100_000);
    held[0]!.reply.succeed(Buffer.from('ok'));
    connection.send(request(5, prefixed(countingBytes(100_000)), 16_384));
    await until(() => held.length === 2);
    held[1]!.reply.succeed(Buffer.from('fine'));
    expect((await connection.answer(5)).messages[0]?.toString()).toBe('fine');
    expect(server.requestMemoryBytes).toBe(0);
  });
});
