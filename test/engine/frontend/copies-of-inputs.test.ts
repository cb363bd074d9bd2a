import { Buffer } from 'node:buffer';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { FrontEnd } from '../../../engine/frontend/front-end.js';
import { createGrpcWireFrontEnd } from '../../../engine/frontend/grpc-wire/grpc-wire-front-end.js';
import { HttpFrontEnd } from '../../../engine/frontend/http-front-end.js';
import { readTlsIdentity } from '../../../engine/frontend/tls-identity.js';
import type { ServedModel } from '../../../engine/served-model.js';
import { packageRoot } from '../../../src/common/package-root.js';
import { grpcMethodPath } from '../../../src/kserve/grpc-service.js';
import { decodeHttpInferResponse, encodeHttpInferRequest } from '../../../src/kserve/http-codec.js';
import { decodeInferResponse, encodeInferRequest, type InferRequestMessage } from '../../../src/kserve/infer-codec.js';
import { sourceOf } from '../../support/fake-model.js';
import { addSubConfig, loadTestModel } from '../../support/load-test-model.js';
import { floats, toFloats } from '../../support/model-files.js';
import { makeTestCertificate } from '../../support/test-certificate.js';

/** Bytes that this thread has copied by any of the ways that JavaScript has, and by memcpy. */
const copied = vi.hoisted(() => ({ bytes: 0, isCounting: false }));
const count = (byteLength: number): void => {
  if (copied.isCounting) copied.bytes += byteLength;
};

vi.mock(import('../../../src/onnxruntime/native-memory.js'), async (importOriginal) => {
  const original = await importOriginal();
  return {
    ...original,
    copyBytes: (target, offset, source) => {
      if (copied.isCounting) copied.bytes += source.byteLength;
      // `set` for short runs would be counted a second time.
      const { isCounting } = copied;
      copied.isCounting = false;
      original.copyBytes(target, offset, source);
      copied.isCounting = isCounting;
    },
  };
});

const ROWS = 12_800;
const REQUESTS = 4;
/** Of these the last one counts: where tensors of large gRPC requests lie is learnt from those before. */
const ROUNDS = 3;
/** Two inputs of 204,800 bytes each. */
const REQUEST_BYTES = 2 * ROWS * 4 * 4;

const folder = mkdtempSync(join(tmpdir(), 'perf-ts-test-'));
const certificate = makeTestCertificate();
const models: ServedModel[] = [];

beforeAll(() => {
  const { set } = Uint8Array.prototype;
  const { copy } = Buffer.prototype;
  const { concat, copyBytesFrom } = Buffer;
  vi.spyOn(Uint8Array.prototype, 'set').mockImplementation(function (this: Uint8Array, source, offset) {
    count(source.length);
    set.call(this, source, offset);
  });
  vi.spyOn(Buffer.prototype, 'copy').mockImplementation(function (this: Buffer, target, at, start, end) {
    const copiedBytes = copy.call(this, target, at, start, end);
    count(copiedBytes);
    return copiedBytes;
  });
  vi.spyOn(Buffer, 'concat').mockImplementation((list, length) => {
    const whole = concat(list, length);
    count(whole.length);
    return whole;
  });
  vi.spyOn(Buffer, 'copyBytesFrom').mockImplementation((view, offset, length) => {
    const copy = copyBytesFrom(view, offset, length);
    count(copy.length);
    return copy;
  });
});

afterAll(async () => {
  vi.restoreAllMocks();
  await Promise.all(models.map((model) => model.close()));
  certificate?.remove();
  rmSync(folder, { recursive: true });
});

/** A real model whose batches are complete with so many of the requests; counts copies until its first answer. */
async function loadCounted(requests: number): Promise<ServedModel> {
  const size = requests * ROWS;
  const waiting = { preferred_batch_size: [size], max_queue_delay_microseconds: 30_000_000 };
  const batching = requests === 1 ? {} : { dynamic_batching: waiting };
  const model = await loadTestModel('add_sub', { ...addSubConfig, max_batch_size: size, ...batching });
  models.push(model);
  const infer = model.infer.bind(model);
  model.infer = (request, onOutcome) =>
    infer(request, (outcome) => {
      copied.isCounting = false;
      onOutcome(outcome);
    });
  return model;
}

const listenOptions = { address: '127.0.0.1', port: 0 };

function createFrontEnd(transport: string, model: ServedModel): FrontEnd {
  const source = sourceOf(model);
  if (transport.startsWith('http')) return new HttpFrontEnd({ ...listenOptions, maxInputBytes: 2 ** 24 }, source);
  if (transport.startsWith('grpc')) return createGrpcWireFrontEnd(listenOptions, source);
  const tls = readTlsIdentity({
    grpcUseSsl: true,
    grpcUseSslMutual: false,
    grpcServerCert: certificate!.certificateFile,
    grpcServerKey: certificate!.keyFile,
    grpcRootCert: undefined,
  });
  return createGrpcWireFrontEnd({ ...listenOptions, tls }, source);
}

/** What compresses well is small once packed, so that nearly all that is copied are tensors. */
function messageOf(request: number, isPacked: boolean): InferRequestMessage {
  const values = Array.from({ length: ROWS * 4 }, (_, place) => request + (isPacked ? 0 : place));
  const inputs = [
    floats('INPUT0', [ROWS, 4], values),
    floats('INPUT1', [ROWS, 4], new Array<number>(ROWS * 4).fill(1)),
  ];
  return { modelName: 'add_sub', modelVersion: '', id: '', inputs, outputNames: ['OUTPUT0'] };
}

/** Sends the requests from another process and returns the first output of each. */
async function ask(transport: string, requests: number, frontEnd: FrontEnd): Promise<readonly (readonly number[])[]> {
  const isHttp = transport.startsWith('http');
  let jsonLength = 0;
  const files = Array.from({ length: requests }, (_, request) => {
    const message = messageOf(request, transport.includes('+'));
    const http = encodeHttpInferRequest(message);
    jsonLength = http.jsonLength!;
    const file = join(folder, `request-${request}`);
    writeFileSync(file, isHttp ? http.body : encodeInferRequest(message));
    return file;
  });
  const port = String(await frontEnd.start());
  const path = isHttp ? '/v2/models/add_sub/infer' : grpcMethodPath('ModelInfer');
  const script = join(packageRoot, 'test', 'support', 'large-request-client.mjs');
  const words = [script, transport, port, certificate?.certificateFile ?? '', String(jsonLength), path, ...files];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const told = (): Promise<unknown> => Promise.race([once(child, 'message'), once(child, 'exit')]);
  await told();
  for (let round = 0; round < ROUNDS; round++) {
    copied.bytes = 0;
    copied.isCounting = true;
    child.send('ask');
    await told();
  }
  copied.isCounting = false;
  child.disconnect();
  const [code] = await once(child, 'exit');
  await frontEnd.close(AbortSignal.abort());
  expect(code).toBe(0);
  return files.map((file) => {
    const answer = readFileSync(`${file}.answer`);
    if (!isHttp) return toFloats(decodeInferResponse(answer).outputs[0]!);
    const end = answer.indexOf('}]}') + '}]}'.length;
    return toFloats(decodeHttpInferResponse(answer, end).outputs[0]!);
  });
}

const transports = ['http', 'http+gzip', 'grpc', 'grpc+gzip', 'tls', 'tls+gzip'];
const isPossible = (transport: string): boolean => certificate !== undefined || !transport.startsWith('tls');

describe('tensors of 204,800 bytes', () => {
  async function askAndCount(transport: string, requests: number): Promise<number> {
    const model = await loadCounted(requests);
    const answers = await ask(transport, requests, createFrontEnd(transport, model));
    const expected = (request: number): readonly number[] =>
      toFloats(messageOf(request, transport.includes('+')).inputs[0]!).map((value) => value + 1);
    for (const [request, answer] of answers.entries()) expect(answer).toEqual(expected(request));
    const { inference_count: rows, execution_count: executions } = model.statistics();
    expect([rows, executions]).toEqual([ROUNDS * requests * ROWS, ROUNDS]);
    return copied.bytes / (requests * REQUEST_BYTES);
  }

  it.each(transports.filter(isPossible))(
    'that come by %s in a batch of several requests are copied once, into the batch',
    async (transport) => {
      const copies = await askAndCount(transport, REQUESTS);
      expect(copies).toBeGreaterThanOrEqual(1);
      // The rest are descriptions and, by gRPC in frames, what came with them.
      expect(copies).toBeLessThan(transport === 'grpc' ? 1.35 : 1.02);
    },
  );

  it.each(transports.filter(isPossible))(
    'that come by %s and are alone in their batch are copied once at most',
    async (transport) => {
      expect(await askAndCount(transport, 1)).toBeLessThan(1.02);
    },
  );
});
