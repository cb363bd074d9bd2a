import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { encodeRstStream } from '../../../../src/http2/frame-writer.js';
import { errorCodes, frameFlags, frameTypes } from '../../../../src/http2/protocol-constants.js';
import { statusCodes } from '../../../../src/kserve/status.js';
import { data, headers, prefixed, requestBlock, wholeRequest } from '../../../support/wire-connection.js';
import {
  BROKEN,
  countingBytes,
  ECHO,
  HELD,
  HELD_STREAM,
  LATER,
  STREAM,
  startTestServer,
  until,
} from '../../../support/wire-server.js';

const { END_STREAM, END_HEADERS } = frameFlags;
const message = Buffer.from('hello');

describe('a unary call', () => {
  it('is answered with headers, one message and trailers', async () => {
    const connection = await (await startTestServer()).connect();
    connection.send(wholeRequest(1, ECHO, message));
    const answer = await connection.answer(1);
    expect(answer.fields).toEqual({
      ':status': '200',
      'content-type': 'application/grpc',
      'grpc-accept-encoding': 'identity,deflate,gzip',
      'grpc-status': '0',
    });
    expect(answer.messages).toEqual([message]);
  });

  it.each([
    ['no byte', 0],
    ['less than a frame', 4000],
    ['a whole frame', 16_384],
    ['many frames', 300_000],
    ['more than a first reservation', 3_000_000],
  ])('carries a message of %s both ways', async (_, length) => {
    const connection = await (await startTestServer()).connect([[4, 2 ** 30]]);
    const content = countingBytes(length);
    const body = prefixed(content);
    connection.send(headers(1, requestBlock(LATER)));
    for (let at = 0; at < body.length; at += 16_384) connection.send(data(1, body.subarray(at, at + 16_384)));
    connection.send(data(1, Buffer.alloc(0), END_STREAM));
    const [echoed] = (await connection.answer(1)).messages;
    expect(echoed?.equals(content)).toBe(true);
  });

  it('may end its request with trailers', async () => {
    const connection = await (await startTestServer()).connect();
    const trailers = headers(1, requestBlock(ECHO), END_HEADERS | END_STREAM);
    connection.send(headers(1, requestBlock(ECHO)), data(1, prefixed(message)), trailers);
    expect((await connection.answer(1)).messages).toEqual([message]);
  });

  it('keeps its request intact until it is answered, whatever is received meanwhile', async () => {
    const { connect, held, server } = await startTestServer();
    const connection = await connect();
    connection.send(wholeRequest(1, HELD, message));
    await until(() => held.length === 1);
    for (let id = 3; id < 103; id += 2) connection.send(wholeRequest(id, ECHO, Buffer.alloc(2000, id)));
    await connection.answer(101);
    expect(held[0]!.bytes).toEqual(message);
    held[0]!.reply.succeed(held[0]!.bytes);
    expect((await connection.answer(1)).messages).toEqual([message]);
    expect(server.requestMemoryBytes).toBe(0);
  });

  it('takes only the first answer', async () => {
    const { connect, held } = await startTestServer();
    const connection = await connect();
    connection.send(wholeRequest(1, HELD, message));
    await until(() => held.length === 1);
    const { reply } = held[0]!;
    reply.succeed(message);
    reply.succeed(Buffer.from('again'));
    reply.fail({ status: 'INTERNAL', message: 'again' });
    connection.send(wholeRequest(3, ECHO, message));
    await connection.answer(3);
    expect((await connection.answer(1)).messages).toEqual([message]);
    expect(connection.frames.filter(({ streamId }) => streamId === 1)).toHaveLength(3);
  });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
  ] as const)('takes a message compressed with %s', async (encoding, compress) => {
    const connection = await (await startTestServer()).connect();
    const content = countingBytes(50_000);
    const block = requestBlock(LATER, { 'grpc-encoding': encoding });
    connection.send(headers(1, block), data(1, prefixed(compress(content), 1), END_STREAM));
    connection.send(headers(3, block), data(3, prefixed(message), END_STREAM));
    expect((await connection.answer(1)).messages[0]?.equals(content)).toBe(true);
    expect((await connection.answer(3)).messages).toEqual([message]);
  });

  const bomb = gzipSync(Buffer.alloc(2_000_000));
  const gzip = { 'grpc-encoding': 'gzip' };
  it.each<[string, keyof typeof statusCodes, RegExp, Record<string, string>, Buffer]>([
    [
      'a message beyond the limit',
      'RESOURCE_EXHAUSTED',
      /1000001 bytes.*1000000/,
      {},
      prefixed(Buffer.alloc(1_000_001)),
    ],
    ['a message that only unpacks beyond it', 'RESOURCE_EXHAUSTED', /decompressed/, gzip, prefixed(bomb, 1)],
    ['bytes that are not gzip', 'INTERNAL', /cannot be decompressed as gzip/, gzip, prefixed(message, 1)],
    ['compression that was not announced', 'INTERNAL', /without grpc-encoding/, {}, prefixed(message, 1)],
    ['an unknown compression', 'UNIMPLEMENTED', /grpc-encoding zstd/, { 'grpc-encoding': 'zstd' }, prefixed(message)],
    ['a malformed prefix', 'INTERNAL', /prefix/, {}, prefixed(message, 2)],
    ['a message that is cut off', 'INTERNAL', /cut off/, {}, prefixed(message).subarray(0, 7)],
    ['no message', 'INTERNAL', /no request message/, {}, Buffer.alloc(0)],
    ['a malformed deadline', 'INTERNAL', /grpc-timeout "soon"/, { 'grpc-timeout': 'soon' }, prefixed(message)],
  ])('is refused for %s', async (_, status, text, change, body) => {
    const { connect, server } = await startTestServer({ limits: { maxMessageBytes: 1_000_000 } });
    const connection = await connect();
    connection.send(headers(1, requestBlock(ECHO, change)));
    for (let at = 0; at < body.length; at += 500_000) connection.send(data(1, body.subarray(at, at + 500_000)));
    connection.send(data(1, Buffer.alloc(0), END_STREAM));
    const answer = await connection.answer(1);
    expect(answer.grpcStatus).toBe(statusCodes[status]);
    expect(answer.grpcMessage).toMatch(text);
    expect(answer.fields['grpc-accept-encoding']).toContain('gzip');
    connection.send(wholeRequest(3, ECHO, message));
    expect((await connection.answer(3)).messages).toEqual([message]);
    expect(server.requestMemoryBytes).toBe(0);
  });

  it('is refused when it has no DATA at all', async () => {
    const connection = await (await startTestServer()).connect();
    connection.send(headers(1, requestBlock(ECHO), END_HEADERS | END_STREAM));
    expect(await connection.answer(1)).toMatchObject({ grpcStatus: statusCodes.INTERNAL });
  });

  it('is refused for a second message, which the method does not see', async () => {
    const { connect, held } = await startTestServer();
    const connection = await connect();
    connection.send(headers(1, requestBlock(HELD)), data(1, Buffer.concat([prefixed(message), prefixed(message)])));
    expect(await connection.answer(1)).toMatchObject({ grpcStatus: statusCodes.INTERNAL });
    expect(held).toHaveLength(1);
    expect(held[0]!.reply.isCancelled()).toBe(true);
  });

  it.each<[string, Record<string, string>, string, number]>([
    ['an unknown method', { ':path': '/test/Nope' }, '200', statusCodes.UNIMPLEMENTED],
    ['GET', { ':method': 'GET' }, '405', statusCodes.UNKNOWN],
    ['another content type', { 'content-type': 'application/json' }, '415', statusCodes.UNKNOWN],
    ['a content type that only begins alike', { 'content-type': 'application/grpc-web' }, '415', statusCodes.UNKNOWN],
    ['too many header fields', { long: 'x'.repeat(20_000) }, '431', statusCodes.RESOURCE_EXHAUSTED],
  ])('is refused for %s', async (_, change, httpStatus, grpcStatus) => {
    const connection = await (await startTestServer()).connect();
    connection.send(headers(1, requestBlock(ECHO, change)), data(1, prefixed(message), END_STREAM));
    const answer = await connection.answer(1);
    expect(answer.fields[':status']).toBe(httpStatus);
    expect(answer.grpcStatus).toBe(grpcStatus);
    connection.send(headers(3, requestBlock(ECHO, { 'content-type': 'application/grpc+proto' })));
    connection.send(data(3, prefixed(message), END_STREAM));
    expect((await connection.answer(3)).grpcStatus).toBe(0);
  });

  it("tells the caller of a method's bug and of text in any language", async () => {
    const { connect, held } = await startTestServer();
    const connection = await connect();
    connection.send(wholeRequest(1, BROKEN, message), wholeRequest(3, HELD, message));
    expect(await connection.answer(1)).toMatchObject({ grpcStatus: statusCodes.INTERNAL, grpcMessage: 'a bug' });
    held[0]!.reply.fail({ status: 'NOT_FOUND', message: 'größer als 100 %\n' });
    expect(await connection.answer(3)).toMatchObject({
      grpcStatus: statusCodes.NOT_FOUND,
      grpcMessage: 'größer als 100 %\n',
    });
  });
});

describe('a call that is given up', () => {
  it('is cancelled by RST_STREAM, and its late answer is dropped', async () => {
    const { connect, held, server } = await startTestServer();
    const connection = await connect();
    connection.send(wholeRequest(1, HELD, message));
    await until(() => held.length === 1);
    const { reply } = held[0]!;
    expect(reply.isCancelled()).toBe(false);
    connection.send(encodeRstStream(1, 'CANCEL'));
    await until(() => reply.isCancelled());
    expect(server.requestMemoryBytes).toBeGreaterThan(0);
    reply.succeed(message);
    expect(server.requestMemoryBytes).toBe(0);
    connection.send(wholeRequest(3, ECHO, message));
    await connection.answer(3);
    expect(connection.frames.filter(({ streamId }) => streamId === 1)).toEqual([]);
  });

  it('is cancelled when its client goes away', async () => {
    const { connect, held } = await startTestServer();
    const connection = await connect();
    connection.send(wholeRequest(1, HELD, message));
    await until(() => held.length === 1);
    connection.socket.destroy();
    await until(() => held[0]!.reply.isCancelled());
    held[0]!.reply.succeed(message);
  });

  it('ends with DEADLINE_EXCEEDED once its time is over', async () => {
    const { connect, held } = await startTestServer();
    const connection = await connect();
    const block = requestBlock(HELD, { 'grpc-timeout': '20m' });
    connection.send(headers(1, block), data(1, prefixed(message), END_STREAM));
    expect(await connection.answer(1)).toMatchObject({ grpcStatus: statusCodes.DEADLINE_EXCEEDED });
    expect(held[0]!.reply.isCancelled()).toBe(true);
    held[0]!.reply.succeed(message);
  });

  it('ends with DEADLINE_EXCEEDED also while its request is still under way, and tells the client to stop', async () => {
    const connection = await (await startTestServer()).connect();
    const block = requestBlock(ECHO, { 'grpc-timeout': '20m' });
    connection.send(headers(1, block), data(1, prefixed(message).subarray(0, 6)));
    expect(await connection.answer(1)).toMatchObject({ grpcStatus: statusCodes.DEADLINE_EXCEEDED });
    expect(await connection.resetOf(1)).toBe(errorCodes.NO_ERROR);
  });

  it('leaves nothing behind when it is reset while its request is being decompressed', async () => {
    const { connect, server } = await startTestServer({ limits: { maxConcurrentStreams: 10 } });
    const connection = await connect();
    const block = requestBlock(LATER, { 'grpc-encoding': 'gzip' });
    const body = prefixed(gzipSync(Buffer.alloc(3_000_000)), 1);
    for (let id = 1; id < 81; id += 2) {
      connection.send(headers(id, block), data(id, body, END_STREAM), encodeRstStream(id, 'CANCEL'));
    }
    expect(await connection.resetOf(79)).toBe(errorCodes.REFUSED_STREAM);
    await until(() => server.requestMemoryBytes === 0);
    connection.send(headers(81, block), data(81, prefixed(gzipSync(message), 1), END_STREAM));
    expect((await connection.answer(81)).messages).toEqual([message]);
  });

  it('does not mind a deadline beyond all timers', async () => {
    const { connect, held } = await startTestServer();
    const connection = await connect();
    const block = requestBlock(HELD, { 'grpc-timeout': '99999999H' });
    connection.send(headers(1, block), data(1, prefixed(message), END_STREAM));
    await until(() => held.length === 1);
    held[0]!.reply.succeed(message);
    expect((await connection.answer(1)).grpcStatus).toBe(0);
  });
});

describe('a stream', () => {
  const texts = (list: readonly Buffer[]): string[] => list.map((bytes) => bytes.toString());

  it('answers each request and ends with the client', async () => {
    const connection = await (await startTestServer()).connect();
    const two = Buffer.concat([prefixed(Buffer.from('one')), prefixed(Buffer.from('two'))]);
    connection.send(headers(1, requestBlock(STREAM)), data(1, two.subarray(0, 11)), data(1, two.subarray(11)));
    await connection.frame(({ type, payload }) => type === frameTypes.DATA && payload.includes('two'));
    connection.send(data(1, prefixed(Buffer.from('three')), END_STREAM));
    const { messages, grpcStatus } = await connection.answer(1);
    expect([texts(messages), grpcStatus]).toEqual([['one', 'two', 'three'], 0]);
  });

  it('answers several requests of one frame that also ends it', async () => {
    const connection = await (await startTestServer()).connect();
    const body = Buffer.concat(['one', 'two', 'three'].map((text) => prefixed(Buffer.from(text))));
    connection.send(headers(1, requestBlock(STREAM)), data(1, body, END_STREAM));
    expect(texts((await connection.answer(1)).messages)).toEqual(['one', 'two', 'three']);
  });

  it('answers in the order of the requests, whichever is ready first', async () => {
    const { connect, held, server } = await startTestServer();
    const connection = await connect();
    const body = Buffer.concat(['one', 'two', 'three'].map((text) => prefixed(Buffer.from(text))));
    connection.send(headers(1, requestBlock(HELD_STREAM)), data(1, body, END_STREAM));
    await until(() => held.length === 3);
    for (const index of [2, 0, 1]) held[index]!.reply.succeed(held[index]!.bytes);
    const { messages, grpcStatus } = await connection.answer(1);
    expect([texts(messages), grpcStatus]).toEqual([['one', 'two', 'three'], 0]);
    expect(server.requestMemoryBytes).toBe(0);
  });

  it('ends at once when it has no request', async () => {
    const connection = await (await startTestServer()).connect();
    connection.send(headers(1, requestBlock(STREAM), END_HEADERS | END_STREAM));
    expect(await connection.answer(1)).toMatchObject({ grpcStatus: 0, messages: [] });
  });

  it('ends with the status of a request that fails', async () => {
    const { connect, held } = await startTestServer();
    const connection = await connect();
    connection.send(headers(1, requestBlock(HELD_STREAM)), data(1, prefixed(message)), data(1, prefixed(message)));
    await until(() => held.length === 2);
    held[0]!.reply.succeed(message);
    held[1]!.reply.fail({ status: 'UNAVAILABLE', message: 'closing' });
    expect(await connection.answer(1)).toMatchObject({ grpcStatus: statusCodes.UNAVAILABLE, grpcMessage: 'closing' });
    expect(await connection.resetOf(1)).toBe(errorCodes.NO_ERROR);
  });

  it('takes compressed and plain messages in their order', async () => {
    const connection = await (await startTestServer()).connect([[4, 2 ** 20]]);
    const block = requestBlock(STREAM, { 'grpc-encoding': 'gzip' });
    const first = prefixed(gzipSync(Buffer.alloc(100_000, 'a')), 1);
    const body = Buffer.concat([first, prefixed(Buffer.from('b')), prefixed(gzipSync(Buffer.from('c')), 1)]);
    connection.send(headers(1, block), data(1, body, END_STREAM));
    expect(texts((await connection.answer(1)).messages)).toEqual(['a'.repeat(100_000), 'b', 'c']);
  });

  it('hands no more requests to the method than the limit until some are answered', async () => {
    const { connect, held } = await startTestServer({ limits: { maxStreamRequests: 3 } });
    const connection = await connect();
    const body = Buffer.concat(Array.from({ length: 10 }, (_, index) => prefixed(Buffer.from(String(index)))));
    connection.send(headers(1, requestBlock(HELD_STREAM)), data(1, body, END_STREAM), wholeRequest(3, ECHO, message));
    await connection.answer(3);
    expect(held).toHaveLength(3);
    for (let index = 0; index < 10; index++) {
      await until(() => held.length > index);
      held[index]!.reply.succeed(held[index]!.bytes);
    }
    expect(texts((await connection.answer(1)).messages)).toEqual([...'0123456789']);
  });
});
