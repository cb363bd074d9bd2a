import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createEngineLog } from '../../engine/log/create-engine-log.js';
import type { EngineLog } from '../../engine/log/engine-log.js';
import { runServe } from '../../engine/main.js';
import { checkEngineOptions, type EngineOptions, engineOptionRows } from '../../engine/options.js';
import { type Engine, type EngineParts, startEngine } from '../../engine/server.js';
import { readOptions } from '../../src/common/option-row.js';
import { buildZooModel } from '../../src/onnx/zoo/zoo.js';
import { FakeModel } from '../support/fake-model.js';
import { writeRepository } from '../support/model-repository.js';

const identity = buildZooModel('identity');
const fakes: EngineParts = { loadModel: (options) => Promise.resolve(new FakeModel(options)) };

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const part of open.splice(0)) await part.close();
});

/** Options as the command line gives them, on free ports. */
function optionsOf(texts: Readonly<Record<string, readonly string[]>>): EngineOptions {
  const { values, problems } = readOptions(engineOptionRows, {
    'http-port': ['0'],
    'grpc-port': ['0'],
    'metrics-port': ['0'],
    ...texts,
  });
  expect(problems).toEqual([]);
  return values;
}

async function start(texts: Readonly<Record<string, readonly string[]>>, parts: EngineParts = fakes): Promise<Engine> {
  const engine = await startEngine(optionsOf(texts), parts);
  open.push(engine);
  return engine;
}

const warningsTo = (lines: string[]): EngineLog =>
  createEngineLog({ log_info: false }, { write: (text) => lines.push(text) });

/** One after the other, so that each is a batch of its own. */
async function inferThrice(url: string): Promise<void> {
  const { inputs } = (await (await fetch(`${url}/v2/models/a`)).json()) as {
    inputs: { name: string; datatype: string; shape: number[] }[];
  };
  const tensors = inputs.map(({ name, datatype, shape }) => {
    const sizes = shape.map((size) => Math.max(1, size));
    return { name, datatype, shape: sizes, data: new Array(sizes.reduce((a, b) => a * b, 1)).fill(1) };
  });
  for (let i = 0; i < 3; i++) {
    const body = JSON.stringify({ inputs: tensors });
    expect((await fetch(`${url}/v2/models/a/infer`, { method: 'POST', body })).status).toBe(200);
  }
}

async function occupyPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({ close: () => new Promise((resolve) => server.close(resolve)) });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

describe('the engine options', () => {
  it("have tritonserver's defaults, on loopback", () => {
    const { values } = readOptions(engineOptionRows, {});
    expect(values).toMatchObject({
      httpPort: 8000,
      grpcPort: 8001,
      httpAddress: '127.0.0.1',
      grpcAddress: '127.0.0.1',
      exitOnError: true,
      exitTimeoutSecs: 30,
      httpMaxInputSize: 64 * 1024 * 1024,
      modelControlMode: 'none',
    });
  });

  it('report every contradiction together', () => {
    const options = optionsOf({ 'allow-http': ['false'], 'allow-grpc': ['false'], 'load-model': ['m'] });
    expect(() => checkEngineOptions(options)).toThrow(
      expect.objectContaining({
        code: 'BAD_OPTION',
        problems: [
          expect.objectContaining({ where: '--model-repository' }),
          expect.objectContaining({ where: '--allow-http' }),
          expect.objectContaining({ where: '--load-model' }),
        ],
      }),
    );
  });

  it('refuse one port for both protocols', () => {
    const options = optionsOf({ 'model-repository': ['x'], 'http-port': ['9000'], 'grpc-port': ['9000'] });
    expect(() => checkEngineOptions(options)).toThrow('--http-port: and --grpc-port are both 9000');
  });
});

describe('the engine', () => {
  it('serves every model of its repositories on both protocols', async () => {
    const one = await writeRepository({ 'a/1/model.onnx': identity });
    const two = await writeRepository({ 'b/1/model.onnx': identity });
    const engine = await start({ 'model-repository': [one, two] });
    expect(engine.models.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(engine.grpcPort).toBeGreaterThan(0);
    expect((await fetch(`http://127.0.0.1:${engine.httpPort}/v2/health/ready`)).status).toBe(200);
  });

  it('loads only what --load-model names in explicit mode, and all for *', async () => {
    const folder = await writeRepository({ 'a/1/model.onnx': identity, 'b/1/model.onnx': identity });
    const explicit = { 'model-repository': [folder], 'model-control-mode': ['explicit'] };
    expect((await start({ ...explicit, 'load-model': ['b'] })).models.map(({ name }) => name)).toEqual(['b']);
    expect((await start({ ...explicit, 'load-model': ['*'] })).models).toHaveLength(2);
    expect((await start(explicit)).models).toEqual([]);
  });

  it('serves the others where --load-model names one that is not there, if told to go on', async () => {
    const folder = await writeRepository({ 'a/1/model.onnx': identity });
    const flags = { 'model-repository': [folder], 'model-control-mode': ['explicit'], 'load-model': ['a', 'nope'] };
    await expect(start(flags)).rejects.toMatchObject({ code: 'BAD_OPTION', problems: [{ where: '--load-model' }] });
    const warnings: string[] = [];
    const parts = { ...fakes, log: warningsTo(warnings) };
    const engine = await start({ ...flags, 'exit-on-error': ['false'] }, parts);
    expect(engine.models.map(({ name }) => name)).toEqual(['a']);
    expect(warnings).toEqual([expect.stringContaining("not served: --load-model: there is no model 'nope'")]);
  });

  it('opens only the ports that are allowed', async () => {
    const folder = await writeRepository({ 'a/1/model.onnx': identity });
    const engine = await start({ 'model-repository': [folder], 'allow-grpc': ['false'] });
    expect(engine.grpcPort).toBeUndefined();
    expect(engine.httpPort).toBeGreaterThan(0);
  });

  it('ends with all problems when a model fails, and closes what it had loaded', async () => {
    const folder = await writeRepository({ 'a/1/model.onnx': identity, 'b/1/': '', 'c/': '' });
    const loaded: FakeModel[] = [];
    const parts: EngineParts = {
      loadModel: (options) => {
        const model = new FakeModel(options);
        loaded.push(model);
        return Promise.resolve(model);
      },
    };
    const failure = start({ 'model-repository': [folder] }, parts);
    await expect(failure).rejects.toMatchObject({ code: 'BAD_FILE', problems: [{}, {}] });
    expect(loaded.map(({ isClosed }) => isClosed)).toEqual([true]);
  });

  it('serves the rest with --exit-on-error=false, says what it does not serve, and is not ready', async () => {
    const folder = await writeRepository({ 'a/1/model.onnx': identity, 'b/1/': '' });
    const warnings: string[] = [];
    const engine = await start(
      { 'model-repository': [folder], 'exit-on-error': ['false'] },
      { ...fakes, log: warningsTo(warnings) },
    );
    expect(engine.models).toHaveLength(1);
    expect(warnings).toEqual([expect.stringContaining('not served:')]);
    const url = `http://127.0.0.1:${engine.httpPort}`;
    expect((await fetch(`${url}/v2/health/ready`)).status).toBe(400);
    expect((await fetch(`${url}/v2/models/a/ready`)).status).toBe(200);
  });

  it('names both flags when both ports are in use', async () => {
    const folder = await writeRepository({ 'a/1/model.onnx': identity });
    const ports = { 'http-port': [String(await occupyPort())], 'grpc-port': [String(await occupyPort())] };
    await expect(start({ 'model-repository': [folder], ...ports })).rejects.toMatchObject({
      code: 'BAD_OPTION',
      problems: [{ where: '--grpc-port' }, { where: '--http-port' }],
    });
  });

  it('gives up requests that are not answered within the exit timeout, and says so', async () => {
    const folder = await writeRepository({ 'a/1/model.onnx': identity });
    const held: FakeModel[] = [];
    const warnings: string[] = [];
    const engine = await startEngine(optionsOf({ 'model-repository': [folder], 'exit-timeout-secs': ['0'] }), {
      loadModel: (options) => {
        const model = new FakeModel({ ...options, isHeld: true });
        held.push(model);
        return Promise.resolve(model);
      },
      log: warningsTo(warnings),
    });
    const body = JSON.stringify({ inputs: [{ name: 'INPUT0', datatype: 'FP32', shape: [1, 1], data: [1] }] });
    const url = `http://127.0.0.1:${engine.httpPort}/v2/models/a/infer`;
    const answer = fetch(url, { method: 'POST', body });
    while (held[0]?.held.length !== 1) await new Promise((resolve) => setImmediate(resolve));
    expect(await engine.close()).toBe(false);
    const { status, headers } = await answer;
    expect([status, headers.get('connection')]).toEqual([503, 'close']);
    expect(await (await answer).text()).toContain('exit timeout');
    // Too late: nobody is told.
    held[0]!.release();
    expect(warnings).toEqual([expect.stringContaining('gave up requests')]);
  });
});

describe('runServe', () => {
  it('says where it listens and what it serves, and ends when told to', async () => {
    const folder = await writeRepository({});
    const told = new AbortController();
    let url = '';
    await runServe(optionsOf({ 'model-repository': [folder] }), {
      signal: told.signal,
      ready: ({ grpcEndpoint, httpEndpoint, models }) => {
        expect(grpcEndpoint).toMatch(/^127\.0\.0\.1:\d+$/);
        expect(models).toEqual([]);
        url = `http://${httpEndpoint}/v2/health/live`;
        told.abort();
      },
    });
    await expect(fetch(url)).rejects.toThrow();
  });

  it('logs what it does and, where asked to, each executed batch to a file', async () => {
    const folder = await writeRepository({ 'a/1/model.onnx': identity });
    const logFile = join(folder, 'engine.log');
    const told = new AbortController();
    const texts = { 'model-repository': [folder], 'log-file': [logFile], 'log-verbose': ['1'] };
    let requests = Promise.resolve();
    const serving = runServe(optionsOf({ ...texts, 'allow-grpc': ['false'] }), {
      signal: told.signal,
      ready: ({ httpEndpoint }) => {
        requests = inferThrice(`http://${httpEndpoint}`).finally(() => told.abort());
      },
    });
    await serving;
    await requests;
    const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n');
    expect(lines.every((line) => /^I\d{4} \d\d:\d\d:\d\d\.\d{6} \d+\] /.test(line))).toBe(true);
    const sentences = lines.map((line) => line.slice(line.indexOf('] ') + 2));
    expect(sentences.filter((sentence) => sentence.startsWith('loaded model'))).toHaveLength(1);
    const executing = sentences.filter((sentence) => sentence.includes('executing'));
    expect(executing).toHaveLength(3);
    expect(executing[0]).toMatch(
      /^model a, instance a_\d(_\d)?, executing 1 request, version 1, batch size 1, queue \d/,
    );
    expect(sentences.slice(-2)).toEqual(['ending', 'ended']);
  });

  it('refuses a log file that cannot be opened before anything is started', async () => {
    const options = optionsOf({ 'model-repository': ['x'], 'log-file': [join('no', 'such', 'folder', 'engine.log')] });
    const hooks = { signal: new AbortController().signal, ready: () => undefined };
    await expect(runServe(options, hooks)).rejects.toMatchObject({
      code: 'BAD_OPTION',
      problems: [{ where: '--log-file' }],
    });
  });
});
