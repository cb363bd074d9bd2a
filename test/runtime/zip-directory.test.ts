import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ByteSource } from '../../src/runtime/byte-source.js';
import { findMemberBytes, readZipDirectory } from '../../src/runtime/zip-directory.js';
import { writeZip } from './support/write-zip.js';

function sourceOf(content: Buffer): ByteSource & { readonly reads: number[] } {
  const reads: number[] = [];
  return {
    name: 'test.whl',
    identity: 'test',
    sizeBytes: content.length,
    isRemote: false,
    reads,
    async *read(offset, length) {
      reads.push(length);
      yield content.subarray(offset, offset + length);
    },
    close: async () => undefined,
  };
}

const entry = fc.record({
  name: fc.stringMatching(/^[a-z]{1,12}(\/[a-zé_.]{1,12})?$/),
  content: fc.uint8Array({ maxLength: 300 }),
  isStored: fc.boolean(),
});

describe('the list of a wheel’s members', () => {
  it('has every member with its place, size and checksum, zip64 or not', async () => {
    const form = fc.record({ comment: fc.stringMatching(/^[a-z ]{0,30}$/), isZip64: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 8 }), form, async (entries, shape) => {
        const archive = writeZip(entries, shape);
        const source = sourceOf(archive);
        const members = await readZipDirectory(source);
        expect(members.map(({ name }) => name)).toEqual(entries.map(({ name }) => name));
        for (const [index, member] of members.entries()) {
          const { content, isStored } = entries[index]!;
          expect(member.sizeBytes).toBe(content.length);
          expect(member.method).toBe(isStored ? 'stored' : 'deflated');
          const at = await findMemberBytes(source, member);
          if (isStored) expect(archive.subarray(at, at + content.length)).toEqual(Buffer.from(content));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('is read in one piece from the end of a small wheel', async () => {
    const source = sourceOf(writeZip([{ name: 'a', content: Buffer.alloc(10) }]));
    await readZipDirectory(source);
    expect(source.reads).toHaveLength(1);
  });

  it('is refused when the archive is cut short, empty or something else', async () => {
    const whole = writeZip([{ name: 'a', content: Buffer.alloc(100) }], { comment: 'x' });
    for (const content of [Buffer.alloc(0), Buffer.from('hello'), whole.subarray(0, 60), Buffer.alloc(5_000, 7)]) {
      await expect(readZipDirectory(sourceOf(content))).rejects.toMatchObject({ code: 'BAD_FILE' });
    }
  });

  it('never throws anything but BAD_FILE for a damaged archive', async () => {
    const whole = writeZip([{ name: 'abc', content: Buffer.alloc(50) }], { isZip64: true });
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), async (at, value) => {
        const damaged = Buffer.from(whole);
        damaged[at] = value;
        const outcome = await readZipDirectory(sourceOf(damaged)).then(
          () => 'read',
          (thrown: { code?: string }) => thrown.code,
        );
        expect(['read', 'BAD_FILE']).toContain(outcome);
      }),
    );
  });
});
