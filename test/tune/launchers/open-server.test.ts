import { describe, expect, it } from 'vitest';
import { openStudyServer } from '../../../src/tune/launchers/open-server.js';
import type { ServerQuestion } from '../../../src/tune/launchers/study-server.js';

describe('the server of a study', () => {
  it.each<readonly [string, ServerQuestion]>([
    ['-u', { kind: 'remote', endpoint: '127.0.0.1:1' }],
    ['--server local', { kind: 'local', command: 'tritonserver' }],
  ])('behind %s takes one model only, and says so before it is asked', async (where, server) => {
    const together = ['a', 'b'].map((name) => ({ name, folder: `/models/${name}` }));
    const opening = openStudyServer({
      model: 'a+b',
      modelFolder: '/models/a',
      together,
      server,
      isDemoModel: false,
      signal: new AbortController().signal,
      say() {},
    });
    await expect(opening).rejects.toMatchObject({
      code: 'BAD_OPTION',
      problems: [{ where, what: 'several models are tuned together on the bundled engine only' }],
    });
  });
});
