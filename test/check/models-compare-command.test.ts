import { describe, expect, it } from 'vitest';
import { runPerfTs } from '../support/run-perf-ts.js';
import { makeTemporaryFolder } from '../support/temporary-folder.js';

const compare = ['models', 'compare', 'simple_cnn', 'simple_cnn'];

describe('perf-ts models compare --runtime', () => {
  it('serves the variant with the build that is named, and says which', async () => {
    const { code, stdout } = await runPerfTs([...compare, '--runtime', 'bundled', '--samples', '2', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      schema: 'perf-ts/accuracy@1',
      runtime: 'bundled',
      sampleCount: 2,
      metrics: { accuracy_max_abs: 0 },
    });
  }, 60_000);

  it('refuses a build that is not installed, a server beside it, and another action', async () => {
    const env = { PERF_TS_DATA: await makeTemporaryFolder() };
    const missing = await runPerfTs([...compare, '--runtime', 'openvino'], { env });
    expect(missing).toMatchObject({ code: 3, stderr: expect.stringContaining('perf-ts runtime install openvino') });
    const both = await runPerfTs([...compare, '--runtime', 'bundled', '-u', 'localhost:1']);
    expect(both).toMatchObject({ code: 3, stderr: expect.stringContaining('cannot be used with --url') });
    const stray = await runPerfTs(['models', 'list', '--runtime', 'bundled']);
    expect(stray).toMatchObject({ code: 3, stderr: expect.stringContaining('belongs to models compare') });
  }, 60_000);
});
