import { describe, expect, it } from 'vitest';
import { encodePing } from '../../../../src/http2/frame-writer.js';
import { errorCodes, frameFlags, frameTypes } from '../../../../src/http2/protocol-constants.js';
import {
  headers,
  type ReceivedFrame,
  requestBlock,
  type WireConnection,
  wholeRequest,
} from '../../../support/wire-connection.js';
import { ECHO, HELD, startTestServer, until } from '../../../support/wire-server.js';

const never = new AbortController().signal;
const message = Buffer.from('hello');
const isGoAway = ({ type }: ReceivedFrame): boolean => type === frameTypes.GOAWAY;

/** Answers the server's PING, which tells it that the announcement was seen. */
async function confirm(connection: WireConnection): Promise<void> {
  const ping = await connection.frame(({ type, flags }) => type === frameTypes.PING && flags === 0);
  connection.send(encodePing(ping.payload, true));
}

describe('a server that closes', () => {
  it('announces it, finishes open calls and then closes', async () => {
    const { connect, held, server } = await startTestServer();
    const connection = await connect();
    connection.send(wholeRequest(1, HELD, message));
    await until(() => held.length === 1);
    const closed = server.close(never);
    expect((await connection.frame(isGoAway)).payload.readUInt32BE(0)).toBe(0x7fffffff);
    await confirm(connection);
    const final = await connection.frame((frame) => isGoAway(frame) && frame.payload.readUInt32BE(0) === 1);
    expect(final.payload.readUInt32BE(4)).toBe(errorCodes.NO_ERROR);
    held[0]!.reply.succeed(message);
    expect((await connection.answer(1)).messages).toEqual([message]);
    await connection.closed;
    await closed;
  });

  it('still serves calls that were on their way when it announced the end, and refuses later ones', async () => {
    const { connect, held, server } = await startTestServer();
    const connection = await connect();
    connection.send(wholeRequest(1, HELD, message));
    await until(() => held.length === 1);
    const closed = server.close(never);
    await connection.frame(isGoAway);
    connection.send(wholeRequest(3, ECHO, message));
    expect((await connection.answer(3)).grpcStatus).toBe(0);
    await confirm(connection);
    connection.send(wholeRequest(5, ECHO, message));
    expect(await connection.resetOf(5)).toBe(errorCodes.REFUSED_STREAM);
    held[0]!.reply.succeed(message);
    await closed;
  });

  it('closes idle connections, those that have not spoken yet, and takes no new ones', async () => {
    const { connect, connectRaw, server } = await startTestServer();
    const idle = await connect();
    const silent = connectRaw();
    await silent.frameOn(0, frameTypes.SETTINGS);
    const closed = server.close(never);
    await confirm(idle);
    await Promise.all([idle.closed, silent.closed, closed]);
    const late = connectRaw();
    await late.closed;
    expect(late.frames).toEqual([]);
  });

  it('does not wait for ever for a client that does not confirm', async () => {
    const { connect, server } = await startTestServer();
    const connection = await connect();
    await server.close(never);
    await connection.closed;
  });

  it('cuts off at the deadline what is still open', async () => {
    const { connect, held, server } = await startTestServer();
    const connection = await connect();
    connection.send(wholeRequest(1, HELD, message), headers(3, requestBlock(ECHO), frameFlags.END_HEADERS));
    await until(() => held.length === 1);
    const deadline = new AbortController();
    const closed = server.close(deadline.signal);
    await connection.frame(isGoAway);
    deadline.abort();
    await Promise.all([closed, connection.closed]);
    expect(held[0]!.reply.isCancelled()).toBe(true);
    held[0]!.reply.succeed(message);
    expect(server.requestMemoryBytes).toBe(0);
  });
});
