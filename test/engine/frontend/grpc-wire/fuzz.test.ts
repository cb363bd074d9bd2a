import { describe, expect, it } from 'vitest';
import { createRng, type Rng } from '../../../../src/common/random.js';
import { encodeRstStream } from '../../../../src/http2/frame-writer.js';
import { frameFlags } from '../../../../src/http2/protocol-constants.js';
import { data, headers, opening, prefixed, requestBlock, wholeRequest } from '../../../support/wire-connection.js';
import { ECHO, LATER, STREAM, startTestServer, type TestServer, until } from '../../../support/wire-server.js';

const CONNECTIONS = Number(process.env.PERF_TS_FUZZ_CONNECTIONS ?? 300);
const paths = [ECHO, LATER, STREAM];

const randomBytes = (random: Rng, length: number): Buffer => Buffer.from(Array.from({ length }, () => random.int(256)));

/** A few calls as a client would make them, in one piece. */
function ordinaryTraffic(random: Rng): Buffer {
  const parts: Buffer[] = [opening()];
  for (let id = 1; id < 20; id += 2) {
    const path = paths[random.int(paths.length)]!;
    const body = prefixed(randomBytes(random, random.int(600)));
    const cut = random.int(body.length);
    parts.push(headers(id, requestBlock(path)), data(id, body.subarray(0, cut)));
    if (random.int(5) > 0) parts.push(data(id, body.subarray(cut), frameFlags.END_STREAM));
    else parts.push(encodeRstStream(id, 'CANCEL'));
  }
  return Buffer.concat(parts);
}

function mutate(random: Rng, bytes: Buffer): Buffer {
  const mutated = Buffer.from(bytes);
  // The preface stays, or nothing behind it would be looked at.
  for (let count = 1 + random.int(6); count > 0; count--) {
    mutated[24 + random.int(mutated.length - 24)] = random.int(256);
  }
  return mutated;
}

/** Sends bytes in a few pieces and leaves, at once or when the server does. */
async function visit(server: TestServer, bytes: Buffer, random: Rng): Promise<void> {
  const connection = server.connectRaw();
  const cut = random.int(bytes.length);
  connection.socket.write(bytes.subarray(0, cut));
  await new Promise((resolve) => setImmediate(resolve));
  connection.socket.end(bytes.subarray(cut));
  if (random.int(4) === 0) connection.socket.destroy();
  await connection.closed;
}

async function survives(makeBytes: (random: Rng) => Buffer, seed: number): Promise<void> {
  const server = await startTestServer({ limits: { handshakeMs: 500 } });
  const random = createRng(seed);
  for (let done = 0; done < CONNECTIONS; done += 20) {
    await Promise.all(Array.from({ length: 20 }, () => visit(server, makeBytes(random), random)));
  }
  const connection = await server.connect();
  connection.send(wholeRequest(1, ECHO, Buffer.from('alive')));
  expect((await connection.answer(1)).messages).toEqual([Buffer.from('alive')]);
  await until(() => server.server.connectionCount === 1 && server.server.requestMemoryBytes === 0);
}

describe('the server survives', () => {
  it('random bytes', () => survives((random) => randomBytes(random, 1 + random.int(400)), 1));

  it('random bytes after a proper opening', () =>
    survives((random) => Buffer.concat([opening(), randomBytes(random, 1 + random.int(400))]), 2));

  it('mutated frames', () => survives((random) => mutate(random, ordinaryTraffic(random)), 3));

  it('clients that leave in the middle of a frame', () =>
    survives((random) => {
      const bytes = ordinaryTraffic(random);
      return bytes.subarray(0, 1 + random.int(bytes.length - 1));
    }, 4));
});

describe('a thousand connections', () => {
  it('each get their own bytes back, from answers in any order, while others break the rules', async () => {
    const server = await startTestServer();
    const random = createRng(5);
    for (let batch = 0; batch < 10; batch++) {
      const disturbers = Array.from({ length: 10 }, () =>
        visit(server, mutate(random, ordinaryTraffic(random)), random),
      );
      const clients = Array.from({ length: 100 }, async (_, index) => {
        const connection = await server.connect();
        const ids = Array.from({ length: 8 }, (_, call) => 1 + 2 * call);
        const contentOf = (id: number): Buffer =>
          Buffer.concat([Buffer.from(`${batch}/${index}/${id}:`), Buffer.alloc(id * 150, id)]);
        for (const id of ids) connection.send(wholeRequest(id, paths[id % 3]!, contentOf(id)));
        for (const id of ids) expect((await connection.answer(id)).messages[0]?.equals(contentOf(id))).toBe(true);
        return connection;
      });
      for (const connection of await Promise.all(clients)) connection.socket.destroy();
      await Promise.all(disturbers);
    }
    await until(() => server.server.connectionCount === 0 && server.server.requestMemoryBytes === 0);
  });

  it('may be open at once', async () => {
    const server = await startTestServer();
    const connections = await Promise.all(Array.from({ length: 1000 }, () => server.connect()));
    expect(server.server.connectionCount).toBe(1000);
    const answers = connections.map((connection, index) => {
      connection.send(wholeRequest(1, LATER, Buffer.from(String(index))));
      return connection.answer(1);
    });
    const texts = (await Promise.all(answers)).map(({ messages }) => messages.join());
    expect(texts).toEqual(connections.map((_, index) => String(index)));
    for (const connection of connections) connection.socket.destroy();
    await until(() => server.server.connectionCount === 0);
  });
});
