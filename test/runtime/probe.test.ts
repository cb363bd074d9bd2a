import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { readModelSignature } from '../../src/onnx/read-signature.js';
import { bundledLibraryPath } from '../../src/onnxruntime/library-path.js';
import { describeDriver, describeLibrary, proveProvider } from '../../src/runtime/probe.js';
import { proofAnswer, proofInput, proofModel } from '../../src/runtime/proof-model.js';
import { makeTemporaryFolder } from '../support/temporary-folder.js';

afterEach(() => vi.unstubAllEnvs());

describe('asking a library in a child process', () => {
  it('tells its version and what is compiled in', async () => {
    const outcome = await describeLibrary(bundledLibraryPath());
    expect(outcome).toMatchObject({
      state: 'ok',
      value: { apiVersion: 29, version: expect.stringMatching(/^1\.\d+\./) },
    });
    expect(outcome.state === 'ok' && outcome.value.providers).toContain('cpu');
  });

  it('proves the CPU provider by a right answer', async () => {
    expect(await proveProvider(bundledLibraryPath(), 'cpu')).toEqual({ state: 'ok', value: undefined });
  });

  it('tells why a provider cannot be used', async () => {
    const outcome = await proveProvider(bundledLibraryPath(), 'openvino');
    expect(outcome).toMatchObject({ state: 'failed', reason: expect.stringMatching(/openvino/i) });
  });

  it('tells that a file is no ONNX Runtime', async () => {
    const text = join(await makeTemporaryFolder(), 'libonnxruntime.so');
    writeFileSync(text, 'text');
    expect(await describeLibrary(text)).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('cannot be loaded'),
    });
    expect(await describeLibrary('/nowhere/lib.so')).toMatchObject({ reason: expect.stringContaining('no such file') });
  });

  it('tells the signal of a crash', async () => {
    const script = join(await makeTemporaryFolder(), 'crash.cjs');
    writeFileSync(script, "process.kill(process.pid, 'SIGSEGV')");
    vi.stubEnv('NODE_OPTIONS', `--require ${script}`);
    expect(await describeLibrary(bundledLibraryPath())).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('SIGSEGV'),
    });
  });

  it('ends with the signal of whoever asked', async () => {
    const stop = new AbortController();
    const outcome = describeLibrary(bundledLibraryPath(), stop.signal);
    stop.abort();
    expect(await outcome).toMatchObject({ state: 'failed', reason: expect.stringContaining('stopped') });
  });

  it('tells of the driver that there is one or why there is none', async () => {
    const { devices, problem } = await describeDriver();
    expect(devices.length > 0).toBe(problem === undefined);
  });
});

it('no process that loads the library keeps a store of telemetry', async () => {
  const home = await makeTemporaryFolder();
  for (const name of ['HOME', 'XDG_CACHE_HOME', 'XDG_DATA_HOME', 'XDG_CONFIG_HOME', 'TMPDIR']) vi.stubEnv(name, home);
  vi.stubEnv('ORT_DISABLE_TELEMETRY', undefined);
  await describeLibrary(bundledLibraryPath());
  await proveProvider(bundledLibraryPath(), 'cpu');
  expect(
    readdirSync(home, { recursive: true }).filter((name) =>
      /telemetry|onnxruntime|mat-debug|\.ses|\.db/i.test(String(name)),
    ),
  ).toEqual([]);
});

it('the proof model is what it says, and its answer the convolution’s', async () => {
  const file = join(await makeTemporaryFolder(), 'proof.onnx');
  writeFileSync(file, proofModel());
  expect(await readModelSignature(file)).toMatchObject({
    inputs: [{ name: 'X', dataType: 'FP32', shape: proofInput.shape }],
    outputs: [{ name: 'Y', dataType: 'FP32', shape: [1, 2, 2, 2] }],
  });
  const bias = [1.5, -20];
  const answer = [0, 1].flatMap((channel) =>
    [0, 1, 4, 5].map((corner) => {
      const sum = Array.from({ length: 9 }, (_, k) => {
        const weight = (channel * 9 + k - 9) / 4;
        return weight * proofInput.values[corner + Math.floor(k / 3) * 4 + (k % 3)]!;
      }).reduce((total, value) => total + value, bias[channel]!);
      return Math.max(sum, 0);
    }),
  );
  expect(answer).toEqual(proofAnswer);
});
