import { mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { trimEngineCache } from '../../src/onnxruntime/engine-cache.js';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'perf-ts-engine-cache-'));
  for (const [index, name] of ['old', 'middle', 'new'].entries()) {
    await mkdir(join(root, name));
    await writeFile(join(root, name, 'model.onnx'), Buffer.alloc(100));
    await utimes(join(root, name), 1000 + index, 1000 + index);
  }
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

test('the least recently used folders go until the rest fits', async () => {
  await trimEngineCache(250, root);
  expect((await readdir(root)).sort()).toEqual(['middle', 'new']);
});

test('a dangling link or a stray file in the cache does not stop the trimming, and stays', async () => {
  await symlink('/nonexistent', join(root, 'dangling'));
  await writeFile(join(root, 'stray'), 'x');
  await trimEngineCache(250, root);
  expect((await readdir(root)).sort()).toEqual(['dangling', 'middle', 'new', 'stray']);
});

test('a dangling link inside one entry counts nothing', async () => {
  await symlink('/nonexistent', join(root, 'new', 'dangling'));
  await trimEngineCache(150, root);
  expect(await readdir(root)).toEqual(['new']);
});
