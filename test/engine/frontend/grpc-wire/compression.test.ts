import { gunzipSync, inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { chooseEncoding, encodingsOfLevel } from '../../../../engine/frontend/grpc-wire/message-encoding.js';
import { frameFlags, frameTypes } from '../../../../src/http2/protocol-constants.js';
import { data, headers, prefixed, requestBlock, type WireConnection } from '../../../support/wire-connection.js';
import { startTestServer, type TestServer } from '../../../support/wire-server.js';

const UNARY = '/test/Packed';
const STREAM = '/test/PackedStream';
const MOST_FRAME_BYTES = 2 ** 20;
const even = Buffer.alloc(50_000, 7);

/** Methods that echo and may compress as at the level high. */
function startPacking(): Promise<TestServer> {
  const echo = { keepsRequest: false, answerEncodings: encodingsOfLevel.high };
  const invoke = (bytes: Buffer, start: number, end: number, reply: { succeed(message: Uint8Array): void }): void =>
    reply.succeed(bytes.subarray(start, end));
  const methods = new Map([
    [UNARY, { ...echo, isStreaming: false, invoke }],
    [STREAM, { ...echo, isStreaming: true, invoke }],
  ]);
  return startTestServer({ methods });
}

interface RawMessage {
  readonly flag: number;
  readonly bytes: Buffer;
}

/** Messages of an answer with their flags, once the stream has ended. */
async function rawMessages(connection: WireConnection, id: number): Promise<RawMessage[]> {
  const isEnd = (flags: number): boolean => (flags & frameFlags.END_STREAM) !== 0;
  await connection.frame(({ streamId, type, flags }) => streamId === id && type === frameTypes.HEADERS && isEnd(flags));
  const frames = connection.frames.filter(({ streamId, type }) => streamId === id && type === frameTypes.DATA);
  const body = Buffer.concat(frames.map(({ payload }) => payload));
  const messages: RawMessage[] = [];
  for (let at = 0; at < body.length; ) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    messages.push({ flag: body[at]!, bytes: body.subarray(at + 5, end) });
    at = end;
  }
  return messages;
}

const ask = (id: number, path: string, accepted: string, ...messages: Buffer[]): Buffer =>
  Buffer.concat([
    headers(id, requestBlock(path, { 'grpc-accept-encoding': accepted })),
    ...messages.flatMap((message) => inFrames(id, prefixed(message))),
    data(id, Buffer.alloc(0), frameFlags.END_STREAM),
  ]);

function inFrames(id: number, bytes: Buffer): Buffer[] {
  const count = Math.ceil(bytes.length / MOST_FRAME_BYTES);
  return Array.from({ length: count }, (_, place) =>
    data(id, bytes.subarray(place * MOST_FRAME_BYTES, (place + 1) * MOST_FRAME_BYTES)),
  );
}

describe('answers', () => {
  it('are compressed as the client takes them', async () => {
    const connection = await (await startPacking()).connect();
    connection.send(ask(1, UNARY, 'identity, gzip', even), ask(3, UNARY, 'identity,deflate,gzip', even));
    const [gzipped] = await rawMessages(connection, 1);
    expect(gzipped!.flag).toBe(1);
    expect(gunzipSync(gzipped!.bytes).equals(even)).toBe(true);
    const [deflated] = await rawMessages(connection, 3);
    expect(deflated!.flag).toBe(1);
    expect(inflateSync(deflated!.bytes).equals(even)).toBe(true);
  });

  it('stay plain for a client that takes no compression, and where they would not become smaller', async () => {
    const connection = await (await startPacking()).connect();
    connection.send(ask(1, UNARY, 'identity', even), ask(3, UNARY, 'gzip', Buffer.from('short')));
    expect(await rawMessages(connection, 1)).toEqual([{ flag: 0, bytes: even }]);
    expect(await rawMessages(connection, 3)).toEqual([{ flag: 0, bytes: Buffer.from('short') }]);
    expect((await connection.answer(3)).fields['grpc-encoding']).toBe('gzip');
  });

  it('of a stream keep their order though some take longer to compress', async () => {
    const connection = await (await startPacking()).connect();
    const messages = [Buffer.alloc(2_000_000, 1), even, Buffer.alloc(900_000, 2), Buffer.from('last')];
    connection.send(ask(1, STREAM, 'gzip', ...messages));
    const received = await rawMessages(connection, 1);
    const plain = received.map(({ flag, bytes }) => (flag === 1 ? gunzipSync(bytes) : bytes));
    expect(plain.map((bytes, place) => bytes.equals(messages[place]!))).toEqual([true, true, true, true]);
  });

  it('that are cancelled while they are compressed are dropped, and the connection closes when it is told to', async () => {
    const { connect, server } = await startPacking();
    const connection = await connect();
    connection.send(ask(1, UNARY, 'gzip', Buffer.alloc(3_000_000, 1)));
    connection.socket.destroy();
    await server.close(new AbortController().signal);
    expect(server.connectionCount).toBe(0);
  });
});

describe('the encoding of an answer', () => {
  it.each([
    ['none', 'gzip,deflate', 'identity'],
    ['low', 'identity,deflate,gzip', 'gzip'],
    ['medium', 'identity,deflate,gzip', 'deflate'],
    ['high', 'identity,deflate,gzip', 'deflate'],
    ['high', 'gzip', 'gzip'],
    ['low', 'snappy', 'identity'],
    ['low', undefined, 'identity'],
  ] as const)('at level %s for a client that takes %s is %s', (level, accepted, expected) => {
    expect(chooseEncoding(encodingsOfLevel[level], accepted)).toBe(expected);
  });
});
