import { describe, expect, it } from 'vitest';
import { runPerfTs } from '../support/run-perf-ts.js';
import { makeTemporaryFolder } from '../support/temporary-folder.js';

const env = async (): Promise<Record<string, string>> => ({ PERF_TS_DATA: await makeTemporaryFolder() });

describe('perf-ts runtime compare', () => {
  it('serves the model on the bundled runtime, says its speed and accuracy, and why a named provider is missing', async () => {
    const line =
      'runtime compare -m simple_cnn --provider cpu --provider xnnpack --rounds 1 --budget 1s --samples 2 --json';
    const { code, stdout } = await runPerfTs(line.split(' '), { env: await env() });
    const comparison = JSON.parse(stdout);
    expect({ code, schema: comparison.schema }).toEqual({ code: 0, schema: 'perf-ts/runtime-comparison@1' });
    expect(comparison.pairs).toMatchObject([
      { runtime: 'bundled', provider: 'cpu', state: 'complete', accuracy: { accuracy_cosine: 1 } },
      { provider: 'xnnpack', state: 'failed', reason: expect.stringContaining('xnnpack') },
    ]);
    expect(comparison.pairs[0].throughputPerSec.value).toBeGreaterThan(0);
  }, 60_000);

  it('refuses names it does not know, no model, and a batch that the model does not take', async () => {
    const options = { env: await env() };
    const provider = await runPerfTs(['runtime', 'compare', '-m', 'simple_cnn', '--provider', 'openvin'], options);
    expect(provider).toMatchObject({ code: 3, stderr: expect.stringContaining("did you mean 'openvino'?") });
    const nothing = await runPerfTs(['runtime', 'compare'], options);
    expect(nothing).toMatchObject({ code: 3, stderr: expect.stringContaining('--model: is required') });
    const batch = await runPerfTs(['runtime', 'compare', '-m', 'simple_cnn', '-b', '64'], options);
    expect(batch).toMatchObject({ code: 3, stderr: expect.stringContaining('32 rows') });
  }, 60_000);
});
