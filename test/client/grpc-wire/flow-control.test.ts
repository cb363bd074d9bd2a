import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeSettings, encodeWindowUpdate } from '../../../src/http2/frame-writer.js';
import { frameFlags, frameTypes, settingIds } from '../../../src/http2/protocol-constants.js';
import { collectFromScript, endOf, requestOf, until } from '../../support/collected-client.js';
import { dataOf, endsRequest, headOf, type RawPeer, wholeAnswer } from '../../support/raw-grpc-server.js';

const DEFAULT_WINDOW = 65_535;

const dataBytes = (peer: RawPeer, id?: number): number =>
  peer.frames
    .filter(({ type, streamId }) => type === frameTypes.DATA && (id === undefined || streamId === id))
    .reduce((sum, { payload }) => sum + payload.length, 0);

/** Grants what was read, keeps count, and answers when a request is whole. */
function granting(initialWindow: number, sizeOf: (received: number) => number) {
  const windows = { connection: DEFAULT_WINDOW, least: 0, streams: new Map<number, number>() };
  const script = (peer: RawPeer, frame: RawPeer['frames'][number] | undefined): void => {
    if (frame === undefined) peer.send(encodeSettings([[settingIds.INITIAL_WINDOW_SIZE, initialWindow]]));
    if (frame?.type !== frameTypes.DATA) return;
    const { streamId, payload } = frame;
    const stream = (windows.streams.get(streamId) ?? initialWindow) - payload.length;
    windows.connection -= payload.length;
    windows.least = Math.min(windows.least, windows.connection, stream);
    windows.streams.set(streamId, stream);
    if (endsRequest(frame)) peer.send(wholeAnswer(streamId));
    // Whoever has nothing left gets some more.
    if (windows.connection < 1000) {
      const more = Math.max(1000, sizeOf(payload.length));
      windows.connection += more;
      setImmediate(() => peer.send(encodeWindowUpdate(0, more)));
    }
    if (stream <= 0 && !endsRequest(frame)) {
      const more = sizeOf(payload.length);
      windows.streams.set(streamId, stream + more);
      setImmediate(() => peer.send(encodeWindowUpdate(streamId, more)));
    }
  };
  return { windows, script };
}

describe('flow control of the wire-level client', () => {
  it('sends no byte beyond the windows, and every byte in the end', async () => {
    const windowSize = fc.integer({ min: 100, max: 40_000 });
    const sizes = fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(windowSize, fc.integer({ min: 900, max: 30_000 }), sizes, async (initial, more, requests) => {
        const { windows, script } = granting(initial, () => more);
        const { server, client, ended, completions } = await collectFromScript(script);
        for (const [tag, size] of requests.entries()) client.send(client.prepare(requestOf(size)), tag);
        await ended(requests.length);
        expect(completions.map(endOf)).toEqual(requests.map(() => 'ok'));
        expect(windows.least).toBeGreaterThanOrEqual(0);
        for (const [tag, size] of requests.entries()) {
          const parts = server.peers[0]!.frames.filter(
            ({ type, streamId }) => type === frameTypes.DATA && streamId === 2 * tag + 1,
          );
          const body = Buffer.concat(parts.map(({ payload }) => payload));
          expect(body.subarray(-size).equals(requestOf(size).inputs[0]!.bytes)).toBe(true);
        }
      }),
      { numRuns: 12 },
    );
  });

  it('lets a small request pass one that waits for the window of its own stream', async () => {
    const { server, client, ended, completions } = await collectFromScript((peer, frame) => {
      if (frame === undefined) peer.send(encodeSettings([[settingIds.INITIAL_WINDOW_SIZE, 1000]]));
      else if (endsRequest(frame)) peer.send(wholeAnswer(frame.streamId));
    });
    client.send(client.prepare(requestOf(5000)), 1);
    client.send(client.prepare(requestOf(100)), 2);
    await ended(1);
    expect(completions[0]).toMatchObject({ tag: 2 });
    expect(dataBytes(server.peers[0]!, 1)).toBe(1000);
    server.peers[0]!.send(encodeWindowUpdate(1, 10_000));
    await ended(2);
    expect(completions.map(endOf)).toEqual(['ok', 'ok']);
  });

  it('keeps to a window that shrinks below what was sent already', async () => {
    const { server, client, ended, completions } = await collectFromScript((peer, frame) => {
      if (frame === undefined) peer.send(encodeSettings([[settingIds.INITIAL_WINDOW_SIZE, 3000]]));
      else if (endsRequest(frame)) peer.send(wholeAnswer(frame.streamId));
    });
    client.send(client.prepare(requestOf(5000)), 1);
    const [peer] = server.peers;
    await until(() => dataBytes(peer!) === 3000);
    peer!.send(encodeSettings([[settingIds.INITIAL_WINDOW_SIZE, 500]]), encodeWindowUpdate(1, 2400));
    const acknowledged = (): number =>
      peer!.frames.filter(({ type, flags }) => type === frameTypes.SETTINGS && flags === frameFlags.ACK).length;
    await until(() => acknowledged() === 2);
    expect(dataBytes(peer!)).toBe(3000);
    peer!.send(encodeWindowUpdate(1, 200));
    await until(() => dataBytes(peer!) === 3100);
    peer!.send(encodeSettings([[settingIds.INITIAL_WINDOW_SIZE, 10_000]]));
    await ended(1);
    expect(completions.map(endOf)).toEqual(['ok']);
  });

  it('stops sending a request whose answer is there, and gives back its place', async () => {
    const { server, client, ended, sendOne, completions } = await collectFromScript((peer, frame) => {
      const settings: [number, number][] = [
        [settingIds.INITIAL_WINDOW_SIZE, 1000],
        [settingIds.MAX_CONCURRENT_STREAMS, 1],
      ];
      if (frame === undefined) peer.send(encodeSettings(settings));
      else if (frame.type === frameTypes.DATA) peer.send(wholeAnswer(frame.streamId));
    });
    client.send(client.prepare(requestOf(5000)), 1);
    await ended(1);
    expect(completions.map(endOf)).toEqual(['ok']);
    await until(() => server.peers[0]!.frames.some(({ type }) => type === frameTypes.RST_STREAM));
    expect(await sendOne()).toBe('ok');
    expect(dataBytes(server.peers[0]!, 1)).toBe(1000);
  });

  it('cancels a request that waits for a window longer than its timeout', async () => {
    const { server, client, ended, completions } = await collectFromScript(
      (peer, frame) => {
        if (frame === undefined) peer.send(encodeSettings([[settingIds.INITIAL_WINDOW_SIZE, 0]]));
      },
      { requestTimeoutMs: 40 },
    );
    client.send(client.prepare(requestOf(5000)), 1);
    await ended(1);
    expect(endOf(completions[0]!)).toMatch(/^DEADLINE_EXCEEDED/);
    await until(() => server.peers[0]!.frames.some(({ type }) => type === frameTypes.RST_STREAM));
  });

  it('grants the connection again what answers have used, before half a window is left', async () => {
    const piece = Buffer.alloc(16_384);
    const { server, client } = await collectFromScript((peer, frame) => {
      if (frame === undefined) peer.send(encodeSettings([]));
      if (!endsRequest(frame)) return;
      // A message announced as larger than the window, of which half comes.
      const prefix = Buffer.from([0, 0x7f, 0xff, 0xff, 0]);
      peer.send(headOf(frame.streamId), dataOf(frame.streamId, Buffer.concat([prefix, Buffer.from([0x0a])])));
      let left = 2 ** 27 / piece.length + 2;
      const sendNext = (): void => {
        while (left > 0 && peer.socket.write(dataOf(frame.streamId, piece))) left--;
        if (left > 0) peer.socket.once('drain', sendNext);
      };
      sendNext();
    });
    client.send(client.prepare(requestOf()), 1);
    const updates = () =>
      server.peers[0]!.frames.filter(({ type, streamId }) => type === frameTypes.WINDOW_UPDATE && streamId === 0);
    await until(() => updates().length === 2);
    expect(updates()[1]!.payload.readUInt32BE()).toBeGreaterThan(2 ** 27);
  });

  it('is not held up by a server that reads nothing for a while, and mixes up no bytes meanwhile', async () => {
    const { server, client, ended, completions } = await collectFromScript((peer, frame) => {
      const wide = [[settingIds.INITIAL_WINDOW_SIZE, 2 ** 30]] as const;
      if (frame === undefined) peer.send(encodeSettings(wide), encodeWindowUpdate(0, 2 ** 30));
      else if (endsRequest(frame)) peer.send(wholeAnswer(frame.streamId));
    });
    const [peer] = server.peers;
    peer!.socket.pause();
    const sizes = [100, 20_000, 200_000, 900_000];
    const handles = sizes.map((size) => client.prepare(requestOf(size)));
    for (let tag = 0; tag < 40; tag++) client.send(handles[tag % 4]!, tag);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(completions).toHaveLength(0);
    peer!.socket.resume();
    await ended(40);
    expect(completions.every((completion) => endOf(completion) === 'ok')).toBe(true);
    const bodies = new Map<number, Buffer[]>();
    for (const { type, streamId, payload } of peer!.frames) {
      if (type === frameTypes.DATA) bodies.set(streamId, [...(bodies.get(streamId) ?? []), payload]);
    }
    for (let tag = 0; tag < 40; tag++) {
      const body = Buffer.concat(bodies.get(2 * tag + 1)!);
      const sent = requestOf(sizes[tag % 4]).inputs[0]!.bytes;
      expect(body.length).toBe(5 + body.readUInt32BE(1));
      expect(body.subarray(-sent.length).equals(sent)).toBe(true);
    }
  });
});
