import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { ChunkPool, SocketOutput } from '../../../../engine/frontend/grpc-wire/socket-output.js';

/** A socket that takes everything at once, or nothing until it is told to. */
function createOutput(takesAtOnce = true) {
  const writes: number[] = [];
  let bytes = Buffer.alloc(0);
  const waiting: (() => void)[] = [];
  const socket = new Writable({
    write(chunk: Buffer, _encoding, done) {
      writes.push(chunk.length);
      bytes = Buffer.concat([bytes, chunk]);
      if (takesAtOnce) done();
      else waiting.push(done);
    },
  });
  const output = new SocketOutput(socket as unknown as Socket, new ChunkPool(), () => undefined);
  return { output, writes, received: () => bytes, accept: () => waiting.shift()?.() };
}

const frame = (value: number, length = 1000): Buffer => Buffer.alloc(length, value);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('what leaves a connection', () => {
  it('is one write for all of a turn', async () => {
    const { output, writes } = createOutput();
    for (let i = 0; i < 5; i++) output.write(frame(i));
    expect(writes).toEqual([]);
    await turn();
    expect(writes).toEqual([5000]);
  });

  it('leaves in growing parts before the end of a turn that stages much', async () => {
    const { output, writes, received } = createOutput();
    for (let i = 0; i < 60; i++) output.write(frame(i));
    expect(writes).toEqual([9000, 17_000, 33_000]);
    await turn();
    expect(writes).toEqual([9000, 17_000, 33_000, 1000]);
    expect(received().equals(Buffer.concat(Array.from({ length: 60 }, (_, i) => frame(i))))).toBe(true);
    for (let i = 0; i < 10; i++) output.write(frame(i));
    expect(writes.slice(4)).toEqual([9000]);
  });

  it('stays together while a read goes on, however much it is', () => {
    const { output, writes } = createOutput();
    output.cork();
    for (let i = 0; i < 60; i++) output.write(frame(i));
    expect(writes).toEqual([]);
    output.uncork();
    expect(writes).toEqual([60_000]);
  });

  it('waits for a peer that has not taken what left before', async () => {
    const { output, writes, accept } = createOutput(false);
    for (let i = 0; i < 30; i++) output.write(frame(i));
    await turn();
    expect(writes).toEqual([9000]);
    accept();
    await turn();
    expect(writes).toEqual([9000, 21_000]);
  });
});
