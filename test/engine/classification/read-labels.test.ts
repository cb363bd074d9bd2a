import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readLabels } from '../../../engine/classification/read-labels.js';
import type { ModelConfig } from '../../../src/model-config/model-config.js';
import { writeRepository } from '../../support/model-repository.js';

const withLabels = (...files: string[]): ModelConfig => ({
  output: files.map((file, index) => ({ name: `y${index}`, data_type: 'TYPE_FP32', dims: [2], label_filename: file })),
});

async function modelFolder(files: Record<string, string>): Promise<string> {
  const entries = Object.entries(files).map(([name, text]) => [`m/${name}`, text]);
  return join(await writeRepository(Object.fromEntries(entries)), 'm');
}

describe('label files', () => {
  it('give one label a line to the output that names them', async () => {
    const folder = await modelFolder({ 'a.txt': 'cat\ndog\n', 'sub/b.txt': 'x\r\n\r\nz' });
    const labels = await readLabels(folder, withLabels('a.txt', 'sub/b.txt', ''));
    expect([...labels]).toEqual([
      ['y0', ['cat', 'dog']],
      ['y1', ['x', '', 'z']],
    ]);
  });

  it('are refused together when they are missing or lead out of the folder', async () => {
    const folder = await modelFolder({ 'a.txt': 'cat' });
    await writeFile(join(folder, '..', 'secret.txt'), 'secret');
    const files = ['nothing.txt', '../secret.txt', '/etc/hostname', '.', 'a\0.txt'];
    await expect(readLabels(folder, withLabels(...files))).rejects.toMatchObject({
      code: 'BAD_FILE',
      problems: files.map((_, index) => ({ what: expect.stringContaining(`output 'y${index}'`) })),
    });
  });

  it('may be links, wherever they lead, as models may', async () => {
    const folder = await modelFolder({ 'a.txt': 'cat' });
    await writeFile(join(folder, '..', 'shared.txt'), 'cat');
    await symlink(join(folder, '..', 'shared.txt'), join(folder, 'link.txt'));
    expect([...(await readLabels(folder, withLabels('link.txt')))]).toEqual([['y0', ['cat']]]);
  });
});
