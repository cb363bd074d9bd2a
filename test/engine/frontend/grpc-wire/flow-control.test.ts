import { describe, expect, it } from 'vitest';
import { encodePing, encodeSettings, encodeWindowUpdate } from '../../../../src/http2/frame-writer.js';
import {
  CLIENT_PREFACE,
  errorCodes,
  frameFlags,
  frameTypes,
  settingIds,
} from '../../../../src/http2/protocol-constants.js';
import { statusCodes } from '../../../../src/kserve/status.js';
import {
  data,
  headers,
  prefixed,
  requestBlock,
  type WireConnection,
  wholeRequest,
} from '../../../support/wire-connection.js';
import { countingBytes, ECHO, HELD, SIZED, STREAM, startTestServer, until } from '../../../support/wire-server.js';

const { END_STREAM } = frameFlags;
const sized = (streamId: number, length: number): Buffer => wholeRequest(streamId, SIZED, Buffer.from(String(length)));

const receivedBytes = (connection: WireConnection, streamId?: number): number =>
  connection.frames
    .filter((frame) => frame.type === frameTypes.DATA && (streamId === undefined || frame.streamId === streamId))
    .reduce((sum, { payload }) => sum + payload.length, 0);

let pingCount = 0;

/** Resolves once everything sent so far has been read, and answered as far as it goes. */
async function settle(connection: WireConnection): Promise<void> {
  const opaque = Buffer.from(`ping${String(pingCount++).padStart(4, '0')}`);
  connection.send(encodePing(opaque, false));
  await connection.frame(({ type, payload }) => type === frameTypes.PING && payload.equals(opaque));
}

describe('what the server sends', () => {
  it('stays within the window of a stream and goes on as it opens', async () => {
    const connection = await (await startTestServer()).connect([[settingIds.INITIAL_WINDOW_SIZE, 10]]);
    connection.send(sized(1, 1000));
    await settle(connection);
    expect(receivedBytes(connection)).toBe(10);
    connection.send(encodeWindowUpdate(1, 500));
    await settle(connection);
    expect(receivedBytes(connection)).toBe(510);
    connection.send(encodeWindowUpdate(1, 500));
    expect((await connection.answer(1)).messages[0]?.equals(countingBytes(1000))).toBe(true);
  });

  it('stays within the window of the connection, which its streams share', async () => {
    const { connectRaw } = await startTestServer();
    const connection = connectRaw();
    connection.send(CLIENT_PREFACE, encodeSettings([[settingIds.INITIAL_WINDOW_SIZE, 2 ** 20]]));
    connection.send(sized(1, 60_000), sized(3, 60_000), sized(5, 60_000));
    await settle(connection);
    expect(receivedBytes(connection)).toBe(65_535);
    connection.send(encodeWindowUpdate(0, 2 ** 20));
    for (const id of [1, 3, 5]) {
      expect((await connection.answer(id)).messages[0]?.equals(countingBytes(60_000))).toBe(true);
    }
  });

  it('follows a new initial window also on open streams, even below zero', async () => {
    const connection = await (await startTestServer()).connect([[settingIds.INITIAL_WINDOW_SIZE, 100]]);
    connection.send(sized(1, 1000));
    await settle(connection);
    connection.send(encodeSettings([[settingIds.INITIAL_WINDOW_SIZE, 0]]), encodeWindowUpdate(1, 100));
    await settle(connection);
    expect(receivedBytes(connection)).toBe(100);
    connection.send(encodeSettings([[settingIds.INITIAL_WINDOW_SIZE, 2000]]));
    expect((await connection.answer(1)).messages[0]?.length).toBe(1000);
  });

  it('has frames no larger than the peer takes', async () => {
    const connection = await (await startTestServer()).connect([[settingIds.INITIAL_WINDOW_SIZE, 2 ** 30]]);
    connection.send(sized(1, 100_000));
    await connection.answer(1);
    const sizes = connection.frames.filter(({ type }) => type === frameTypes.DATA).map(({ payload }) => payload.length);
    expect(Math.max(...sizes)).toBe(16_384);
    connection.send(encodeSettings([[settingIds.MAX_FRAME_SIZE, 2 ** 20]]), sized(3, 100_000));
    expect((await connection.answer(3)).messages[0]?.equals(countingBytes(100_000))).toBe(true);
  });

  it('lets a small answer pass while a large one waits for its stream', async () => {
    const connection = await (await startTestServer()).connect([[settingIds.INITIAL_WINDOW_SIZE, 1000]]);
    connection.send(sized(1, 5000), wholeRequest(3, ECHO, Buffer.from('small')));
    expect((await connection.answer(3)).messages).toEqual([Buffer.from('small')]);
    connection.send(encodeWindowUpdate(1, 5000));
    expect((await connection.answer(1)).messages[0]?.equals(countingBytes(5000))).toBe(true);
  });

  it('gives up an answer that waits beyond its deadline', async () => {
    const { connect, held } = await startTestServer();
    const connection = await connect([[settingIds.INITIAL_WINDOW_SIZE, 0]]);
    const block = requestBlock(HELD, { 'grpc-timeout': '30m' });
    connection.send(headers(1, block), data(1, prefixed(Buffer.from('x')), END_STREAM));
    await until(() => held.length === 1);
    held[0]!.reply.succeed(Buffer.from('x'));
    expect(await connection.resetOf(1)).toBe(errorCodes.CANCEL);
  });

  it('does not pile up for a stream whose client takes nothing', async () => {
    const { connect } = await startTestServer({ limits: { maxPendingWriteBytes: 10_000 } });
    const connection = await connect([[settingIds.INITIAL_WINDOW_SIZE, 0]]);
    const body = Buffer.concat(Array<Buffer>(100).fill(prefixed(Buffer.alloc(1000, 5))));
    connection.send(
      headers(1, requestBlock(STREAM)),
      data(1, body, END_STREAM),
      wholeRequest(3, ECHO, Buffer.alloc(0)),
    );
    await settle(connection);
    expect(receivedBytes(connection)).toBe(0);
    // All of it comes once the client makes room.
    connection.send(encodeWindowUpdate(1, 2 ** 20), encodeWindowUpdate(3, 5));
    const { messages, grpcStatus } = await connection.answer(1);
    expect([messages.length, grpcStatus]).toEqual([100, 0]);
    expect((await connection.answer(3)).grpcStatus).toBe(0);
  });

  it('does not pile up for a client that does not read its socket', async () => {
    const { connect } = await startTestServer({ limits: { maxPendingWriteBytes: 2 ** 20 } });
    const connection = await connect([[settingIds.INITIAL_WINDOW_SIZE, 2 ** 30]]);
    await settle(connection);
    connection.socket.pause();
    const before = process.memoryUsage();
    let id = 1;
    let isTaken = true;
    // 2000 answers of 1 MB would be 2 GB; the server stops reading long before.
    while (id < 4001 && isTaken) {
      for (let count = 0; count < 50; count++, id += 2) isTaken = connection.socket.write(sized(id, 1_000_000));
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
    const grown = process.memoryUsage().rss - before.rss;
    expect(grown).toBeLessThan(400 * 2 ** 20);
    connection.socket.destroy();
  });
});

describe('what the server takes', () => {
  it('may be as much as the windows, which it renews at half', async () => {
    const limits = { streamWindowBytes: 100_000, connectionWindowBytes: 200_000 };
    const connection = await (await startTestServer({ limits })).connect();
    const body = prefixed(countingBytes(400_000));
    connection.send(headers(1, requestBlock(ECHO)));
    let window = 100_000;
    for (let at = 0; at < body.length; ) {
      const count = Math.min(body.length - at, 16_384, window);
      connection.send(data(1, body.subarray(at, at + count)));
      at += count;
      window -= count;
      if (window > 0) continue;
      await settle(connection);
      const updates = connection.frames.filter(
        ({ type, streamId }) => type === frameTypes.WINDOW_UPDATE && streamId === 1,
      );
      window = 100_000 + updates.reduce((sum, { payload }) => sum + payload.readUInt32BE(0), 0) - at;
      expect(window).toBeGreaterThanOrEqual(50_000 - 16_384);
    }
    connection.send(data(1, Buffer.alloc(0), END_STREAM), encodeWindowUpdate(1, 2 ** 20));
    expect((await connection.answer(1)).messages[0]?.equals(countingBytes(400_000))).toBe(true);
    const forAll = connection.frames.filter(
      ({ type, streamId }) => type === frameTypes.WINDOW_UPDATE && streamId === 0,
    );
    expect(forAll.reduce((sum, { payload }) => sum + payload.readUInt32BE(0), 0)).toBeGreaterThanOrEqual(
      400_000 - 100_000,
    );
  });

  it('is renewed for small requests too, a million of which would not fit otherwise', async () => {
    const connection = await (await startTestServer({ limits: { connectionWindowBytes: 100_000 } })).connect();
    for (let id = 1; id < 401; id += 2) connection.send(wholeRequest(id, ECHO, Buffer.alloc(1000)));
    await connection.answer(399);
    const updates = connection.frames.filter(
      ({ type, streamId }) => type === frameTypes.WINDOW_UPDATE && streamId === 0,
    );
    const granted = updates.reduce((sum, { payload }) => sum + payload.readUInt32BE(0), 0);
    expect(granted).toBeGreaterThan(200 * 1005 - 65_535);
  });

  it('is refused beyond the window of a stream', async () => {
    const connection = await (await startTestServer({ limits: { streamWindowBytes: 1000 } })).connect();
    connection.send(headers(1, requestBlock(HELD)), data(1, Buffer.alloc(1001)));
    expect(await connection.resetOf(1)).toBe(errorCodes.FLOW_CONTROL_ERROR);
    connection.send(wholeRequest(3, ECHO, Buffer.from('x')));
    expect((await connection.answer(3)).grpcStatus).toBe(0);
  });

  it('is refused beyond the window of the connection', async () => {
    const limits = { streamWindowBytes: 100_000, connectionWindowBytes: 65_535, maxStreamRequests: 1 };
    const connection = await (await startTestServer({ limits })).connect();
    // The stream holds the bytes back, so the connection's window is not renewed.
    const held = Buffer.concat([prefixed(Buffer.alloc(10)), prefixed(Buffer.alloc(66_000))]);
    connection.send(headers(1, requestBlock('/test/HeldStream')), data(1, held));
    expect(await connection.goAway()).toMatchObject({ code: errorCodes.FLOW_CONTROL_ERROR });
  });

  it('is refused when requests would take more memory than allowed in all', async () => {
    const { connect, server } = await startTestServer({ limits: { maxRequestMemoryBytes: 65_536 } });
    const connection = await connect();
    const start = prefixed(Buffer.alloc(60_000)).subarray(0, 30_000);
    connection.send(headers(1, requestBlock(ECHO)), data(1, start), headers(3, requestBlock(ECHO)), data(3, start));
    expect(await connection.answer(3)).toMatchObject({ grpcStatus: statusCodes.RESOURCE_EXHAUSTED });
    connection.socket.destroy();
    await until(() => server.requestMemoryBytes === 0);
  });
});
