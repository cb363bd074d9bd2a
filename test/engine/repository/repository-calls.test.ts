import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { engineOptionRows } from '../../../engine/options.js';
import { startEngine } from '../../../engine/server.js';
import { createGrpcAdmin } from '../../../src/client/grpc-admin.js';
import { createHttpAdmin } from '../../../src/client/http-admin.js';
import type { ServerAdmin } from '../../../src/client/server-admin.js';
import { readOptions } from '../../../src/common/option-row.js';
import { buildZooModel } from '../../../src/onnx/zoo/zoo.js';
import { FakeModel } from '../../support/fake-model.js';
import { writeRepository } from '../../support/model-repository.js';

const identity = buildZooModel('identity');
const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const part of open.splice(0).reverse()) await part.close();
});

async function start(
  mode: string,
  texts: Readonly<Record<string, readonly string[]>> = {},
  more: Readonly<Record<string, string>> = {},
) {
  const folder = await writeRepository({ 'a/1/model.onnx': identity, 'b/1/model.onnx': identity, ...more });
  const { values } = readOptions(engineOptionRows, {
    'model-repository': [folder],
    'model-control-mode': [mode],
    'http-port': ['0'],
    'grpc-port': ['0'],
    'allow-metrics': ['false'],
    ...texts,
  });
  const engine = await startEngine(values, {
    loadModel: (options) => {
      const { config } = options;
      return Promise.resolve(Object.assign(new FakeModel(options), { config }));
    },
  });
  open.push(engine);
  return { grpc: `127.0.0.1:${engine.grpcPort}`, http: `127.0.0.1:${engine.httpPort}`, folder };
}

describe.each(['grpc', 'http'] as const)('the repository calls over %s', (protocol) => {
  async function connect(mode: string): Promise<ServerAdmin> {
    const endpoints = await start(mode);
    const admin = protocol === 'grpc' ? createGrpcAdmin(endpoints.grpc) : createHttpAdmin(endpoints.http);
    open.push(admin);
    return admin;
  }

  it('load, list and unload', async () => {
    const admin = await connect('explicit');
    expect(await admin.repositoryIndex()).toEqual([
      { name: 'a', version: '', state: '', reason: '' },
      { name: 'b', version: '', state: '', reason: '' },
    ]);
    await admin.loadModel('a');
    expect(await admin.isModelReady('a')).toBe(true);
    await admin.unloadModel('a');
    expect(await admin.isModelReady('a')).toBe(false);
    expect(await admin.isServerReady()).toBe(true);
    expect((await admin.repositoryIndex())[0]).toMatchObject({
      name: 'a',
      version: '1',
      state: 'UNAVAILABLE',
      reason: 'unloaded',
    });
  });

  it('take a config and files instead of those in the repository', async () => {
    const admin = await connect('explicit');
    await admin.loadModel('a', { config: { max_batch_size: 3 }, files: { '5/model.onnx': identity } });
    expect((await admin.modelConfig('a'))?.max_batch_size).toBe(3);
    expect(await admin.isModelReady('a', '5')).toBe(true);
    expect(await admin.isModelReady('a', '1')).toBe(false);
  });

  it('say why not, in the server’s words', async () => {
    const admin = await connect('explicit');
    const refusals: readonly [() => Promise<void>, string][] = [
      [() => admin.loadModel('nope'), "failed to load 'nope', failed to poll from model repository"],
      [() => admin.loadModel('a', { files: { '1/model.onnx': identity } }), "the parameter 'config'"],
      [() => admin.loadModel('a', { config: { max_batch_size: -1 } }), 'max_batch_size'],
      [() => admin.loadModel('a', { config: { colour: 1 } }), 'colour: there is no such field'],
    ];
    for (const [refused, words] of refusals) {
      await expect(refused()).rejects.toMatchObject({
        code: 'TARGET_REFUSED',
        message: expect.stringContaining(words),
      });
    }
  });

  it.each(['../a', '/etc', '..', 'a/../b', 'a\0', 'x'.repeat(3000)])('refuse the name %j', async (name) => {
    const admin = await connect('explicit');
    await expect(admin.loadModel(name)).rejects.toMatchObject({
      code: 'TARGET_REFUSED',
      message: expect.stringContaining('cannot be the name of a model'),
    });
    await expect(admin.unloadModel(name)).rejects.toThrow('cannot be the name of a model');
  });

  it.each(['../../escaped.onnx', '/tmp/escaped.onnx', '1/../../escaped.onnx', '1/\0', 'x'.repeat(3000)])(
    'write nothing for a file called %j',
    async (path) => {
      const admin = await connect('explicit');
      await expect(admin.loadModel('a', { config: {}, files: { [path]: identity } })).rejects.toThrow(
        "not a path within the model's folder",
      );
      expect(readdirSync(tmpdir()).filter((name) => name.includes('escaped'))).toEqual([]);
    },
  );

  it.each(['none', 'poll'])('are refused with model control %s, with a hint', async (mode) => {
    const admin = await connect(mode);
    const refused = {
      code: 'TARGET_REFUSED',
      problems: [
        {
          what: expect.stringContaining('explicit model load / unload is not allowed'),
          hint: expect.stringContaining('--model-control-mode=explicit'),
        },
      ],
    };
    await expect(admin.loadModel('a')).rejects.toMatchObject(refused);
    await expect(admin.unloadModel('a')).rejects.toMatchObject(refused);
    expect(await admin.isModelReady('a')).toBe(true);
  });
});

describe('over HTTP', () => {
  const post = async (url: string, body: string) => {
    const answer = await fetch(url, { method: 'POST', body });
    return { status: answer.status, text: await answer.text() };
  };

  it.each([
    ['models/a/load', '{"parameters":{"file:1/model.onnx":"$$$$","config":"{}"}}', 400, 'is not base64'],
    ['models/a/load', '{"parameters":{"confg":"{}"}}', 400, "Did you mean 'config'?"],
    ['models/a/load', '{"parameters":{"config":7}}', 500, 'attempt to access JSON non-string as string'],
    ['models/a/load', '{"parameters":[]}', 500, 'attempt to get members for non-object'],
    ['models/a/load', 'nonsense', 500, 'failed to parse the request JSON buffer'],
    ['models/a/unload', '{"parameters":{"unload_dependents":"yes"}}', 200, ''],
    ['models/a/unload', '{"parameters":{"unload_dependents":true}}', 200, ''],
    ['r/models/a/load', '', 501, "'repository_name' specification is not supported"],
    ['index', '{"ready":true}', 200, '[]'],
    ['index', '', 200, '[{"name":"a"},{"name":"b"}]'],
  ])('%s with %s is answered with %i', async (path, body, status, text) => {
    const { http } = await start('explicit');
    const answer = await post(`http://${http}/v2/repository/${path}`, body);
    expect(answer.status).toBe(status);
    expect(answer.text).toContain(text);
  });
});

it('says ready before its models are there only when readiness is not strict', async () => {
  const goOn = { 'exit-on-error': ['false'] };
  const broken = { 'c/1/other.onnx': 'no model' };
  const strict = await start('none', goOn, broken);
  expect((await fetch(`http://${strict.http}/v2/health/ready`)).status).toBe(400);
  const lenient = await start('none', { ...goOn, 'strict-readiness': ['false'] }, broken);
  expect((await fetch(`http://${lenient.http}/v2/health/ready`)).status).toBe(200);
});

it('goes on without a model of --load-model that is not there, where it was told to, and is ready then, as Triton', async () => {
  const wanted = { 'load-model': ['a', 'nope'] };
  await expect(start('explicit', wanted)).rejects.toMatchObject({ code: 'BAD_OPTION' });
  const { http } = await start('explicit', { ...wanted, 'exit-on-error': ['false'] });
  expect((await fetch(`http://${http}/v2/health/ready`)).status).toBe(200);
  expect((await fetch(`http://${http}/v2/models/a/ready`)).status).toBe(200);
  const index = await fetch(`http://${http}/v2/repository/index`, { method: 'POST' });
  expect(await index.json()).toEqual([{ name: 'a', version: '1', state: 'READY' }, { name: 'b' }]);
});
