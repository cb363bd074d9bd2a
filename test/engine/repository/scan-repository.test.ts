import { join } from 'node:path';
import { expect, it } from 'vitest';
import { scanRepositories } from '../../../engine/repository/scan-repository.js';
import { writeRepository } from '../../support/model-repository.js';

it('finds models and their versions in numeric order, and nothing else', async () => {
  const folder = await writeRepository({
    'b/10/model.onnx': '',
    'b/9/model.onnx': '',
    'b/01/model.onnx': '',
    'b/0/model.onnx': '',
    'b/9007199254740993/model.onnx': '',
    'b/9007199254740992/model.onnx': '',
    'b/11': 'a file',
    'b/notes/readme': '',
    'b/config.pbtxt': '',
    'a/': '',
    '.hidden/1/model.onnx': '',
    'readme.md': '',
  });
  expect(await scanRepositories([folder])).toEqual([
    { name: 'a', folder: join(folder, 'a'), versions: [] },
    { name: 'b', folder: join(folder, 'b'), versions: ['0', '9', '10', '9007199254740992', '9007199254740993'] },
  ]);
});

it('reports every repository that cannot be read, and names held by two', async () => {
  const one = await writeRepository({ 'm/': '', file: '' });
  const two = await writeRepository({ 'm/': '' });
  await expect(scanRepositories([one, join(one, 'file'), join(one, 'none'), two])).rejects.toMatchObject({
    code: 'BAD_OPTION',
    problems: [
      { where: '--model-repository', what: `${join(one, 'file')} is not a folder` },
      { what: `there is no folder ${join(one, 'none')}` },
      { what: expect.stringContaining("model 'm' is in two repositories") },
    ],
  });
});
