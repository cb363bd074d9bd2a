import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkModelName, checkOverrides, writeOverrides } from '../../../engine/repository/load-overrides.js';

const check = (path: string) => checkOverrides({ config: '{}', files: new Map([[path, new Uint8Array()]]) });

describe('a file override', () => {
  it.each([
    '../x/model.onnx',
    '1/../../model.onnx',
    '/etc/passwd',
    '1//model.onnx',
    './1/model.onnx',
    '',
    '1/',
    '1/model\0.onnx',
    '..\\model.onnx',
    `1/${'x'.repeat(256)}`,
    Array.from({ length: 600 }, () => 'd').join('/'),
  ])('cannot be %j', (path) => {
    expect(() => check(path)).toThrow("not a path within the model's folder");
  });

  it.each(['1/model.onnx', 'labels.txt', '1/part/weights.bin', 'warmup/a b'])('can be %j', (path) => {
    expect(() => check(path)).not.toThrow();
  });

  it('needs a config', () => {
    expect(() => checkOverrides({ files: new Map([['1/model.onnx', new Uint8Array()]]) })).toThrow("'config'");
    expect(() => checkOverrides({ files: new Map() })).not.toThrow();
  });

  it('is written within its own folder whatever its path', async () => {
    const part = fc.string({ unit: 'grapheme', maxLength: 12 });
    const paths = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
    await fc.assert(
      fc.asyncProperty(paths, async (path) => {
        try {
          check(path);
        } catch {
          return;
        }
        const written = await writeOverrides('m', new Map([[path, Buffer.from('content')]]));
        expect(relative(written.folder, join(written.folder, path)).startsWith('..')).toBe(false);
        expect(await readFile(join(written.folder, path), 'utf8')).toBe('content');
        await written.remove();
        expect(existsSync(written.folder)).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  it('makes a version of each numbered folder', async () => {
    const paths = ['10/model.onnx', '9/a', '9/b', '01/c', 'labels.txt', '3'];
    const written = await writeOverrides('m', new Map(paths.map((path) => [path, new Uint8Array()])));
    expect(written.versions).toEqual(['9', '10']);
    await written.remove();
  });

  it('is refused when a name is both a file and a folder', async () => {
    const files = new Map(['1', '1/model.onnx'].map((path) => [path, new Uint8Array()]));
    await expect(writeOverrides('m', files)).rejects.toThrow("the files of model 'm' cannot be kept");
  });
});

it.each(['', '.', '..', '.hidden', 'a/b', '../m', '/etc', 'a\\b', 'a\0', 'x'.repeat(5000)])(
  'a model cannot be called %j',
  (name) => {
    expect(() => checkModelName(name)).toThrow('cannot be the name of a model');
  },
);

it.each(['m', 'text-recognition.v2', 'a b', 'größe'])('a model can be called %j', (name) => {
  expect(() => checkModelName(name)).not.toThrow();
});
