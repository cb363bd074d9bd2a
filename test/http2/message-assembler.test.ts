import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BufferPool } from '../../src/http2/buffer-pool.js';
import { MessageAssembler } from '../../src/http2/message-assembler.js';

const MIB = 2 ** 20;
const newPool = (maxLentBytes = 64 * MIB): BufferPool => new BufferPool({ maxLentBytes, maxKeptBytes: MIB });

function encode(message: Uint8Array, flag = 0): Buffer {
  const bytes = Buffer.alloc(5 + message.length, flag);
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, 5);
  return bytes;
}

/** Feeds `bytes` in pieces and gives the messages, returning each lent buffer. */
function assemble(assembler: MessageAssembler, pool: BufferPool, bytes: Buffer, cuts: readonly number[]): string[] {
  const messages: string[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const end = Math.min(bytes.length, at + (cuts[turn % cuts.length] ?? bytes.length));
    while (at < end) {
      if (assembler.take(bytes, at, end) === 'message') {
        messages.push(`${assembler.isCompressed} ${assembler.bytes.toString('hex', assembler.start, assembler.end)}`);
        const lent = assembler.takeGathered();
        if (lent !== undefined) pool.takeBack(lent);
      }
      at = assembler.position;
    }
  }
  return messages;
}

describe('MessageAssembler', () => {
  it('finds the same messages however the bytes are cut, and returns all memory', () => {
    const message = fc.record({ content: fc.uint8Array({ maxLength: 600 }), isCompressed: fc.boolean() });
    fc.assert(
      fc.property(fc.array(message), fc.array(fc.integer({ min: 1, max: 700 })), (list, cuts) => {
        const pool = newPool();
        const assembler = new MessageAssembler(pool, 10_000);
        const bytes = Buffer.concat(list.map(({ content, isCompressed }) => encode(content, Number(isCompressed))));
        const expected = list.map(
          ({ content, isCompressed }) => `${isCompressed} ${Buffer.from(content).toString('hex')}`,
        );
        expect(assemble(assembler, pool, bytes, cuts)).toEqual(expected);
        expect(assembler.isAtBoundary()).toBe(true);
        expect(pool.lentBytes).toBe(0);
      }),
    );
  });

  it('puts a gathered message where it is asked to, also one that outgrows its first reservation', () => {
    const pool = newPool();
    const assembler = new MessageAssembler(pool, 16 * MIB, (messageBytes) => messageBytes % 16);
    for (const length of [3_003, 5 * MIB + 7]) {
      const content = Buffer.from(Uint8Array.from({ length }, (_, index) => index % 251));
      const bytes = encode(content);
      expect(assembler.take(bytes, 0, 100)).toBe('incomplete');
      const place = assembler.arm(1_000, 9)!;
      bytes.copy(place, 0, 100, 1_100);
      expect(assembler.take(place, 0, 1_000)).toBe('incomplete');
      assembler.disarm();
      for (let at = 1_100; at < bytes.length; at += 400_000) {
        assembler.take(bytes, at, Math.min(bytes.length, at + 400_000));
      }
      expect([assembler.start, assembler.end]).toEqual([length % 16, (length % 16) + length]);
      expect(assembler.bytes.subarray(assembler.start, assembler.end).equals(content)).toBe(true);
      pool.takeBack(assembler.takeGathered()!);
    }
    expect(pool.lentBytes).toBe(0);
  });

  it('gives a compressed message no lead', () => {
    const assembler = new MessageAssembler(newPool(), MIB, () => 7);
    const bytes = encode(Buffer.from('abcdef'), 1);
    assembler.take(bytes, 0, 8);
    expect(assembler.take(bytes, 8, bytes.length)).toBe('message');
    expect(assembler.start).toBe(0);
  });

  it('keeps a message intact that outgrows its first reservation', () => {
    const pool = newPool();
    const assembler = new MessageAssembler(pool, 16 * MIB);
    const content = Buffer.from(Uint8Array.from({ length: 5 * MIB }, (_, index) => index % 251));
    expect(assemble(assembler, pool, encode(content), [100_000])).toEqual([`false ${content.toString('hex')}`]);
    expect(pool.lentBytes).toBe(0);
  });

  it('does not reserve what was only announced', () => {
    const pool = newPool(2 ** 31);
    const assembler = new MessageAssembler(pool, 2 ** 30);
    const bytes = encode(Buffer.alloc(10));
    bytes.writeUInt32BE(2 ** 30, 1);
    expect(assembler.take(bytes, 0, bytes.length)).toBe('incomplete');
    expect(pool.lentBytes).toBeLessThanOrEqual(MIB);
    assembler.drop();
    expect(pool.lentBytes).toBe(0);
  });

  it('points at a message that lies whole in the bytes, without a copy', () => {
    const pool = newPool();
    const assembler = new MessageAssembler(pool, 1000);
    const bytes = encode(Buffer.from('abc'));
    expect(assembler.take(bytes, 0, bytes.length)).toBe('message');
    expect(assembler.bytes).toBe(bytes);
    expect(assembler.takeGathered()).toBeUndefined();
  });

  it.each([
    ['too large', encode(Buffer.alloc(1001))],
    ['malformed', encode(Buffer.alloc(3), 2)],
  ] as const)('reports a message that is %s', (state, bytes) => {
    expect(new MessageAssembler(newPool(), 1000).take(bytes, 0, bytes.length)).toBe(state);
  });

  it('reports when the pool has no memory left', () => {
    const bytes = encode(Buffer.alloc(900));
    expect(new MessageAssembler(newPool(512), 1000).take(bytes, 0, 600)).toBe('no memory');
  });

  describe('read into by a socket', () => {
    /** An assembler that has the beginning of a message, and its content. */
    function begin(): { pool: BufferPool; assembler: MessageAssembler; bytes: Buffer } {
      const pool = newPool();
      const assembler = new MessageAssembler(pool, MIB);
      const bytes = encode(Buffer.from(Array.from({ length: 3000 }, (_, place) => place % 251)));
      expect(assembler.take(bytes, 0, 100)).toBe('incomplete');
      return { pool, assembler, bytes };
    }

    it('takes bytes where they are, in parts with other bytes between', () => {
      const { assembler, bytes } = begin();
      const first = assembler.arm(1000, 9)!;
      expect(first.length).toBe(1009);
      bytes.copy(first, 0, 100, 1100);
      first.fill(0xff, 1000);
      expect(assembler.take(first, 0, 1000)).toBe('incomplete');
      assembler.disarm();
      const second = assembler.arm(5000, 9)!;
      expect(second.length).toBe(bytes.length - 1100);
      bytes.copy(second, 0, 1100);
      expect(assembler.take(second, 0, second.length)).toBe('message');
      expect(assembler.bytes.subarray(assembler.start, assembler.end).equals(bytes.subarray(5))).toBe(true);
    });

    it('has no place for bytes before a message is being gathered', () => {
      expect(new MessageAssembler(newPool(), MIB).arm(100, 9)).toBeUndefined();
    });

    it('gives memory back only once the socket reads elsewhere', () => {
      const { pool, assembler } = begin();
      assembler.arm(1000, 9);
      assembler.drop();
      expect(pool.lentBytes).toBeGreaterThan(0);
      assembler.disarm();
      expect(pool.lentBytes).toBe(0);
    });
  });
});
