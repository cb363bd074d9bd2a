import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { createGrpcAdmin } from '../../src/client/grpc-admin.js';
import { grpcMethodPath } from '../../src/kserve/grpc-service.js';
import { encodeInferRequest } from '../../src/kserve/infer-codec.js';
import { buildZooModel } from '../../src/onnx/zoo/zoo.js';
import { writeRepository } from '../support/model-repository.js';
import { type PerfTsRun, startPerfTs } from '../support/run-perf-ts.js';

const started: PerfTsRun[] = [];
afterEach(async () => {
  for (const { child, ended } of started.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
});

/** A server whose model holds a request back for as long as it may, so that work is in flight for a known time. */
async function serve(queueDelayUs: number, ...flags: string[]) {
  const folder = await writeRepository({
    'm/config.pbtxt': `max_batch_size: 8
      dynamic_batching { preferred_batch_size: [ 8 ] max_queue_delay_microseconds: ${queueDelayUs} }
      instance_group { kind: KIND_CPU count: 1 }`,
    'm/1/model.onnx': buildZooModel('add_sub'),
  });
  const ports = ['--http-port=0', '--grpc-port=0', '--allow-metrics=false'];
  const run = startPerfTs(['serve', `--model-repository=${folder}`, ...ports, ...flags]);
  started.push(run);
  await run.seen('HTTP ');
  const url = /HTTP {2}(\S+)/.exec(run.stderr() + run.stdout())?.[1] ?? '';
  const grpc = /gRPC {2}(\S+)/.exec(run.stderr() + run.stdout())?.[1] ?? '';
  const data = Array.from({ length: 16 }, (_, index) => index);
  const inputs = ['INPUT0', 'INPUT1'].map((name) => ({ name, datatype: 'INT32', shape: [1, 16], data }));
  const infer = () =>
    fetch(`${url}/v2/models/m/infer`, { method: 'POST', body: JSON.stringify({ inputs }) }).then(
      async (answer) => ({ status: answer.status, text: await answer.text() }),
      () => ({ status: 0, text: 'cut off' }),
    );
  return { run, url, grpc, infer };
}

const zeros = new Uint8Array(new Int32Array(16).buffer);
const request = {
  modelName: 'm',
  modelVersion: '',
  id: 'late',
  inputs: ['INPUT0', 'INPUT1'].map((name) => ({ name, dataType: 'INT32' as const, shape: [1, 16], bytes: zeros })),
  outputNames: [],
};

/** Sends half of a request over HTTP; all that comes back until the connection ends. */
function beginUpload(url: string): Promise<string> {
  const { port, hostname } = new URL(url);
  const socket = connect(Number(port), hostname);
  let text = '';
  socket.on('error', () => undefined);
  socket.setEncoding('latin1').on('data', (part: string) => {
    text += part;
  });
  socket.write('POST /v2/models/m/infer HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{"inputs":');
  return new Promise((resolve) => socket.once('close', () => resolve(text)));
}

const statusOf = (url: string): Promise<number> =>
  fetch(url).then(
    ({ status }) => status,
    () => 0,
  );
const soon = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe.each(['SIGTERM', 'SIGINT'] as const)('a server that gets %s', { timeout: 40_000 }, (signal) => {
  it('finishes what it has accepted, says not ready meanwhile, refuses what is new, and ends with 0', async () => {
    const { run, url, grpc, infer } = await serve(3_000_000);
    const admin = createGrpcAdmin(grpc);
    expect(await admin.isServerReady()).toBe(true);
    const accepted = infer();
    await soon(500);
    run.child.kill(signal);
    await expect.poll(() => statusOf(`${url}/v2/health/ready`)).toBe(400);
    expect(await statusOf(`${url}/v2/health/live`)).toBe(200);
    expect(await admin.isServerReady()).toBe(false);
    expect(await infer()).toMatchObject({ status: 503, text: expect.stringContaining('is being unloaded') });
    expect(await accepted).toMatchObject({ status: 200 });
    await admin.close();
    expect(await run.ended).toEqual({ code: 0, signal: null });
    expect(run.survivors()).toEqual([]);
  });
});

describe('a server that is told to end', { timeout: 40_000 }, () => {
  it('answers within the exit timeout what would take longer, and says so with its exit code', async () => {
    const { run, url, grpc, infer } = await serve(60_000_000, '--exit-timeout-secs=1');
    const client = new Client(grpc, credentials.createInsecure());
    const same = (bytes: Buffer): Buffer => bytes;
    const message = Buffer.from(encodeInferRequest(request));
    const unary = new Promise<ServiceError | null>((resolve) => {
      client.makeUnaryRequest(grpcMethodPath('ModelInfer'), same, same, message, (error) => resolve(error));
    });
    const stream = client.makeBidiStreamRequest(grpcMethodPath('ModelStreamInfer'), same, same);
    const streamEnd = new Promise((resolve) => stream.once('error', resolve));
    stream.resume();
    stream.write(message);
    const accepted = infer();
    const upload = beginUpload(url);
    await soon(500);
    run.child.kill('SIGTERM');
    const unavailable = { code: status.UNAVAILABLE, details: expect.stringContaining('exit timeout') };
    expect(await unary).toMatchObject(unavailable);
    expect(await streamEnd).toMatchObject(unavailable);
    expect(await accepted).toMatchObject({ status: 503, text: expect.stringContaining('exit timeout') });
    expect(await upload).toMatch(/^HTTP\/1.1 503 /);
    expect(await run.ended).toEqual({ code: 1, signal: null });
    client.close();
    expect(run.stderr() + run.stdout()).toContain('gave up requests that were not finished within 1 s');
  });

  it('ends at once when nothing is in flight, also with connections open', async () => {
    const { run, url, grpc } = await serve(1000, '--exit-timeout-secs=20');
    const admin = createGrpcAdmin(grpc);
    await admin.isServerReady();
    await statusOf(`${url}/v2/health/ready`);
    run.child.kill('SIGTERM');
    expect(await run.ended).toEqual({ code: 0, signal: null });
    expect(run.stderr() + run.stdout()).not.toContain('gave up');
    await admin.close();
  });

  it('follows its files with --model-control-mode=poll', async () => {
    const folder = await writeRepository({ 'a/1/model.onnx': buildZooModel('identity') });
    const flags = ['--model-control-mode=poll', '--repository-poll-secs=1', '--http-port=0', '--allow-grpc=false'];
    const run = startPerfTs(['serve', `--model-repository=${folder}`, '--allow-metrics=false', ...flags]);
    started.push(run);
    await run.seen('HTTP ');
    const url = /HTTP {2}(\S+)/.exec(run.stderr() + run.stdout())?.[1] ?? '';
    mkdirSync(join(folder, 'b'));
    cpSync(join(folder, 'a', '1'), join(folder, 'b', '1'), { recursive: true });
    await expect.poll(() => statusOf(`${url}/v2/models/b/ready`), { timeout: 15_000 }).toBe(200);
    rmSync(join(folder, 'a'), { recursive: true });
    await expect.poll(() => statusOf(`${url}/v2/models/a/ready`), { timeout: 15_000 }).toBe(400);
    run.child.kill('SIGTERM');
    expect(await run.ended).toEqual({ code: 0, signal: null });
  });
});
