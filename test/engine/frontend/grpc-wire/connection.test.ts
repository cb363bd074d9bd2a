import { describe, expect, it } from 'vitest';
import {
  encodeFrame,
  encodePing,
  encodeRstStream,
  encodeSettings,
  encodeWindowUpdate,
} from '../../../../src/http2/frame-writer.js';
import {
  CLIENT_PREFACE,
  errorCodes,
  frameFlags,
  frameTypes,
  settingIds,
} from '../../../../src/http2/protocol-constants.js';
import {
  data,
  headers,
  opening,
  prefixed,
  requestBlock,
  WireConnection,
  wholeRequest,
} from '../../../support/wire-connection.js';
import { ECHO, HELD, startTestServer, until } from '../../../support/wire-server.js';

const { END_STREAM, END_HEADERS, PADDED, PRIORITY } = frameFlags;
const message = Buffer.from('hello');

/** Frames that begin a call and leave it open. */
const openCall = headers(1, requestBlock(HELD));

describe('a connection', () => {
  it('announces its settings and a large window at once, and acknowledges the settings of the peer', async () => {
    const { connectRaw } = await startTestServer();
    const connection = connectRaw();
    const settings = await connection.frameOn(0, frameTypes.SETTINGS);
    const pairs = new Map<number, number>();
    for (let at = 0; at < settings.payload.length; at += 6) {
      pairs.set(settings.payload.readUInt16BE(at), settings.payload.readUInt32BE(at + 2));
    }
    expect(pairs.get(settingIds.INITIAL_WINDOW_SIZE)).toBe(16 * 2 ** 20);
    expect((await connection.frameOn(0, frameTypes.WINDOW_UPDATE)).payload.readUInt32BE(0)).toBe(
      256 * 2 ** 20 - 65_535,
    );
    connection.send(opening());
    await connection.frame(({ type, flags }) => type === frameTypes.SETTINGS && flags === frameFlags.ACK);
  });

  it('answers a PING with the same bytes', async () => {
    const connection = await (await startTestServer()).connect();
    connection.send(encodePing(Buffer.from('12345678'), false));
    const pong = await connection.frameOn(0, frameTypes.PING);
    expect(pong.flags).toBe(frameFlags.ACK);
    expect(pong.payload.toString()).toBe('12345678');
  });

  it('works the plain way where a socket cannot be read into a buffer of ours', async () => {
    const { connect } = await startTestServer({ reuseReceiveBuffer: false });
    const connection = await connect();
    connection.send(wholeRequest(1, ECHO, message));
    expect((await connection.answer(1)).messages).toEqual([message]);
    connection.socket.end();
    await connection.closed;
  });

  it('works with a socket that is read into one buffer, and is let go when the client leaves', async () => {
    const { connect, server } = await startTestServer();
    const connection = await connect();
    connection.send(wholeRequest(1, ECHO, message));
    expect((await connection.answer(1)).messages).toEqual([message]);
    connection.socket.end();
    await connection.closed;
    await until(() => server.connectionCount === 0);
  });

  it('reads requests however the bytes are cut', async () => {
    const connection = await (await startTestServer()).connect();
    for (const byte of wholeRequest(1, ECHO, message)) {
      connection.socket.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await connection.answer(1)).messages).toEqual([message]);
  });

  it('reads padding, priorities, continuations and unknown frames', async () => {
    const connection = await (await startTestServer()).connect();
    const block = requestBlock(ECHO);
    const padded = Buffer.concat([Buffer.of(3), Buffer.alloc(5), block.subarray(0, 20), Buffer.alloc(3)]);
    connection.send(
      encodeFrame(0xbb, 0xff, 0, Buffer.alloc(10)),
      encodeFrame(frameTypes.PRIORITY, 0, 1, Buffer.alloc(5)),
      headers(1, padded, PADDED | PRIORITY),
      encodeFrame(frameTypes.CONTINUATION, 0, 1, block.subarray(20, 30)),
      encodeFrame(frameTypes.CONTINUATION, END_HEADERS, 1, block.subarray(30)),
      data(1, Buffer.concat([Buffer.of(4), prefixed(message), Buffer.alloc(4)]), PADDED | END_STREAM),
    );
    expect((await connection.answer(1)).messages).toEqual([message]);
  });

  it('refuses more calls than it announced, and takes others once those have ended', async () => {
    const { connect, held } = await startTestServer({ limits: { maxConcurrentStreams: 2 } });
    const connection = await connect();
    connection.send(wholeRequest(1, HELD, message), wholeRequest(3, HELD, message), wholeRequest(5, ECHO, message));
    expect(await connection.resetOf(5)).toBe(errorCodes.REFUSED_STREAM);
    held[0]!.reply.succeed(message);
    await connection.answer(1);
    connection.send(wholeRequest(7, ECHO, message));
    expect((await connection.answer(7)).grpcStatus).toBe(0);
  });

  it('does not let a client open and reset calls without end while their methods are at work', async () => {
    const { connect, held } = await startTestServer({ limits: { maxConcurrentStreams: 4 } });
    const connection = await connect();
    const ids = Array.from({ length: 20 }, (_, index) => 1 + 2 * index);
    for (const id of ids) connection.send(wholeRequest(id, HELD, message), encodeRstStream(id, 'CANCEL'));
    await connection.resetOf(39);
    expect(held).toHaveLength(8);
    for (const { reply } of held) reply.fail({ status: 'CANCELLED', message: '' });
    connection.send(wholeRequest(41, ECHO, message));
    expect((await connection.answer(41)).grpcStatus).toBe(0);
  });

  it('ignores what comes late for calls that are over', async () => {
    const connection = await (await startTestServer()).connect();
    connection.send(wholeRequest(1, ECHO, message));
    await connection.answer(1);
    connection.send(
      data(1, Buffer.alloc(10)),
      encodeWindowUpdate(1, 5),
      encodeRstStream(1, 'CANCEL'),
      headers(1, requestBlock(ECHO), END_HEADERS | END_STREAM),
      wholeRequest(3, ECHO, message),
    );
    expect((await connection.answer(3)).messages).toEqual([message]);
  });

  it.each<[string, keyof typeof errorCodes, Buffer]>([
    ['a frame before SETTINGS', 'PROTOCOL_ERROR', Buffer.concat([CLIENT_PREFACE, encodePing(Buffer.alloc(8), false)])],
    ['HTTP/1', 'PROTOCOL_ERROR', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
  ])('answers an opening with %s by GOAWAY', async (_, code, bytes) => {
    const connection = (await startTestServer()).connectRaw();
    connection.send(bytes);
    expect(await connection.goAway()).toMatchObject({ code: errorCodes[code] });
  });

  it.each<[string, keyof typeof errorCodes, readonly Buffer[]]>([
    ['DATA on stream 0', 'PROTOCOL_ERROR', [data(0, message)]],
    ['DATA on an idle stream', 'PROTOCOL_ERROR', [data(9, message)]],
    ['HEADERS on stream 0', 'PROTOCOL_ERROR', [headers(0, requestBlock(ECHO))]],
    ['HEADERS on an even stream', 'PROTOCOL_ERROR', [headers(2, requestBlock(ECHO))]],
    ['padding longer than its frame', 'PROTOCOL_ERROR', [openCall, data(1, Buffer.of(9, 1, 2), PADDED)]],
    ['a padded frame without a length', 'FRAME_SIZE_ERROR', [openCall, data(1, Buffer.alloc(0), PADDED)]],
    ['a malformed header block', 'COMPRESSION_ERROR', [headers(1, Buffer.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff))]],
    ['priority fields that are cut off', 'FRAME_SIZE_ERROR', [headers(1, Buffer.alloc(3), PRIORITY | END_HEADERS)]],
    ['CONTINUATION without HEADERS', 'PROTOCOL_ERROR', [encodeFrame(frameTypes.CONTINUATION, 4, 1, Buffer.alloc(3))]],
    [
      'an interrupted header block',
      'PROTOCOL_ERROR',
      [headers(1, requestBlock(ECHO), 0), encodePing(Buffer.alloc(8), false)],
    ],
    [
      'a continuation of another stream',
      'PROTOCOL_ERROR',
      [headers(1, requestBlock(ECHO), 0), encodeFrame(frameTypes.CONTINUATION, 4, 3, Buffer.alloc(3))],
    ],
    ['SETTINGS of odd length', 'FRAME_SIZE_ERROR', [encodeFrame(frameTypes.SETTINGS, 0, 0, Buffer.alloc(5))]],
    ['SETTINGS on a stream', 'PROTOCOL_ERROR', [encodeFrame(frameTypes.SETTINGS, 0, 1, Buffer.alloc(6))]],
    [
      'an acknowledgement with a payload',
      'FRAME_SIZE_ERROR',
      [encodeFrame(frameTypes.SETTINGS, 1, 0, Buffer.alloc(6))],
    ],
    ['an initial window of 2 GiB', 'FLOW_CONTROL_ERROR', [encodeSettings([[settingIds.INITIAL_WINDOW_SIZE, 2 ** 31]])]],
    ['a frame size below the minimum', 'PROTOCOL_ERROR', [encodeSettings([[settingIds.MAX_FRAME_SIZE, 100]])]],
    ['a push setting of 2', 'PROTOCOL_ERROR', [encodeSettings([[settingIds.ENABLE_PUSH, 2]])]],
    ['PING of wrong length', 'FRAME_SIZE_ERROR', [encodeFrame(frameTypes.PING, 0, 0, Buffer.alloc(7))]],
    ['PING on a stream', 'PROTOCOL_ERROR', [encodeFrame(frameTypes.PING, 0, 1, Buffer.alloc(8))]],
    [
      'RST_STREAM of wrong length',
      'FRAME_SIZE_ERROR',
      [openCall, encodeFrame(frameTypes.RST_STREAM, 0, 1, Buffer.alloc(3))],
    ],
    ['RST_STREAM on an idle stream', 'PROTOCOL_ERROR', [encodeRstStream(7, 'CANCEL')]],
    [
      'WINDOW_UPDATE of wrong length',
      'FRAME_SIZE_ERROR',
      [encodeFrame(frameTypes.WINDOW_UPDATE, 0, 0, Buffer.alloc(5))],
    ],
    ['WINDOW_UPDATE of 0', 'PROTOCOL_ERROR', [encodeWindowUpdate(0, 0)]],
    ['WINDOW_UPDATE on an idle stream', 'PROTOCOL_ERROR', [encodeWindowUpdate(7, 1)]],
    ['a connection window beyond 31 bits', 'FLOW_CONTROL_ERROR', [encodeWindowUpdate(0, 0x7fffffff)]],
    ['PUSH_PROMISE', 'PROTOCOL_ERROR', [encodeFrame(frameTypes.PUSH_PROMISE, 4, 1, Buffer.alloc(8))]],
    [
      'a frame larger than announced',
      'FRAME_SIZE_ERROR',
      [encodeFrame(frameTypes.DATA, 0, 1, Buffer.alloc(2 ** 20 + 1))],
    ],
    [
      'a control frame of 70,000 bytes',
      'ENHANCE_YOUR_CALM',
      [encodeFrame(frameTypes.GOAWAY, 0, 0, Buffer.alloc(70_000))],
    ],
    [
      'endless continuations',
      'ENHANCE_YOUR_CALM',
      [
        headers(1, requestBlock(ECHO), 0),
        ...Array<Buffer>(8000).fill(encodeFrame(frameTypes.CONTINUATION, 0, 1, Buffer.alloc(0))),
      ],
    ],
  ])('ends with GOAWAY after %s', async (_, code, frames) => {
    const { connect, server } = await startTestServer();
    const connection = await connect();
    connection.send(...frames);
    expect(await connection.goAway()).toMatchObject({ code: errorCodes[code] });
    const other = await connect();
    other.send(wholeRequest(1, ECHO, message));
    expect((await other.answer(1)).messages).toEqual([message]);
    await until(() => server.connectionCount === 1);
  });

  it.each<[string, keyof typeof errorCodes, readonly Buffer[]]>([
    ['a stream window beyond 31 bits', 'FLOW_CONTROL_ERROR', [openCall, encodeWindowUpdate(1, 0x7fffffff)]],
    ['a stream WINDOW_UPDATE of 0', 'PROTOCOL_ERROR', [openCall, encodeWindowUpdate(1, 0)]],
    [
      'PRIORITY of wrong length',
      'FRAME_SIZE_ERROR',
      [openCall, encodeFrame(frameTypes.PRIORITY, 0, 1, Buffer.alloc(4))],
    ],
    ['DATA after the end of the request', 'STREAM_CLOSED', [wholeRequest(1, HELD, message), data(1, message)]],
    ['trailers that do not end the request', 'PROTOCOL_ERROR', [openCall, headers(1, requestBlock(ECHO))]],
    ['a field name in upper case', 'PROTOCOL_ERROR', [headers(1, requestBlock(ECHO, { Upper: 'x' }))]],
    ['a connection field', 'PROTOCOL_ERROR', [headers(1, requestBlock(ECHO, { connection: 'close' }))]],
    ['no path', 'PROTOCOL_ERROR', [headers(1, requestBlock(ECHO, { ':path': undefined }))]],
    ['an unknown pseudo field', 'PROTOCOL_ERROR', [headers(1, requestBlock(ECHO, { ':unknown': 'x' }))]],
    ['te other than trailers', 'PROTOCOL_ERROR', [headers(1, requestBlock(ECHO, { te: 'gzip' }))]],
  ])('resets only the stream after %s', async (_, code, frames) => {
    const connection = await (await startTestServer()).connect();
    connection.send(...frames);
    expect(await connection.resetOf(1)).toBe(errorCodes[code]);
    connection.send(wholeRequest(3, ECHO, message));
    expect((await connection.answer(3)).messages).toEqual([message]);
  });

  it('closes a connection that does not speak', async () => {
    const { port } = await startTestServer({ limits: { handshakeMs: 20 } });
    await new WireConnection(port).closed;
  });
});
