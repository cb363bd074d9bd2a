import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { createGrpcWireFrontEnd } from '../../../../engine/frontend/grpc-wire/grpc-wire-front-end.js';
import {
  type AdminCalls,
  type AdminMethod,
  decodeAdminResponse,
  encodeAdminRequest,
  grpcMethodPath,
} from '../../../../src/kserve/admin-codec.js';
import {
  decodeInferResponse,
  decodeStreamInferMessage,
  encodeInferRequest,
  type InferRequestMessage,
  type StreamInferMessage,
} from '../../../../src/kserve/infer-codec.js';
import { statusCodes } from '../../../../src/kserve/status.js';
import { FakeModel, sourceOf } from '../../../support/fake-model.js';
import { until } from '../../../support/wire-server.js';

const opened: { close(): void }[] = [];
afterEach(() => {
  for (const part of opened.splice(0).reverse()) part.close();
});

async function serve(model: FakeModel): Promise<{ client: Client; port: number }> {
  const frontEnd = createGrpcWireFrontEnd({ address: '127.0.0.1', port: 0 }, sourceOf(model));
  const port = await frontEnd.start();
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
  });
  opened.push({ close: () => void frontEnd.close(AbortSignal.abort()) }, client);
  return { client, port };
}

const same = (bytes: Buffer): Buffer => bytes;

const call = (client: Client, method: string, request: Uint8Array, deadlineMs = 20_000): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + deadlineMs };
    const path = `/inference.GRPCInferenceService/${method}`;
    client.makeUnaryRequest(path, same, same, Buffer.from(request), new Metadata(), options, (cause, response) =>
      cause ? reject(cause) : resolve(response!),
    );
  });

const ask = async <M extends AdminMethod>(
  client: Client,
  method: M,
  request: AdminCalls[M]['request'],
): Promise<AdminCalls[M]['response']> =>
  decodeAdminResponse(method, await call(client, method, encodeAdminRequest(method, request)));

const requestOf = (bytes: Uint8Array, change: Partial<InferRequestMessage> = {}): Uint8Array =>
  encodeInferRequest({
    modelName: 'echo',
    modelVersion: '',
    id: '',
    inputs: [{ name: 'INPUT0', dataType: 'FP32', shape: [1, bytes.length / 4], bytes }],
    outputNames: [],
    ...change,
  });

const refusalOf = (answer: Promise<Buffer>): Promise<Pick<ServiceError, 'code' | 'details'>> =>
  answer.then(
    () => ({ code: statusCodes.OK, details: '' }),
    ({ code, details }: ServiceError) => ({ code, details }),
  );

describe('the gRPC front end on its own HTTP/2, asked by @grpc/grpc-js', () => {
  it('answers administrative calls', async () => {
    const { client } = await serve(new FakeModel());
    expect(await ask(client, 'ServerLive', {})).toEqual({ live: true });
    expect(await ask(client, 'ModelReady', { name: 'nope', version: '' })).toEqual({ ready: false });
    expect(await ask(client, 'ModelMetadata', { name: 'echo', version: '1' })).toMatchObject({ versions: ['1'] });
    expect(await ask(client, 'ModelConfig', { name: 'echo', version: '' })).toMatchObject({
      config: { max_batch_size: 8 },
    });
    expect(await ask(client, 'ModelStatistics', { name: '', version: '' })).toMatchObject({
      model_stats: [{ name: 'echo' }],
    });
  });

  it('gives each of many concurrent requests its own answer', async () => {
    const { client } = await serve(new FakeModel());
    const answers = Array.from({ length: 300 }, async (_, index) => {
      const bytes = new Uint8Array(4 * (1 + ((index * 37) % 9000))).fill(index);
      const response = decodeInferResponse(await call(client, 'ModelInfer', requestOf(bytes, { id: `r${index}` })));
      return response.id === `r${index}` && Buffer.compare(response.outputs[0]!.bytes, bytes) === 0;
    });
    expect((await Promise.all(answers)).every(Boolean)).toBe(true);
  });

  it('takes messages far larger than gRPC allows by default', async () => {
    const { client } = await serve(new FakeModel());
    const bytes = new Uint8Array(40 * 2 ** 20).fill(7);
    const response = decodeInferResponse(await call(client, 'ModelInfer', requestOf(bytes)));
    expect(Buffer.compare(response.outputs[0]!.bytes, bytes)).toBe(0);
  });

  it('refuses with status and text what it cannot serve', async () => {
    const { client } = await serve(new FakeModel());
    const empty = new Uint8Array(4);
    expect(await refusalOf(call(client, 'ModelInfer', requestOf(empty, { modelName: 'nope' })))).toEqual({
      code: statusCodes.NOT_FOUND,
      details: "Request for unknown model: 'nope' is not found",
    });
    expect(await refusalOf(call(client, 'ModelInfer', Buffer.alloc(40, 0xff)))).toMatchObject({
      code: statusCodes.INVALID_ARGUMENT,
    });
    expect(await refusalOf(call(client, 'Nope', empty))).toMatchObject({ code: statusCodes.UNIMPLEMENTED });
    expect(await ask(client, 'ServerLive', {})).toEqual({ live: true });
  });

  it("marks a request as cancelled once its caller's deadline has passed", async () => {
    const model = new FakeModel({ isHeld: true });
    const { client } = await serve(model);
    const refusal = refusalOf(call(client, 'ModelInfer', requestOf(new Uint8Array(4)), 50));
    await until(() => model.held.length === 1);
    await until(() => model.held[0]!.request.isCancelled());
    expect(await refusal).toMatchObject({ code: statusCodes.DEADLINE_EXCEEDED });
    model.release();
  });

  it('answers a stream in order, errors included', async () => {
    const model = new FakeModel({ isHeld: true });
    const { client } = await serve(model);
    const stream = client.makeBidiStreamRequest(grpcMethodPath('ModelStreamInfer'), same, same, new Metadata(), {});
    const answers: StreamInferMessage[] = [];
    stream.on('data', (bytes: Buffer) => answers.push(decodeStreamInferMessage(bytes)));
    const ended = new Promise((resolve) => stream.on('end', resolve));
    for (const change of [{ id: 'a' }, { id: 'b', modelName: 'nope' }, { id: 'c' }]) {
      stream.write(Buffer.from(requestOf(new Uint8Array(4), change)));
    }
    stream.end();
    await until(() => model.held.length === 2);
    model.releaseAt(1);
    model.releaseAt(0);
    await ended;
    expect(answers).toMatchObject([
      { state: 'ok', response: { id: 'a' } },
      { state: 'failed', id: 'b' },
      { state: 'ok', response: { id: 'c' } },
    ]);
  });

  it('says which flag to change when its port is in use', async () => {
    const { port } = await serve(new FakeModel());
    const second = createGrpcWireFrontEnd({ address: '127.0.0.1', port }, sourceOf());
    await expect(second.start()).rejects.toMatchObject({ code: 'BAD_OPTION', problems: [{ where: '--grpc-port' }] });
  });
});
