import { connect } from 'node:net';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../engine/server.js';
import { grpcMethodPath } from '../../src/kserve/grpc-service.js';
import { encodeHttpInferRequest } from '../../src/kserve/http-codec.js';
import { encodeInferRequest } from '../../src/kserve/infer-codec.js';
import { statusCodes } from '../../src/kserve/status.js';
import { startContractEngine } from '../support/contract-engine.js';

let engine: Engine;
let client: Client;
beforeAll(async () => {
  engine = await startContractEngine();
  client = new Client(`127.0.0.1:${engine.grpcPort}`, credentials.createInsecure());
});
afterAll(async () => {
  client.close();
  await engine.close();
});

const same = (bytes: Buffer): Buffer => bytes;

/** Status of one ModelInfer call with these bytes. */
const inferGrpc = (bytes: Uint8Array): Promise<number> =>
  new Promise((resolve) => {
    const path = grpcMethodPath('ModelInfer');
    client.makeUnaryRequest(path, same, same, Buffer.from(bytes), new Metadata(), {}, (cause: ServiceError | null) =>
      resolve(cause === null ? statusCodes.OK : cause.code),
    );
  });

/** Status and error of one POST to the model's infer path. */
async function inferHttp(
  model: string,
  body: Uint8Array | string,
  jsonLength?: number,
): Promise<{ status: number; error: unknown }> {
  const response = await fetch(`http://127.0.0.1:${engine.httpPort}/v2/models/${model}/infer`, {
    method: 'POST',
    body: body as NonNullable<RequestInit['body']>,
    headers: jsonLength === undefined ? {} : { 'inference-header-content-length': String(jsonLength) },
  });
  const isJson = response.headers.get('content-type') === 'application/json';
  const document = isJson ? ((await response.json()) as { error?: unknown }) : {};
  if (!isJson) await response.arrayBuffer();
  return { status: response.status, error: document.error };
}

/** Sends bytes as they are, ends the connection, and waits until the other side has ended it too. */
const sendRaw = (port: number | undefined, bytes: Uint8Array | string): Promise<void> =>
  new Promise((resolve) => {
    const socket = connect(port ?? 0, '127.0.0.1', () => socket.end(bytes));
    socket.on('data', () => undefined);
    socket.on('error', () => resolve());
    socket.on('close', () => resolve());
  });

const good = {
  modelName: 'identity_fp32',
  modelVersion: '',
  id: 'x',
  inputs: [{ name: 'INPUT0', dataType: 'FP32', shape: [1, 4], bytes: new Uint8Array(16) }],
  outputNames: ['OUTPUT0'],
} as const;

async function expectStillServing(): Promise<void> {
  expect(await inferGrpc(encodeInferRequest(good))).toBe(statusCodes.OK);
  const { body, jsonLength } = encodeHttpInferRequest(good);
  expect((await inferHttp('identity_fp32', body, jsonLength)).status).toBe(200);
}

const input = (change: object): string =>
  JSON.stringify({ inputs: [{ name: 'INPUT0', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4], ...change }] });

describe('a live engine', () => {
  it.each([
    ['a cut-off document', '{"inputs":[{"name":"INPUT0","sha'],
    ['a negative dimension', input({ shape: [-1, 4] })],
    ['negative dimensions whose product fits', input({ shape: [-1, -4] })],
    ['a dimension beyond 64 bits', input({ shape: [1e30, 4] })],
    ['an overflowing shape', input({ shape: [2 ** 32, 2 ** 32] })],
    ['a shape far larger than its data', input({ shape: [8, 2 ** 28] })],
    ['a fractional dimension', input({ shape: [1.5, 4] })],
    ['a huge batch', input({ shape: [2 ** 31, 0], data: [] })],
    [
      'deeply nested data',
      `{"inputs":[{"name":"INPUT0","datatype":"FP32","shape":[1,4],"data":${'['.repeat(50_000)}${']'.repeat(50_000)}}]}`,
    ],
    [
      'a prototype for an input',
      '{"inputs":[{"__proto__":{"name":"INPUT0","datatype":"FP32","shape":[1,1],"data":[1]}}]}',
    ],
  ])('refuses %s over HTTP and goes on', async (_, body) => {
    // As Triton's: what its JSON reader refuses is 500, what it reads and finds wrong is 400 (recorded-answers.test.ts).
    const { status, error } = await inferHttp('identity_fp32', body);
    expect([400, 500]).toContain(status);
    expect(error).toEqual(expect.any(String));
    await expectStillServing();
  });

  it('takes an empty body for a raw request without elements, and goes on', async () => {
    expect((await inferHttp('identity_fp32', '')).status).toBe(200);
    await expectStillServing();
  });

  it('refuses binary data that is cut off anywhere and goes on', async () => {
    const { body, jsonLength } = encodeHttpInferRequest(good);
    for (let length = 0; length < body.length; length += 7) {
      expect((await inferHttp('identity_fp32', body.subarray(0, length), jsonLength)).status).toBe(400);
    }
    await expectStillServing();
  });

  it.each([
    ['shorter than a length', [1, 0]],
    ['with a length beyond the end', [255, 255, 255, 255, 1]],
    ['with bytes left over', [1, 0, 0, 0, 65, 1, 0]],
    ['with too many elements', [0, 0, 0, 0, 0, 0, 0, 0]],
  ])('refuses BYTES %s on both protocols and goes on', async (_, content) => {
    const tensor = { name: 'INPUT0', dataType: 'BYTES', shape: [1, 1], bytes: Uint8Array.from(content) } as const;
    const request = { ...good, modelName: 'identity_bytes', inputs: [tensor] };
    const { body, jsonLength } = encodeHttpInferRequest(request);
    expect((await inferHttp('identity_bytes', body, jsonLength)).status).toBe(400);
    expect(await inferGrpc(encodeInferRequest(request))).toBe(statusCodes.INVALID_ARGUMENT);
    await expectStillServing();
  });

  it('refuses a request that is cut off anywhere over gRPC and goes on', async () => {
    const bytes = encodeInferRequest(good);
    for (let length = 0; length < bytes.length; length += 3) {
      expect(await inferGrpc(bytes.subarray(0, length))).not.toBe(statusCodes.OK);
    }
    await expectStillServing();
  });

  it('answers or refuses requests with changed bytes, and goes on', async () => {
    const bytes = encodeInferRequest(good);
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 }));
    const property = fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
      const changed = Uint8Array.from(bytes);
      for (const [index, value] of changes) changed[index] = value;
      const status = await inferGrpc(changed);
      const allowed = [statusCodes.OK, statusCodes.INVALID_ARGUMENT, statusCodes.NOT_FOUND, statusCodes.UNIMPLEMENTED];
      expect(allowed).toContain(status);
    });
    await fc.assert(property, { numRuns: 300 });
    await expectStillServing();
  });

  it.each([
    ['noise', Buffer.alloc(500, 0xa5)],
    ['a request that stops in its headers', 'POST /v2/models/identity_fp32/infer HTTP/1.1\r\ncontent-le'],
    [
      'a body that stops early',
      'POST /v2/models/identity_fp32/infer HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\n{"inp',
    ],
    [
      'a negative content length',
      'POST /v2/models/identity_fp32/infer HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\n',
    ],
    [
      'an HTTP/2 preface and noise',
      Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.alloc(300, 0xff)]),
    ],
  ])('ends a connection that sends %s, on either port, and goes on', async (_, bytes) => {
    await sendRaw(engine.httpPort, bytes);
    await sendRaw(engine.grpcPort, bytes);
    await expectStillServing();
  });
});
