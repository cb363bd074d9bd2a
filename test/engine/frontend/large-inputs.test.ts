import { readFile } from 'node:fs/promises';
import { type ChannelCredentials, Client, credentials } from '@grpc/grpc-js';
import { afterAll, describe, expect, it } from 'vitest';
import type { FrontEnd } from '../../../engine/frontend/front-end.js';
import { createGrpcWireFrontEnd } from '../../../engine/frontend/grpc-wire/grpc-wire-front-end.js';
import { HttpFrontEnd } from '../../../engine/frontend/http-front-end.js';
import { readTlsIdentity } from '../../../engine/frontend/tls-identity.js';
import type { InferenceRequest, OnOutcome } from '../../../engine/inference.js';
import { grpcMethodPath } from '../../../src/kserve/grpc-service.js';
import { encodeHttpInferRequest, INFERENCE_HEADER_LENGTH } from '../../../src/kserve/http-codec.js';
import { encodeInferRequest, type InferRequestMessage } from '../../../src/kserve/infer-codec.js';
import { addressOf } from '../../../src/onnxruntime/native-memory.js';
import { FakeModel, sourceOf } from '../../support/fake-model.js';
import { makeTestCertificate } from '../../support/test-certificate.js';

const FLOATS = 51_200;
const REQUESTS = 6;

const certificate = makeTestCertificate();
afterAll(() => certificate?.remove());

/** Notes where the input of each request lies, and whether its bytes are those that were sent. */
class NotingModel extends FakeModel {
  readonly misplacedBy: number[] = [];
  readonly firstFloats: number[] = [];

  override infer(request: InferenceRequest, onOutcome: OnOutcome): void {
    const { bytes } = request.inputs[0]!;
    this.misplacedBy.push(addressOf(bytes) % 16);
    const floats = new Float32Array(Uint8Array.from(bytes).buffer);
    this.firstFloats.push(floats.every((value, place) => value === floats[0]! + place) ? floats[0]! : Number.NaN);
    super.infer(request, (outcome) => onOutcome(outcome.state === 'ok' ? { ...outcome, outputs: [] } : outcome));
  }
}

const message = (first: number): InferRequestMessage => {
  const bytes = new Uint8Array(Float32Array.from({ length: FLOATS }, (_, place) => first + place).buffer);
  const input = { name: 'INPUT0', dataType: 'FP32' as const, shape: [1, FLOATS], bytes };
  return { modelName: 'echo', modelVersion: '', id: `request ${first}`, inputs: [input], outputNames: [] };
};

async function askGrpc(address: string, trust: ChannelCredentials): Promise<void> {
  const client = new Client(address, trust);
  const same = (bytes: Buffer): Buffer => bytes;
  for (let request = 0; request < REQUESTS; request++) {
    const bytes = Buffer.from(encodeInferRequest(message(request)));
    await new Promise<void>((resolve, reject) => {
      client.makeUnaryRequest(grpcMethodPath('ModelInfer'), same, same, bytes, (error) =>
        error === null ? resolve() : reject(error),
      );
    });
  }
  client.close();
}

async function askHttp(port: number): Promise<void> {
  for (let request = 0; request < REQUESTS; request++) {
    const { body, jsonLength } = encodeHttpInferRequest(message(request));
    const headers = { [INFERENCE_HEADER_LENGTH]: String(jsonLength) };
    const url = `http://127.0.0.1:${port}/v2/models/echo/infer`;
    const response = await fetch(url, { method: 'POST', headers, body: Buffer.from(body) });
    expect(response.status).toBe(200);
    await response.arrayBuffer();
  }
}

describe('large inputs', () => {
  const model = () => new NotingModel();

  async function withFrontEnd(frontEnd: FrontEnd, ask: (port: number) => Promise<void>): Promise<void> {
    const port = await frontEnd.start();
    try {
      await ask(port);
    } finally {
      await frontEnd.close(AbortSignal.abort());
    }
  }

  const sent = Array.from({ length: REQUESTS }, (_, request) => request);

  it('of gRPC requests come to the model aligned, once one of their kind was seen', async () => {
    const noting = model();
    const frontEnd = createGrpcWireFrontEnd({ address: '127.0.0.1', port: 0 }, sourceOf(noting));
    await withFrontEnd(frontEnd, (port) => askGrpc(`127.0.0.1:${port}`, credentials.createInsecure()));
    expect(noting.firstFloats).toEqual(sent);
    expect(noting.misplacedBy.slice(1)).toEqual(sent.slice(1).fill(0));
  });

  it.skipIf(certificate === undefined)('of gRPC requests over TLS do so too', async () => {
    const noting = model();
    const tls = readTlsIdentity({
      grpcUseSsl: true,
      grpcUseSslMutual: false,
      grpcServerCert: certificate!.certificateFile,
      grpcServerKey: certificate!.keyFile,
      grpcRootCert: undefined,
    });
    const frontEnd = createGrpcWireFrontEnd({ address: '127.0.0.1', port: 0, tls }, sourceOf(noting));
    const trust = credentials.createSsl(await readFile(certificate!.certificateFile));
    await withFrontEnd(frontEnd, (port) => askGrpc(`localhost:${port}`, trust));
    expect(noting.firstFloats).toEqual(sent);
    expect(noting.misplacedBy.slice(1)).toEqual(sent.slice(1).fill(0));
  });

  it('of HTTP requests come to the model aligned behind a JSON of any length', async () => {
    const noting = model();
    const frontEnd = new HttpFrontEnd({ address: '127.0.0.1', port: 0, maxInputBytes: 2 ** 24 }, sourceOf(noting));
    await withFrontEnd(frontEnd, askHttp);
    expect(noting.firstFloats).toEqual(sent);
    expect(noting.misplacedBy).toEqual(sent.slice().fill(0));
  });
});
