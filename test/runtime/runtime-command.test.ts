import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createDownloadLine } from '../../src/cli/commands/runtime-download-line.js';
import { resolveRuntime } from '../../src/runtime/resolve-runtime.js';
import { plainReason } from '../../src/runtime/survey-runtimes.js';
import { runPerfTs } from '../support/run-perf-ts.js';
import { makeTemporaryFolder } from '../support/temporary-folder.js';

const env = async (): Promise<Record<string, string>> => ({ PERF_TS_DATA: await makeTemporaryFolder() });

describe('perf-ts runtime', () => {
  it('installs a library, lists it with what is proven, serves with it by name and removes it', async () => {
    const options = { env: await env() };
    const { libraryPath } = resolveRuntime('bundled');
    const installed = await runPerfTs(['runtime', 'install', libraryPath, '--name', 'mine', '--json'], options);
    expect(JSON.parse(installed.stdout)).toMatchObject({
      isNew: true,
      fetchedBytes: 0,
      runtime: { name: 'mine-1.30.0' },
    });
    const listed = JSON.parse((await runPerfTs(['runtime', 'list', '--json'], options)).stdout);
    expect(listed.runtimes.map(({ name }: { name: string }) => name)).toEqual(['bundled', 'mine-1.30.0']);
    for (const runtime of listed.runtimes) {
      expect(runtime.providers[0]).toEqual({ name: 'cpu', state: 'proven', devices: ['cpu'] });
    }
    const wrong = await runPerfTs(['serve', '--model-repository', 'x', '--runtime', 'mine-1.30.1'], options);
    expect({ code: wrong.code, text: wrong.stderr }).toEqual({
      code: 3,
      text: expect.stringContaining("did you mean 'mine-1.30.0'"),
    });
    const removed = await runPerfTs(['runtime', 'remove', 'mine-1.30.0'], options);
    expect(removed.stdout).toContain('removed mine-1.30.0');
  }, 60_000);

  it('refuses options of another action and words it does not know, all at once', async () => {
    const options = { env: await env() };
    const { code, stderr } = await runPerfTs(['runtime', 'list', 'x', '--name', 'y', '--no-index'], options);
    expect(code).toBe(3);
    expect(stderr).toContain('3 problems');
    expect((await runPerfTs(['runtime', 'instal'], options)).stderr).toContain("did you mean 'install'?");
  });
});

it('doctor says in JSON what is here and ends with 0 where all that is needed is', async () => {
  const { code, stdout } = await runPerfTs(['doctor', '--json'], { env: await env() });
  const report = JSON.parse(stdout);
  expect({ code, healthy: report.healthy, schema: report.schema }).toEqual({
    code: 0,
    healthy: true,
    schema: 'perf-ts/doctor@1',
  });
  const names = report.sections.flatMap(({ findings }: { findings: { name: string }[] }) =>
    findings.map(({ name }) => name),
  );
  for (const name of [
    'node',
    'cores',
    'memory',
    'clock',
    'steal',
    'koffi',
    'bundled',
    'NVIDIA',
    'TensorRT',
    'cache',
    'data',
  ]) {
    expect(names).toContain(name);
  }
});

it('doctor ends with 1 where a folder cannot be written', async () => {
  const file = join(await makeTemporaryFolder(), 'file');
  writeFileSync(file, '');
  const { code, stdout } = await runPerfTs(['doctor'], { env: { PERF_TS_DATA: join(file, 'below') } });
  expect(code).toBe(1);
  expect(stdout).toContain('set PERF_TS_DATA');
});

it('the download line tells share, size, speed and what is left', () => {
  let nowNs = 0;
  const line = createDownloadLine(() => nowNs);
  const progress = { totalBytes: 4 * 1024 ** 2, keptBytes: 1024 ** 2, fileName: 'libtbb.so.12' };
  expect(line({ ...progress, doneBytes: 1024 ** 2 })).toBe(
    `${'█'.repeat(7)}${'░'.repeat(21)} 25%  1.00 MiB of 4.00 MiB  libtbb.so.12`,
  );
  nowNs = 2e9;
  expect(line({ ...progress, doneBytes: 2 * 1024 ** 2 })).toContain('512 KiB/s  4.00 s left');
});

it('a reason is freed of the place in ONNX Runtime’s source and of paths said twice', () => {
  const place = '/src/x.cc:19 a::B& C::Get() [ONNXRuntimeError] : 1 : FAIL : ';
  const told = `the execution provider cuda cannot be used: ${place}Failed to load library /a/x.so with error: /a/x.so: not there`;
  expect(plainReason(told)).toBe('Failed to load library /a/x.so: not there');
});
