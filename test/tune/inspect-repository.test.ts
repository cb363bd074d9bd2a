import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspectRepository } from '../../src/tune/studies/inspect-repository.js';
import { writeRepository } from '../support/model-repository.js';

const inspect = (folder: string, isAsked = true, hasGpu = false) => inspectRepository({ folder, isAsked, hasGpu });

describe('doctor on a model repository', () => {
  it('says what in each config has no effect, and which cannot be read', async () => {
    const folder = await writeRepository({
      'plain/config.pbtxt': 'backend: "onnxruntime"\n',
      'idle/config.pbtxt': [
        'backend: "onnxruntime"',
        'response_cache { enable: true }',
        'parameters { key: "my_key" value { string_value: "1" } }',
        'instance_group [ { count: 1 rate_limiter { priority: 2 } } ]',
      ].join('\n'),
      'broken/config.pbtxt': 'backend: \n',
      'bare/1/': '',
      'README.md': 'no model',
    });
    const { findings } = (await inspect(folder))!;
    const of = (name: string) => findings.filter((finding) => finding.name === name);
    expect(of('plain')).toMatchObject([{ state: 'ok' }]);
    expect(of('idle').map(({ state }) => state)).toEqual(['note', 'note', 'note']);
    for (const path of ['my_key', 'rate_limiter', 'response_cache.enable']) {
      expect(of('idle').some(({ text }) => text.includes(path) && text.includes('no effect'))).toBe(true);
    }
    expect(of('broken')).toMatchObject([{ state: 'warning', text: expect.stringContaining('broken/config.pbtxt') }]);
    expect(of('bare')).toEqual([]);
    expect(of('README.md')).toEqual([]);
  });

  it('counts a GPU where there is one', async () => {
    const cuda = 'optimization { execution_accelerators { gpu_execution_accelerator: [ { name: "tensorrt" } ] } }';
    const folder = await writeRepository({ 'm/config.pbtxt': `backend: "onnxruntime"\n${cuda}\n` });
    expect((await inspect(folder, true, false))!.findings).toMatchObject([{ state: 'note' }]);
    expect((await inspect(folder, true, true))!.findings).toMatchObject([{ state: 'ok' }]);
  });

  it('is silent about a folder that nobody named, and a problem where one was named and is missing', async () => {
    const missing = join(await writeRepository({ 'x/': '' }), 'missing');
    expect(await inspect(missing, false)).toBeUndefined();
    expect((await inspect(missing))!.findings).toMatchObject([{ state: 'problem' }]);
    const empty = await writeRepository({ 'x/': '' });
    expect(await inspect(empty, false)).toBeUndefined();
    expect((await inspect(empty))!.findings).toMatchObject([{ state: 'note' }]);
  });
});
