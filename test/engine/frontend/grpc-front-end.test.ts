import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import type { FrontEnd } from '../../../engine/frontend/front-end.js';
import { createGrpcWireFrontEnd } from '../../../engine/frontend/grpc-wire/grpc-wire-front-end.js';
import {
  type AdminCalls,
  type AdminMethod,
  decodeAdminResponse,
  encodeAdminRequest,
  grpcMethodPath,
} from '../../../src/kserve/admin-codec.js';
import {
  decodeInferResponse,
  decodeStreamInferMessage,
  encodeInferRequest,
  type InferRequestMessage,
  type StreamInferMessage,
} from '../../../src/kserve/infer-codec.js';
import { statusCodes } from '../../../src/kserve/status.js';
import { FakeModel, sourceOf } from '../../support/fake-model.js';

const never = new AbortController().signal;
let open: { close(): void }[] = [];
afterEach(() => {
  for (const part of open.reverse()) part.close();
  open = [];
});

async function serve(...models: FakeModel[]): Promise<{ client: Client; frontEnd: FrontEnd; port: number }> {
  const frontEnd = createGrpcWireFrontEnd({ address: '127.0.0.1', port: 0 }, sourceOf(...models));
  const port = await frontEnd.start();
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
  });
  open.push({ close: () => void frontEnd.close(AbortSignal.abort()) }, client);
  return { client, frontEnd, port };
}

const same = (bytes: Buffer): Buffer => bytes;

const callUnary = (client: Client, path: string, request: Uint8Array): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, same, same, Buffer.from(request), new Metadata(), {}, (cause, response) =>
      cause ? reject(cause) : resolve(response!),
    );
  });

const ask = async <M extends AdminMethod>(
  client: Client,
  method: M,
  request: AdminCalls[M]['request'],
): Promise<AdminCalls[M]['response']> =>
  decodeAdminResponse(method, await callUnary(client, grpcMethodPath(method), encodeAdminRequest(method, request)));

const requestOf = (bytes: Uint8Array, change: Partial<InferRequestMessage> = {}): InferRequestMessage => ({
  modelName: 'echo',
  modelVersion: '',
  id: '',
  inputs: [{ name: 'INPUT0', dataType: 'FP32', shape: [1, bytes.length / 4], bytes }],
  outputNames: [],
  ...change,
});

const infer = async (client: Client, request: InferRequestMessage): Promise<number[]> => {
  const response = await callUnary(client, grpcMethodPath('ModelInfer'), encodeInferRequest(request));
  return [...decodeInferResponse(response).outputs[0]!.bytes];
};

const until = async (isTrue: () => boolean): Promise<void> => {
  while (!isTrue()) await new Promise((resolve) => setImmediate(resolve));
};

describe('the gRPC front end', () => {
  it('answers health, metadata, config, statistics and index', async () => {
    const { client } = await serve(new FakeModel());
    expect(await ask(client, 'ServerLive', {})).toEqual({ live: true });
    expect(await ask(client, 'ServerReady', {})).toEqual({ ready: true });
    expect(await ask(client, 'ModelReady', { name: 'echo', version: '' })).toEqual({ ready: true });
    expect(await ask(client, 'ModelReady', { name: 'nope', version: '' })).toEqual({ ready: false });
    expect(await ask(client, 'ServerMetadata', {})).toMatchObject({ name: 'perf-ts' });
    expect(await ask(client, 'ModelMetadata', { name: 'echo', version: '1' })).toMatchObject({ versions: ['1'] });
    expect(await ask(client, 'ModelConfig', { name: 'echo', version: '' })).toMatchObject({
      config: { max_batch_size: 8 },
    });
    expect(await ask(client, 'ModelStatistics', { name: '', version: '' })).toMatchObject({
      model_stats: [{ name: 'echo' }],
    });
    expect(await ask(client, 'RepositoryIndex', { repository_name: '', ready: false })).toEqual({
      models: [{ name: 'echo', version: '1', state: 'READY', reason: '' }],
    });
  });

  it('infers', async () => {
    const { client } = await serve(new FakeModel());
    expect(await infer(client, requestOf(Uint8Array.of(1, 2, 3, 4)))).toEqual([1, 2, 3, 4]);
  });

  it('takes messages far larger than gRPC allows by default', async () => {
    const { client } = await serve(new FakeModel());
    const bytes = new Uint8Array(20 * 1024 * 1024).fill(7);
    const response = await callUnary(client, grpcMethodPath('ModelInfer'), encodeInferRequest(requestOf(bytes)));
    expect(Buffer.compare(decodeInferResponse(response).outputs[0]!.bytes, bytes)).toBe(0);
  });

  it.each<[string, Partial<InferRequestMessage>, keyof typeof statusCodes, string]>([
    ['an unknown model', { modelName: 'nope' }, 'NOT_FOUND', "unknown model: 'nope'"],
    ['an unknown version', { modelVersion: '9' }, 'NOT_FOUND', "'echo' version 9"],
    [
      'a version that is no number',
      { modelVersion: 'abc' },
      'INVALID_ARGUMENT',
      "failed to get model version from specified version string 'abc'",
    ],
  ])('refuses %s', async (_, change, status, message) => {
    const { client } = await serve(new FakeModel());
    const failure = await infer(client, requestOf(new Uint8Array(4), change)).catch((thrown: ServiceError) => thrown);
    expect(failure).toMatchObject({ code: statusCodes[status], details: expect.stringContaining(message) });
  });

  it.each([
    ['truncated', encodeInferRequest(requestOf(new Uint8Array(4))).subarray(0, 12)],
    ['garbage', Buffer.alloc(40, 0xff)],
  ])('refuses a %s message and goes on', async (_, bytes) => {
    const { client } = await serve(new FakeModel());
    const failure = callUnary(client, grpcMethodPath('ModelInfer'), bytes);
    await expect(failure).rejects.toMatchObject({ code: statusCodes.INVALID_ARGUMENT });
    expect(await ask(client, 'ServerLive', {})).toEqual({ live: true });
  });

  it('answers a call it does not know with UNIMPLEMENTED', async () => {
    const { client } = await serve();
    const call = callUnary(client, '/inference.GRPCInferenceService/NoSuchCall', new Uint8Array());
    await expect(call).rejects.toMatchObject({ code: statusCodes.UNIMPLEMENTED });
  });

  it("passes a model's refusal on with its status", async () => {
    const model = new FakeModel({ isHeld: true });
    const { client } = await serve(model);
    const answer = infer(client, requestOf(new Uint8Array(4)));
    await until(() => model.held.length === 1);
    model.release({ state: 'failed', failure: { status: 'UNAVAILABLE', message: 'queue full' } });
    await expect(answer).rejects.toMatchObject({ code: statusCodes.UNAVAILABLE, details: 'queue full' });
  });

  it('marks a request as cancelled once its caller has cancelled', async () => {
    const model = new FakeModel({ isHeld: true });
    const { client } = await serve(model);
    const request = Buffer.from(encodeInferRequest(requestOf(new Uint8Array(4))));
    const call = client.makeUnaryRequest(
      grpcMethodPath('ModelInfer'),
      same,
      same,
      request,
      new Metadata(),
      {},
      () => undefined,
    );
    await until(() => model.held.length === 1);
    const held = model.held[0]!.request;
    expect(held.isCancelled()).toBe(false);
    call.cancel();
    await until(() => held.isCancelled());
    model.release();
  });

  it('answers a stream in order, errors included, and ends it', async () => {
    const model = new FakeModel({ isHeld: true });
    const { client } = await serve(model);
    const stream = client.makeBidiStreamRequest(grpcMethodPath('ModelStreamInfer'), same, same, new Metadata(), {});
    const answers: StreamInferMessage[] = [];
    stream.on('data', (bytes: Buffer) => answers.push(decodeStreamInferMessage(bytes)));
    const ended = new Promise((resolve) => stream.on('end', resolve));
    for (const change of [{ id: 'a' }, { id: 'b', modelName: 'nope' }, { id: 'c' }]) {
      stream.write(Buffer.from(encodeInferRequest(requestOf(new Uint8Array(4), change))));
    }
    stream.end();
    await until(() => model.held.length === 2);
    model.releaseAt(1);
    model.releaseAt(0);
    await ended;
    expect(answers).toMatchObject([
      { state: 'ok', response: { id: 'a' } },
      { state: 'failed', id: 'b', message: "Request for unknown model: 'nope' is not found" },
      { state: 'ok', response: { id: 'c' } },
    ]);
  });

  it('answers what it has accepted before it closes', async () => {
    const model = new FakeModel({ isHeld: true });
    const { client, frontEnd } = await serve(model);
    const answer = infer(client, requestOf(Uint8Array.of(9, 9, 9, 9)));
    await until(() => model.held.length === 1);
    const closed = frontEnd.close(never);
    model.release();
    expect(await answer).toEqual([9, 9, 9, 9]);
    await closed;
  });

  it('cuts off what is not answered by the deadline', async () => {
    const model = new FakeModel({ isHeld: true });
    const { client, frontEnd } = await serve(model);
    const answer = infer(client, requestOf(new Uint8Array(4))).catch((thrown: ServiceError) => thrown.code);
    await until(() => model.held.length === 1);
    const deadline = new AbortController();
    const closed = frontEnd.close(deadline.signal);
    deadline.abort();
    await closed;
    expect(await answer).not.toBe(statusCodes.OK);
  });

  it('says which flag to change when its port is in use', async () => {
    const { port } = await serve();
    const second = createGrpcWireFrontEnd({ address: '127.0.0.1', port }, sourceOf());
    await expect(second.start()).rejects.toMatchObject({
      code: 'BAD_OPTION',
      problems: [{ where: '--grpc-port', what: `port ${port} on 127.0.0.1 is already in use` }],
    });
  });
});
