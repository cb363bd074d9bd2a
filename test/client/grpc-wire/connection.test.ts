import { describe, expect, it, onTestFinished } from 'vitest';
import { outcomeCodes } from '../../../src/client/outcome.js';
import { encodeGoAway, encodePing, encodeRstStream, encodeSettings } from '../../../src/http2/frame-writer.js';
import { errorCodes, frameFlags, frameTypes, settingIds } from '../../../src/http2/protocol-constants.js';
import { collectFrom, collectFromScript, endOf, requestOf, until } from '../../support/collected-client.js';
import {
  answering,
  endsRequest,
  greeting,
  type RawPeer,
  requestFieldsOf,
  startRawServer,
  wholeAnswer,
} from '../../support/raw-grpc-server.js';

const requestsOf = ({ frames }: RawPeer): number => frames.filter(endsRequest).length;

describe('a connection of the wire-level client', () => {
  it('begins with SETTINGS and a wide window, and acknowledges the settings of the server', async () => {
    const { server, sendOne } = await collectFromScript(answering((id) => wholeAnswer(id)));
    await sendOne();
    const [settings, window, acknowledgement] = server.peers[0]!.frames;
    expect(settings).toMatchObject({ type: frameTypes.SETTINGS, flags: 0, streamId: 0 });
    expect(window).toMatchObject({ type: frameTypes.WINDOW_UPDATE, streamId: 0 });
    expect(window!.payload.readUInt32BE() + 65_535).toBe(2 ** 28);
    expect(acknowledgement).toMatchObject({ type: frameTypes.SETTINGS, flags: frameFlags.ACK });
  });

  it('answers a PING with the same bytes', async () => {
    const { server, sendOne } = await collectFromScript(
      answering((id) => Buffer.concat([encodePing(Buffer.from('12345678'), false), wholeAnswer(id)])),
    );
    await sendOne();
    await until(() => server.peers[0]!.frames.some(({ type }) => type === frameTypes.PING));
    const pong = server.peers[0]!.frames.find(({ type }) => type === frameTypes.PING);
    expect(pong).toMatchObject({ flags: frameFlags.ACK, payload: Buffer.from('12345678') });
  });

  it('teaches the server its headers once and then repeats them in few bytes', async () => {
    const headers = { authorization: 'Bearer x', 'trace-bin': 'AAEC' };
    const { server, ended, send } = await collectFromScript(
      answering((id) => wholeAnswer(id)),
      { headers },
    );
    send(3);
    await ended(3);
    const [peer] = server.peers;
    const heads = peer!.frames.filter(({ type }) => type === frameTypes.HEADERS);
    expect(heads[0]!.payload.length).toBeGreaterThan(100);
    expect(heads[1]!.payload.length).toBeLessThan(16);
    expect(heads[2]!.payload).toEqual(heads[1]!.payload);
    const fields = requestFieldsOf(peer!);
    expect(Object.fromEntries(fields.get(1)!)).toEqual({
      ':method': 'POST',
      ':scheme': 'http',
      ':path': '/inference.GRPCInferenceService/ModelInfer',
      ':authority': server.endpoint,
      te: 'trailers',
      'grpc-timeout': '5500000u',
      'content-type': 'application/grpc',
      'user-agent': 'perf-ts',
      'grpc-accept-encoding': 'identity,deflate,gzip',
      ...headers,
    });
    expect(fields.get(5)).toEqual(fields.get(1));
  });

  it('spells its headers out for a server that keeps no table, from the start or later', async () => {
    for (const atStart of [true, false]) {
      const none = [[settingIds.HEADER_TABLE_SIZE, 0]] as const;
      const answer = (id: number): Buffer =>
        Buffer.concat([id === 1 && !atStart ? encodeSettings(none) : Buffer.alloc(0), wholeAnswer(id)]);
      const { server, sendOne } = await collectFromScript(answering(answer, atStart ? none : []));
      expect([await sendOne(), await sendOne(), await sendOne()]).toEqual(['ok', 'ok', 'ok']);
      const fields = requestFieldsOf(server.peers[0]!, atStart ? 0 : 4096);
      expect(fields.get(5)).toEqual(fields.get(1));
      const blocks = server.peers[0]!.frames.filter(({ type }) => type === frameTypes.HEADERS);
      expect(blocks.map(({ payload }) => payload[0] === 0x20)).toEqual(
        atStart ? [true, false, false] : [false, true, false],
      );
    }
  });

  it('continues headers that are longer than a frame', async () => {
    const headers = { 'x-long': 'v'.repeat(40_000), 'x-longer': 'w'.repeat(300_000) };
    const { server, ended, send } = await collectFromScript(
      answering((id) => wholeAnswer(id)),
      { headers },
    );
    send(2);
    await ended(2);
    const fields = requestFieldsOf(server.peers[0]!);
    for (const id of [1, 3]) expect(Object.fromEntries(fields.get(id)!)).toMatchObject(headers);
    expect(server.peers[0]!.frames.every(({ payload }) => payload.length <= 16_384)).toBe(true);
  });

  it('never has more streams open than the server allows, and sends the rest as others end', async () => {
    let most = 0;
    const { ended, send, completions } = await collectFromScript((peer, frame) => {
      if (frame === undefined) peer.send(greeting([[settingIds.MAX_CONCURRENT_STREAMS, 3]]));
      else if (endsRequest(frame)) {
        open.add(frame.streamId);
        most = Math.max(most, open.size);
        setImmediate(() => {
          open.delete(frame.streamId);
          peer.send(wholeAnswer(frame.streamId));
        });
      }
    });
    const open = new Set<number>();
    send(50);
    await ended(50);
    expect(most).toBe(3);
    expect(completions.every((completion) => endOf(completion) === 'ok')).toBe(true);
  });

  it('waits while the server allows no stream at all', async () => {
    const { server, sendOne } = await collectFromScript(
      answering((id) => wholeAnswer(id), [[settingIds.MAX_CONCURRENT_STREAMS, 0]]),
    );
    setTimeout(() => server.peers[0]!.send(encodeSettings([[settingIds.MAX_CONCURRENT_STREAMS, 1]])), 20);
    expect(await sendOne()).toBe('ok');
  });

  it('sends no more on a connection that says goodbye, ends there what the server saw, and moves the rest', async () => {
    const script = answering((id, peer) => {
      if (peer.number > 1) return wholeAnswer(id);
      if (id < 9) return Buffer.alloc(0);
      if (id > 9) return Buffer.alloc(0);
      return Buffer.concat([encodeGoAway(5, 'NO_ERROR'), ...[1, 3, 5].map((seen) => wholeAnswer(seen))]);
    });
    const { server, ended, send, completions } = await collectFromScript(script);
    send(8);
    await ended(8);
    expect(completions.map(endOf)).toEqual(Array(8).fill('ok'));
    expect(completions.slice(0, 3).map(({ tag }) => tag)).toEqual([0, 1, 2]);
    send(1);
    await ended(9);
    expect(server.peers.map(requestsOf)).toEqual([8, 6]);
  });

  it('tells of a request that is turned away twice', async () => {
    const { server, sendOne } = await collectFromScript(answering(() => encodeGoAway(0, 'NO_ERROR')));
    expect(await sendOne()).toBe('UNAVAILABLE: the server turned the request away twice');
    expect(server.peers).toHaveLength(2);
  });

  it('names a reset by its code', async () => {
    const codes = ['REFUSED_STREAM', 'CANCEL', 'ENHANCE_YOUR_CALM', 'PROTOCOL_ERROR'] as const;
    const { sendOne } = await collectFromScript(answering((id) => encodeRstStream(id, codes[(id - 1) / 2]!)));
    const ends: string[] = [];
    for (const _ of codes) ends.push(await sendOne());
    expect(ends).toEqual([
      'UNAVAILABLE: the server reset the stream (REFUSED_STREAM)',
      'CANCELLED: the server reset the stream (CANCEL)',
      'RESOURCE_EXHAUSTED: the server reset the stream (ENHANCE_YOUR_CALM)',
      'INTERNAL: the server reset the stream (PROTOCOL_ERROR)',
    ]);
  });

  it('is followed by another when its stream ids are used up, and closed when its last answer is there', async () => {
    const { server, ended, send, completions } = await collectFromScript(
      answering((id) => wholeAnswer(id)),
      {},
      { lastStreamId: 7 },
    );
    send(10);
    await ended(10);
    expect(completions.every((completion) => endOf(completion) === 'ok')).toBe(true);
    expect(server.peers.map(requestsOf)).toEqual([4, 4, 2]);
    await until(() => server.peers[0]!.socket.destroyed && server.peers[1]!.socket.destroyed);
  });

  it('that is lost fails what is in flight, and the next one serves what comes later', async () => {
    const { server, sendOne, ended, send, completions } = await collectFromScript(
      answering((id, peer) => {
        if (id > 1 && peer.number === 1) setImmediate(() => peer.socket.destroy());
        return id > 1 && peer.number === 1 ? Buffer.alloc(0) : wholeAnswer(id);
      }),
    );
    expect(await sendOne()).toBe('ok');
    send(3);
    await ended(4);
    expect(completions.slice(1).map(endOf)).toEqual(Array(3).fill('UNAVAILABLE: connection lost'));
    expect([await sendOne(), await sendOne()]).toEqual(['ok', 'ok']);
    expect(server.peers).toHaveLength(2);
  });

  it('is made again for requests that come while it is down, once the server is back', async () => {
    const script = answering((id) => wholeAnswer(id));
    const first = await startRawServer(script);
    const { sendOne } = await collectFrom(first.endpoint);
    expect(await sendOne()).toBe('ok');
    await first.close();
    expect(await sendOne()).toMatch(/^UNAVAILABLE: connection (lost|refused)$/);
    const second = await startRawServer(script, Number(first.endpoint.split(':')[1]));
    onTestFinished(() => second.close());
    const ends = [];
    while (ends.at(-1) !== 'ok') ends.push(await sendOne());
    expect(ends.length).toBeLessThanOrEqual(2);
    expect(second.peers).toHaveLength(1);
  });

  it('does not turn into a busy loop when the server drops every connection', async () => {
    const { server, send, ended, completions } = await collectFromScript((peer, frame) => {
      if (frame === undefined) peer.send(greeting());
      else if (endsRequest(frame)) peer.socket.destroy();
    });
    for (let round = 1; round <= 4; round++) {
      send(1);
      await ended(round);
    }
    expect(completions.map(endOf)).toEqual(Array(4).fill('UNAVAILABLE: connection lost'));
    expect(server.peers.length).toBeLessThanOrEqual(5);
  });

  it('cancels on the server what is not answered in time', async () => {
    const { server, send, ended, completions } = await collectFromScript(
      answering(() => Buffer.alloc(0)),
      {
        requestTimeoutMs: 30,
      },
    );
    send(2);
    await ended(2);
    expect(completions.map(({ outcome }) => outcome)).toEqual([outcomeCodes.timeout, outcomeCodes.timeout]);
    const resets = () => server.peers[0]!.frames.filter(({ type }) => type === frameTypes.RST_STREAM);
    await until(() => resets().length === 2);
    expect(resets().map(({ streamId, payload }) => [streamId, payload.readUInt32BE()])).toEqual([
      [1, errorCodes.CANCEL],
      [3, errorCodes.CANCEL],
    ]);
  });

  it('takes no notice of what still comes for a request that was given up', async () => {
    const late: (() => void)[] = [];
    const { send, ended, sendOne } = await collectFromScript(
      (peer, frame) => {
        if (frame === undefined) peer.send(greeting());
        else if (endsRequest(frame) && frame.streamId === 1) late.push(() => peer.send(wholeAnswer(1)));
        else if (endsRequest(frame)) {
          for (const answer of late) answer();
          peer.send(wholeAnswer(frame.streamId));
        }
      },
      { requestTimeoutMs: 100 },
    );
    send(1);
    await ended(1);
    expect(await sendOne()).toBe('ok');
  });

  it('says goodbye when the client is closed', async () => {
    const { server, client, sendOne } = await collectFromScript(answering((id) => wholeAnswer(id)));
    await sendOne();
    await client.close();
    await until(() => server.peers[0]!.frames.some(({ type }) => type === frameTypes.GOAWAY));
  });

  it('keeps more requests in flight than it has places for at first', async () => {
    const waiting: (() => void)[] = [];
    const { send, ended, completions } = await collectFromScript((peer, frame) => {
      if (frame === undefined) peer.send(greeting());
      else if (endsRequest(frame)) {
        waiting.push(() => peer.send(wholeAnswer(frame.streamId)));
        if (waiting.length === 1000) for (const answer of waiting.reverse()) answer();
      }
    });
    send(1000);
    await ended(1000);
    expect(completions.map(({ tag }) => tag)).toEqual(Array.from({ length: 1000 }, (_, index) => 999 - index));
  });

  it.each([
    ['not HTTP/2 but words', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['a frame other than SETTINGS', encodePing(Buffer.alloc(8), false)],
    ['SETTINGS that are against the rules', encodeSettings([[settingIds.MAX_FRAME_SIZE, 5]])],
  ])('is refused when the server begins with %s', async (_what, bytes) => {
    const failed = collectFromScript((peer, frame) => {
      if (frame === undefined) peer.send(bytes);
    });
    await expect(failed).rejects.toMatchObject({ code: 'TARGET_UNREACHABLE' });
  });

  it('is refused when the server closes without a word', async () => {
    const failed = collectFromScript((peer) => peer.socket.destroy());
    await expect(failed).rejects.toMatchObject({ code: 'TARGET_UNREACHABLE' });
  });

  it('refuses headers that gRPC cannot carry, all at once, and compression', async () => {
    const headers = { Upper: 'x', te: 'y', 'a-bin': '!', good: 'z', odd: 'ä' };
    const refused = collectFrom('127.0.0.1:1', { headers });
    await expect(refused).rejects.toMatchObject({
      code: 'BAD_OPTION',
      problems: ['Upper', 'te', 'a-bin', 'odd'].map((name) => ({ where: `header '${name}'` })),
    });
    const compressed = collectFrom('127.0.0.1:1', { compression: 'gzip' });
    await expect(compressed).rejects.toMatchObject({ code: 'BAD_OPTION' });
  });

  it('sends a request of every size whole', async () => {
    const sizes = [1, 16_000, 16_384, 40_000, 65_530, 70_000, 300_000, 2_000_000];
    const bodies = new Map<number, Buffer[]>();
    const { sendOne, client } = await collectFromScript((peer, frame) => {
      if (frame === undefined) peer.send(greeting([[settingIds.INITIAL_WINDOW_SIZE, 2 ** 24]]));
      if (frame?.type === frameTypes.DATA) {
        bodies.set(frame.streamId, [...(bodies.get(frame.streamId) ?? []), frame.payload]);
        if (endsRequest(frame)) peer.send(wholeAnswer(frame.streamId));
      }
    });
    for (const size of sizes) expect(await sendOne(requestOf(size))).toBe('ok');
    for (const [index, size] of sizes.entries()) {
      const body = Buffer.concat(bodies.get(2 * index + 1)!);
      expect(body.length).toBe(5 + body.readUInt32BE(1));
      expect(body.subarray(-size).equals(requestOf(size).inputs[0]!.bytes)).toBe(true);
    }
    expect(await client.inferOnce(requestOf(100_000), 5000)).toHaveLength(1);
  });
});
