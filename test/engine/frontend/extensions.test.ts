import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { createServices, type EngineServices } from '../../../engine/frontend/engine-services.js';
import { createGrpcWireFrontEnd } from '../../../engine/frontend/grpc-wire/grpc-wire-front-end.js';
import { HttpFrontEnd } from '../../../engine/frontend/http-front-end.js';
import { createEngineLog } from '../../../engine/log/create-engine-log.js';
import { SharedMemoryRegions } from '../../../engine/shared-memory/shared-memory-regions.js';
import {
  decodeExtensionResponse,
  type ExtensionCalls,
  type ExtensionMethod,
  encodeExtensionRequest,
} from '../../../src/kserve/extension-codec.js';
import { grpcMethodPath } from '../../../src/kserve/grpc-service.js';
import { decodeInferResponse, encodeInferRequest } from '../../../src/kserve/infer-codec.js';
import { statusCodes } from '../../../src/kserve/status.js';
import type { InferInput, RequestedOutput } from '../../../src/kserve/tensor.js';
import { FakeModel, sourceOf } from '../../support/fake-model.js';

let open: { close(): void }[] = [];
afterEach(() => {
  for (const part of open.reverse()) part.close();
  open = [];
});

const same = (bytes: Buffer): Buffer => bytes;

class Served {
  readonly model: FakeModel;
  readonly folder: string;
  readonly url: string;
  readonly client: Client;

  constructor(model: FakeModel, folder: string, url: string, client: Client) {
    this.model = model;
    this.folder = folder;
    this.url = url;
    this.client = client;
  }

  rpc(path: string, request: Uint8Array): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.client.makeUnaryRequest(path, same, same, Buffer.from(request), new Metadata(), {}, (cause, response) =>
        cause ? reject(cause) : resolve(response!),
      );
    });
  }

  async ask<M extends ExtensionMethod>(
    method: M,
    request: ExtensionCalls[M]['request'],
  ): Promise<ExtensionCalls[M]['response']> {
    const answer = await this.rpc(grpcMethodPath(method), encodeExtensionRequest(method, request));
    return decodeExtensionResponse(method, answer);
  }

  async infer(input: Partial<InferInput>, output?: Partial<RequestedOutput>) {
    const tensor: InferInput = { name: 'INPUT0', dataType: 'FP32', shape: [1, 2], bytes: new Uint8Array(8), ...input };
    const outputs = output === undefined ? {} : { outputs: [{ name: 'OUTPUT0', classificationCount: 0, ...output }] };
    const message = { modelName: 'echo', modelVersion: '', id: '', inputs: [tensor], outputNames: [], ...outputs };
    return decodeInferResponse(await this.rpc(grpcMethodPath('ModelInfer'), encodeInferRequest(message)));
  }

  async http(path: string, document?: unknown): Promise<{ status: number; document: unknown }> {
    const init = document === undefined ? {} : { method: 'POST', body: JSON.stringify(document) };
    const response = await fetch(this.url + path, init);
    const text = await response.text();
    return { status: response.status, document: text === '' ? undefined : JSON.parse(text) };
  }
}

/** Both front ends over one model and one set of services; `object` is a shared-memory object of 64 bytes. */
async function serve(parts: Partial<EngineServices> = {}): Promise<Served> {
  const folder = await mkdtemp(join(tmpdir(), 'perf-ts-shm-'));
  writeFileSync(join(folder, 'object'), Buffer.from(Float32Array.from({ length: 16 }, (_, i) => i).buffer));
  const model = new FakeModel();
  const services = createServices({ sharedMemory: new SharedMemoryRegions(folder), ...parts });
  const grpc = createGrpcWireFrontEnd({ address: '127.0.0.1', port: 0 }, sourceOf(model), {}, services);
  const http = new HttpFrontEnd({ address: '127.0.0.1', port: 0, maxInputBytes: 10_000 }, sourceOf(model), services);
  const over = AbortSignal.abort();
  const client = new Client(`127.0.0.1:${await grpc.start()}`, credentials.createInsecure());
  const url = `http://127.0.0.1:${await http.start()}`;
  open.push({ close: () => void Promise.all([grpc.close(over), http.close(over)]) }, client);
  return new Served(model, folder, url, client);
}

const region = { name: 'r', key: '/object', offset: 0, byte_size: 64 };
const registerPath = '/v2/systemsharedmemory/region/r/register';

describe.skipIf(process.platform !== 'linux')('shared memory', () => {
  it('registered over one protocol is known to the other', async () => {
    const served = await serve();
    expect(await served.http(registerPath, region)).toEqual({ status: 200, document: undefined });
    expect(await served.ask('SystemSharedMemoryStatus', { name: '' })).toEqual({ regions: { r: region } });
    await served.ask('SystemSharedMemoryUnregister', { name: '' });
    expect(await served.http('/v2/systemsharedmemory/status')).toEqual({ status: 200, document: [] });
  });

  it('holds inputs and takes outputs, which the answer then describes without bytes', async () => {
    const served = await serve();
    await served.ask('SystemSharedMemoryRegister', region);
    const input = { bytes: new Uint8Array(0), sharedMemory: { region: 'r', offsetBytes: 4, byteSize: 8 } };
    const output = { sharedMemory: { region: 'r', offsetBytes: 32, byteSize: 32 } };
    const { outputs } = await served.infer(input, output);
    expect(outputs).toEqual([{ name: 'OUTPUT0', dataType: 'FP32', shape: [1, 2], bytes: Buffer.alloc(0) }]);
    const object = readFileSync(join(served.folder, 'object'));
    expect([object.readFloatLE(32), object.readFloatLE(36)]).toEqual([1, 2]);
    const answer = await served.http('/v2/models/echo/infer', {
      inputs: [
        {
          name: 'INPUT0',
          datatype: 'FP32',
          shape: [1, 2],
          parameters: { shared_memory_region: 'r', shared_memory_byte_size: 8, shared_memory_offset: 8 },
        },
      ],
    });
    expect(answer).toMatchObject({ status: 200, document: { outputs: [{ data: [2, 3] }] } });
  });

  it('is refused where it cannot be, and no request reaches the model', async () => {
    const served = await serve();
    await served.ask('SystemSharedMemoryRegister', region);
    const at = (offsetBytes: number, byteSize: number, name = 'r') => ({
      sharedMemory: { region: name, offsetBytes, byteSize },
    });
    await expect(served.infer(at(60, 8))).rejects.toMatchObject({ code: statusCodes.INVALID_ARGUMENT });
    await expect(served.infer(at(0, 8, 'no'))).rejects.toMatchObject({ code: statusCodes.NOT_FOUND });
    await expect(served.infer({}, at(60, 8))).rejects.toMatchObject({ code: statusCodes.INVALID_ARGUMENT });
    expect(served.model.statistics().inference_count).toBe(0);
    await expect(served.infer({}, at(0, 7))).rejects.toMatchObject({
      code: statusCodes.INTERNAL,
      details: expect.stringContaining('should be at least 8 bytes'),
    });
  });

  it('is left alone unless the engine was started with it', async () => {
    const served = await serve({ sharedMemory: undefined });
    const refusal = { code: statusCodes.UNIMPLEMENTED, details: expect.stringContaining('--allow-client-shm=true') };
    await expect(served.ask('SystemSharedMemoryRegister', region)).rejects.toMatchObject(refusal);
    const sharedMemory = { region: 'r', offsetBytes: 0, byteSize: 8 };
    await expect(served.infer({ sharedMemory })).rejects.toMatchObject(refusal);
    expect(await served.http(registerPath, region)).toMatchObject({ status: 501 });
    expect(await served.ask('SystemSharedMemoryStatus', { name: '' })).toEqual({ regions: {} });
    const { document } = await served.http('/v2');
    expect((document as { extensions: string[] }).extensions).not.toContain('system_shared_memory');
  });

  it('of CUDA is refused by name', async () => {
    const served = await serve();
    const request = { name: 'c', device_id: 0, byte_size: 8, raw_handle: new Uint8Array(64) };
    await expect(served.ask('CudaSharedMemoryRegister', request)).rejects.toMatchObject({
      code: statusCodes.UNIMPLEMENTED,
      details: expect.stringContaining('no CUDA shared memory'),
    });
    expect(await served.ask('CudaSharedMemoryStatus', { name: '' })).toEqual({ regions: {} });
    expect(await served.http('/v2/cudasharedmemory/unregister', {})).toMatchObject({ status: 200 });
  });

  it.each<[string, unknown, number]>([
    [registerPath, { byte_size: 64 }, 400],
    [registerPath, { key: '/object' }, 400],
    [registerPath, { key: '/object', byte_size: 1.5 }, 400],
    [registerPath, { key: '/object', byte_size: 64, offset: -1 }, 400],
    [registerPath, { key: 5, byte_size: 64 }, 400],
    [registerPath, [], 400],
    ['/v2/systemsharedmemory/register', region, 404],
    ['/v2/systemsharedmemory/status', {}, 405],
    ['/v2/systemsharedmemory/region/%zz/unregister', {}, 400],
  ])('POST %s with %j is answered with %i', async (path, document, status) => {
    const served = await serve();
    expect((await served.http(path, document)).status).toBe(status);
  });
});

describe('classification', () => {
  it('gives texts instead of the tensor', async () => {
    const served = await serve();
    const bytes = new Uint8Array(Float32Array.of(1, 2).buffer);
    const { outputs } = await served.infer({ bytes }, { classificationCount: 1 });
    expect(outputs).toMatchObject([{ dataType: 'BYTES', shape: [1, 1] }]);
    expect(Buffer.from(outputs[0]!.bytes).toString('latin1')).toBe('\n\0\0\x002.000000:1');
  });
});

describe('log settings', () => {
  it('change what the log writes', async () => {
    const written: string[] = [];
    const log = createEngineLog({}, { write: (text) => written.push(text) });
    const served = await serve({ log });
    expect(await served.http('/v2/logging', { log_info: false })).toMatchObject({ document: { log_info: false } });
    log.info('not told');
    await served.ask('LogSettings', { settings: { log_info: { bool_param: true } } });
    log.info('told');
    await log.close();
    expect(written.join('')).toMatch(/told/);
    expect(written.join('')).not.toMatch(/not told/);
  });

  it.each<[object, string]>([
    [{ log_info: 'x' }, "expect boolean for 'log_info'"],
    [{ log_verbose_level: -1 }, "expect int32 for 'log_verbose_level'"],
    [{ log_format: 'x' }, 'invalid argument for log_format, got: x'],
    [{ log_file: '/tmp/x' }, 'can not be updated through network protocol'],
  ])('of %j are refused, and nothing changes', async (document, error) => {
    const served = await serve();
    const before = await served.http('/v2/logging');
    const answer = await served.http('/v2/logging', { log_warning: true, ...document });
    expect(answer.document).toMatchObject({ error: expect.stringContaining(error) });
    expect(await served.http('/v2/logging')).toEqual(before);
  });
});

describe('trace settings', () => {
  it('of an unknown model are refused', async () => {
    const served = await serve();
    expect(await served.http('/v2/models/nope/trace/setting')).toMatchObject({ status: 400 });
    expect(await served.http('/v2/models/echo/trace/setting', { trace_rate: '5' })).toMatchObject({
      status: 200,
      document: { trace_level: ['OFF'], trace_rate: '5', trace_mode: 'triton' },
    });
    const { settings } = await served.ask('TraceSetting', { model_name: 'echo', settings: {} });
    expect(settings.trace_rate).toEqual({ value: ['5'] });
  });
});

describe('request parameters', () => {
  it('of the reserved prefix are refused, others pass', async () => {
    const served = await serve();
    const inputs = [{ name: 'INPUT0', datatype: 'FP32', shape: [1, 1], data: [1] }];
    expect(await served.http('/v2/models/echo/infer', { inputs, parameters: { mine: 'x' } })).toMatchObject({
      status: 200,
    });
    expect(await served.http('/v2/models/echo/infer', { inputs, parameters: { triton_x: 1 } })).toMatchObject({
      status: 400,
    });
  });
});
