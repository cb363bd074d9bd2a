import { describe, expect, it } from 'vitest';
import { createRng, type Rng } from '../../../../src/common/random.js';
import { encodeFrame } from '../../../../src/http2/frame-writer.js';
import { frameFlags, frameTypes } from '../../../../src/http2/protocol-constants.js';
import { data, headers, prefixed, requestBlock, type WireConnection } from '../../../support/wire-connection.js';
import { countingBytes, HELD, LATER, startTestServer, until } from '../../../support/wire-server.js';

const { END_STREAM } = frameFlags;

/** A request in frames of at most `frameBytes`. */
function request(id: number, path: string, message: Buffer, frameBytes: number): Buffer {
  const body = prefixed(message);
  const frames = [headers(id, requestBlock(path))];
  for (let at = 0; at < body.length; at += frameBytes) {
    const isLast = at + frameBytes >= body.length;
    frames.push(data(id, body.subarray(at, at + frameBytes), isLast ? END_STREAM : 0));
  }
  return Buffer.concat(frames);
}

/** Writes in pieces that have nothing to do with the frames. */
async function sendInPieces(connection: WireConnection, bytes: Buffer, random: Rng): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const count = 1 + random.int(120_000);
    connection.send(bytes.subarray(at, at + count));
    at += count;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('large requests', () => {
  it('arrive unchanged from frames and pieces of any size, one behind the other', async () => {
    const server = await startTestServer();
    const random = createRng(11);
    for (let round = 0; round < 6; round++) {
      const connection = await server.connect([[4, 2 ** 30]]);
      const messages = Array.from({ length: 12 }, () =>
        Buffer.alloc(random.int(4) === 0 ? random.int(2000) : 30_000 + random.int(400_000), random.int(256)),
      );
      const frameBytes = () => [16_384, 40_000, 100_000, 1_000_000][random.int(4)]!;
      const parts = messages.map((message, call) => {
        message.write(`${round}/${call}`);
        return request(1 + 2 * call, LATER, message, frameBytes());
      });
      await sendInPieces(connection, Buffer.concat(parts), random);
      for (const [call, message] of messages.entries()) {
        const { messages: echoed } = await connection.answer(1 + 2 * call);
        expect(echoed[0]?.equals(message)).toBe(true);
      }
      connection.socket.destroy();
    }
    await until(() => server.server.requestMemoryBytes === 0);
  });

  it('whose deadline passes while the socket reads them never write into the memory of another request', async () => {
    const server = await startTestServer();
    const late = await server.connect();
    late.send(headers(1, requestBlock(HELD, { 'grpc-timeout': '60m' })));
    const head = encodeFrame(frameTypes.DATA, END_STREAM, 1, prefixed(Buffer.alloc(200_000)));
    late.send(head.subarray(0, 60_000));
    await new Promise((resolve) => setImmediate(resolve));
    late.send(head.subarray(60_000, 100_000));
    expect((await late.answer(1)).grpcStatus).toBe(4);
    const others = await server.connect();
    const calls = [1, 3, 5, 7];
    for (const id of calls) others.send(request(id, HELD, countingBytes(200_000), 1_000_000));
    await until(() => server.held.length === calls.length);
    late.send(Buffer.alloc(head.length - 100_000, 0xee));
    late.send(request(3, LATER, countingBytes(1000), 1_000_000));
    expect((await late.answer(3)).messages[0]?.equals(countingBytes(1000))).toBe(true);
    for (const { bytes, reply } of server.held) {
      expect(bytes.equals(countingBytes(200_000))).toBe(true);
      reply.succeed(Buffer.from('ok'));
    }
    await until(() => server.server.requestMemoryBytes === 0);
  });

  it('that end with their connection leave no memory behind', async () => {
    const server = await startTestServer();
    for (let round = 0; round < 5; round++) {
      const connection = await server.connect();
      const bytes = request(1, LATER, countingBytes(300_000), 1_000_000);
      connection.send(bytes.subarray(0, 50_000));
      await new Promise((resolve) => setImmediate(resolve));
      connection.send(bytes.subarray(50_000, 150_000));
      await until(() => server.server.requestMemoryBytes > 0);
      connection.socket.destroy();
      await until(() => server.server.connectionCount === 0);
    }
    expect(server.server.requestMemoryBytes).toBe(0);
  });
});
