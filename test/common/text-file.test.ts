import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readTextFile } from '../../src/common/text-file.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perf-ts-text-'));
  await writeFile(join(folder, 'good'), 'Größe\n');
  await writeFile(join(folder, 'large'), 'x'.repeat(2_000));
  await writeFile(join(folder, 'binary'), Uint8Array.of(0x61, 0xff, 0xfe));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const read = (name: string): Promise<string> => readTextFile(join(folder, name), { mostBytes: 1_000, hint: 'look' });

it('gives the text of a file', async () => expect(await read('good')).toBe('Größe\n'));

it.each([
  ['absent', /no such file \(look\)/],
  ['.', /is a folder/],
  ['large', /more than .* the most that is read/],
  ['binary', /not UTF-8/],
])('refuses what it cannot give: %s', async (name, words) => {
  await expect(read(name)).rejects.toMatchObject({ code: 'BAD_FILE', message: expect.stringMatching(words) });
});

it('ends in bounded time on a device that never ends', async () => {
  await expect(readTextFile('/dev/zero', { mostBytes: 2 ** 20 })).rejects.toThrow(/more than 1 MiB/);
});
