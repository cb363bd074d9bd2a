import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { tryIsolated } from '../../../engine/repository/isolated-load.js';
import type { ServedModelOptions } from '../../../engine/served-model.js';
import { packageRoot } from '../../../src/common/package-root.js';
import { addSubConfig } from '../../support/load-test-model.js';
import { modelFile } from '../../support/model-files.js';

const model: ServedModelOptions = {
  name: 'add_sub',
  version: '1',
  modelFile: modelFile('add_sub'),
  config: { name: 'add_sub', ...addSubConfig },
};
/** Does as the name of the model says. */
const entry = pathToFileURL(join(packageRoot, 'test/support/trial-process.mjs'));
const timeoutMs = 20_000;

describe('a model that is tried in a process of its own', () => {
  it('passes when it can be loaded and run there', async () => {
    await expect(tryIsolated(model, { timeoutMs })).resolves.toBeUndefined();
  });

  it('is refused with the reason that loading it gave', async () => {
    const broken = { ...model, modelFile: modelFile('missing') };
    await expect(tryIsolated(broken, { timeoutMs })).rejects.toMatchObject({
      code: 'BAD_FILE',
      message: expect.stringContaining('the file does not exist'),
    });
  });

  it('is refused for a library that is none of ONNX Runtime', async () => {
    const libraries = ['/lib/x86_64-linux-gnu/libm.so.6', '/usr/lib/aarch64-linux-gnu/libm.so.6', process.execPath];
    const { existsSync } = await import('node:fs');
    const ortLibrary = libraries.find((path) => existsSync(path)) ?? '';
    await expect(tryIsolated({ ...model, ortLibrary }, { timeoutMs })).rejects.toMatchObject({
      code: 'RUNTIME_UNUSABLE',
    });
  });

  it.each([
    ['SIGABRT', 'ended with signal SIGABRT'],
    ['SIGSEGV', 'ended with signal SIGSEGV; it said: about to crash'],
    ['exit 7', 'ended with exit code 7'],
    ['silent', 'ended with exit code 0'],
    ['fault', 'ended with exit code 0; it said: something odd'],
  ])('is refused when that process does: %s', async (name, text) => {
    await expect(tryIsolated({ ...model, name }, { timeoutMs, entry })).rejects.toMatchObject({
      code: 'BAD_FILE',
      problems: [{ where: model.modelFile, what: expect.stringContaining(text) }],
    });
  });

  it('is refused when that process hangs', async () => {
    await expect(tryIsolated({ ...model, name: 'hang' }, { timeoutMs: 700, entry })).rejects.toThrow(
      'was not done within 0.7 s',
    );
  });

  it('is given up when the engine ends', async () => {
    const ending = new AbortController();
    const trial = tryIsolated({ ...model, name: 'hang' }, { timeoutMs, entry, signal: ending.signal });
    ending.abort();
    await expect(trial).rejects.toThrow('because the engine is ending');
  });
});
