import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findLibrary, findTensorRt } from '../../src/runtime/system-libraries.js';
import { makeTemporaryFolder } from '../support/temporary-folder.js';

async function folderOf(...names: readonly string[]): Promise<string> {
  const folder = join(await makeTemporaryFolder(), 'lib');
  mkdirSync(folder);
  for (const name of names) writeFileSync(join(folder, name), '');
  return folder;
}

describe('TensorRT', () => {
  it('is found with its full version behind the links', async () => {
    const folder = await folderOf('libnvinfer.so.10.9.0', 'libnvonnxparser.so.10', 'libnvinfer_plugin.so.10');
    symlinkSync('libnvinfer.so.10.9.0', join(folder, 'libnvinfer.so.10'));
    expect(findTensorRt(['/nowhere', folder])).toEqual({
      state: 'usable',
      folder,
      version: '10.9.0',
      files: ['libnvinfer.so.10', 'libnvonnxparser.so.10', 'libnvinfer_plugin.so.10'],
    });
  });

  it.each([
    [['libnvinfer.so.8'], 'TensorRT 8 is too old'],
    [['libnvinfer.so.11.0.1'], 'TensorRT 11.0.1 is too new'],
    [['libnvinfer.so.10'], 'libnvonnxparser.so.10 is not there'],
  ])('is refused with the reason: %s', async (names, reason) => {
    expect(findTensorRt([await folderOf(...names)])).toMatchObject({
      state: 'unusable',
      reason: expect.stringContaining(reason),
    });
  });

  it('is absent where there is none', async () => {
    expect(findTensorRt([await folderOf('libother.so')])).toMatchObject({ state: 'absent' });
  });
});

it('a library is found in the first folder that has it', async () => {
  const folder = await folderOf('libcudart.so.13');
  expect(findLibrary('libcudart.so.13', ['/nowhere', folder])).toBe(join(folder, 'libcudart.so.13'));
  expect(findLibrary('libcudart.so.12', [folder])).toBeUndefined();
});
