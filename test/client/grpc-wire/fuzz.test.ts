import { describe, expect, it } from 'vitest';
import { outcomeCodes } from '../../../src/client/outcome.js';
import { createRng, type Rng } from '../../../src/common/random.js';
import {
  encodeFrame,
  encodeGoAway,
  encodePing,
  encodeRstStream,
  encodeWindowUpdate,
} from '../../../src/http2/frame-writer.js';
import { frameFlags, frameTypes } from '../../../src/http2/protocol-constants.js';
import { collectFromScript } from '../../support/collected-client.js';
import { endsRequest, greeting, type RawPeer, wholeAnswer } from '../../support/raw-grpc-server.js';

const ROUNDS = Number(process.env.PERF_TS_FUZZ_CONNECTIONS ?? 60);
const REQUESTS = 6;

const randomBytes = (random: Rng, length: number): Buffer => Buffer.from(Array.from({ length }, () => random.int(256)));

function mutated(random: Rng, bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  for (let count = 1 + random.int(5); count > 0; count--) changed[random.int(changed.length)] = random.int(256);
  return changed;
}

/** Frames of an answer, torn from their order, some of them left out or sent twice. */
function shuffled(random: Rng, bytes: Buffer): Buffer {
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 9 + bytes.readUIntBE(at, 3);
    frames.push(bytes.subarray(at, end));
    at = end;
  }
  return Buffer.concat(Array.from({ length: 1 + random.int(5) }, () => frames[random.int(frames.length)]!));
}

/** A frame that is well formed and makes no sense. */
function oddFrame(random: Rng, id: number): Buffer {
  const streamId = [0, id, id + 2, id + 1, 2 ** 31 - 1][random.int(5)]!;
  const payload = randomBytes(random, random.int(40));
  const frames = [
    () => encodeFrame(random.int(12), random.int(256), streamId, payload),
    () => encodeWindowUpdate(streamId, random.int(3) === 0 ? 0 : 2 ** 31 - 1),
    () => encodeRstStream(streamId, 'INTERNAL_ERROR'),
    () => encodeGoAway(streamId, 'ENHANCE_YOUR_CALM', 'x'.repeat(random.int(100))),
    () => encodePing(randomBytes(random, random.int(10)), random.int(2) === 0),
    () => encodeFrame(frameTypes.HEADERS, random.int(2) === 0 ? 0 : frameFlags.END_STREAM, streamId, payload),
    () => encodeFrame(frameTypes.CONTINUATION, 0, streamId, Buffer.alloc(16_000, 0x88)),
    () => encodeFrame(frameTypes.DATA, frameFlags.PADDED, streamId, payload),
  ];
  return frames[random.int(frames.length)]!();
}

/** Whatever the server does, every request ends, with a cause unless it is ok, and the client can be closed. */
async function survives(seed: number, answer: (random: Rng, id: number, peer: RawPeer) => Buffer): Promise<void> {
  const random = createRng(seed);
  for (let round = 0; round < ROUNDS; round++) {
    const { client, completions, ended, send, server } = await collectFromScript(
      (peer, frame) => {
        if (frame === undefined) peer.send(greeting());
        else if (endsRequest(frame)) {
          const bytes = answer(random, frame.streamId, peer);
          const cut = random.int(bytes.length + 1);
          peer.send(bytes.subarray(0, cut));
          peer.send(bytes.subarray(cut));
          if (random.int(10) === 0) peer.socket.end();
        }
      },
      { requestTimeoutMs: 40 },
    );
    send(REQUESTS);
    await ended(REQUESTS);
    await client.close();
    await server.close();
    expect(completions).toHaveLength(REQUESTS);
    for (const { outcome, cause } of completions) {
      expect(cause === undefined).toBe(outcome === outcomeCodes.ok);
    }
  }
}

describe('the wire-level client survives', { timeout: 60_000 }, () => {
  it('random bytes', () => survives(1, (random) => randomBytes(random, 1 + random.int(300))));
  it('answers with bytes changed', () => survives(2, (random, id) => mutated(random, wholeAnswer(id))));
  it('answers that are cut off', () =>
    survives(3, (random, id) => wholeAnswer(id).subarray(0, random.int(wholeAnswer(id).length))));
  it('frames out of order', () => survives(4, (random, id) => shuffled(random, wholeAnswer(id))));
  it('frames that make no sense', () =>
    survives(5, (random, id) => Buffer.concat([oddFrame(random, id), oddFrame(random, id), wholeAnswer(id)])));
  it('answers to streams that are others', () =>
    survives(6, (random, id) => wholeAnswer(id + 2 * random.int(4) - 2 * random.int(2))));

  it('header blocks that never end', async () => {
    const { sendOne } = await collectFromScript((peer, frame) => {
      if (frame === undefined) peer.send(greeting());
      if (!endsRequest(frame)) return;
      peer.send(encodeFrame(frameTypes.HEADERS, 0, frame.streamId, Buffer.from([0x88])));
      for (let count = 0; count < 100; count++) {
        peer.send(encodeFrame(frameTypes.CONTINUATION, 0, frame.streamId, Buffer.alloc(16_000, 0x88)));
      }
    });
    expect(await sendOne()).toMatch(/^INTERNAL: the server broke HTTP\/2: header block of more than/);
  });

  it('a window that overflows', async () => {
    const { sendOne } = await collectFromScript((peer, frame) => {
      if (frame === undefined) peer.send(greeting());
      if (endsRequest(frame)) peer.send(encodeWindowUpdate(0, 2 ** 31 - 1), encodeWindowUpdate(0, 2 ** 31 - 1));
    });
    expect(await sendOne()).toBe('INTERNAL: the server broke HTTP/2: the connection window overflows');
  });

  it('a frame longer than it allowed', async () => {
    const { sendOne } = await collectFromScript((peer, frame) => {
      if (frame === undefined) peer.send(greeting());
      if (endsRequest(frame)) peer.send(encodeFrame(frameTypes.DATA, 0, frame.streamId, Buffer.alloc(16_385)));
    });
    expect(await sendOne()).toBe('INTERNAL: the server broke HTTP/2: frame of # bytes exceeds #');
  });
});
