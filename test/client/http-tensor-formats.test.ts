/** --input-tensor-format and --output-tensor-format: what travels over HTTP, in every combination. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttpClient } from '../../src/client/http-client.js';
import type { RequestTemplate, TensorFormats } from '../../src/client/infer-client.js';
import { outcomeCodes } from '../../src/client/outcome.js';
import { encodeHttpInferResponse, INFERENCE_HEADER_LENGTH } from '../../src/kserve/http-codec.js';
import { decodeHttpInferRequest } from '../../src/kserve/http-request-decoder.js';
import type { InferInput, InferOutput, Tensor } from '../../src/kserve/tensor.js';

const bytesOf = (array: { readonly buffer: ArrayBufferLike }): Uint8Array =>
  new Uint8Array(array.buffer as ArrayBuffer);
const inputs: readonly InferInput[] = [
  { name: 'F', dataType: 'FP32', shape: [4], bytes: bytesOf(Float32Array.of(1, -0, 0.1, 3e38)) },
  { name: 'D', dataType: 'FP64', shape: [2], bytes: bytesOf(Float64Array.of(Math.PI, 5e-324)) },
  { name: 'L', dataType: 'INT64', shape: [2], bytes: bytesOf(BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n)) },
  { name: 'B', dataType: 'BOOL', shape: [2], bytes: Uint8Array.of(1, 0) },
  { name: 'S', dataType: 'BYTES', shape: [2], bytes: Uint8Array.of(2, 0, 0, 0, 0xc3, 0xbc, 1, 0, 0, 0, 0x22) },
];
const combinations: readonly TensorFormats[] = [
  { input: 'json', output: 'json' },
  { input: 'json', output: 'binary' },
  { input: 'binary', output: 'json' },
  { input: 'binary', output: 'binary' },
];

interface Seen {
  readonly contentType: string | undefined;
  readonly jsonLength: string | undefined;
  readonly isJson: boolean;
}

describe('an HTTP client', () => {
  const open: { close(): unknown }[] = [];
  afterEach(async () => {
    for (const closable of open.splice(0).reverse()) await closable.close();
  });

  /** Answers each request with its inputs, in the format that it asks for. */
  async function serveEcho(seen: Seen[]): Promise<string> {
    const server = createServer(async (message, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of message) chunks.push(chunk as Buffer);
      if (message.method === 'GET') return void response.end();
      const body = Buffer.concat(chunks);
      const jsonLength = message.headers[INFERENCE_HEADER_LENGTH] as string | undefined;
      const request = decodeHttpInferRequest(body, jsonLength === undefined ? undefined : Number(jsonLength));
      seen.push({ contentType: message.headers['content-type'], jsonLength, isJson: isJson(body) });
      const reply = { modelName: 'echo', modelVersion: '1', id: '', outputs: request.inputs };
      const answer = encodeHttpInferResponse(reply, request.binaryOutputs);
      if (answer.jsonLength !== undefined) response.setHeader(INFERENCE_HEADER_LENGTH, String(answer.jsonLength));
      response.end(answer.body);
    });
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    open.push({
      close() {
        server.closeAllConnections();
        server.close();
      },
    });
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  it.each(combinations)('sends and reads tensors unchanged: $input in, $output out', async (tensorFormats) => {
    const seen: Seen[] = [];
    const received: (readonly InferOutput[])[] = [];
    const outcomes: unknown[] = [];
    const client = await createHttpClient({
      endpoint: await serveEcho(seen),
      requestTimeoutMs: 5000,
      tensorFormats,
      onOutputs: (_, outputs) => received.push(outputs),
      onCompletion: (_tag, _at, outcome) => outcomes.push(outcome),
    });
    open.push(client);
    const template: RequestTemplate = { modelName: 'echo', modelVersion: '', inputs, outputNames: [] };
    const once = await client.inferOnce(template, 5000);
    client.send(client.prepare({ ...template, outputNames: inputs.map(({ name }) => name) }), 0);
    while (outcomes.length === 0) await new Promise((resume) => setTimeout(resume, 5));
    expect(outcomes).toEqual([outcomeCodes.ok]);
    for (const outputs of [once, received[0]!]) expect(outputs.map(contentOf)).toEqual(inputs.map(contentOf));
    const isJsonIn = tensorFormats.input === 'json';
    for (const { contentType, jsonLength, isJson: isAllJson } of seen) {
      expect(contentType).toBe(isJsonIn ? 'application/json' : 'application/octet-stream');
      expect(jsonLength === undefined).toBe(isJsonIn);
      expect(isAllJson).toBe(isJsonIn);
    }
  });

  it.each([
    { name: 'H', dataType: 'FP16', shape: [1], bytes: Uint8Array.of(0, 0x3c) },
    { name: 'S', dataType: 'BYTES', shape: [1], bytes: Uint8Array.of(1, 0, 0, 0, 0xff) },
  ] satisfies Tensor[])('refuses what JSON cannot carry: $dataType', async (input) => {
    const client = await createHttpClient({
      endpoint: await serveEcho([]),
      requestTimeoutMs: 5000,
      tensorFormats: { input: 'json', output: 'json' },
      onCompletion: () => undefined,
    });
    open.push(client);
    const template = { modelName: 'echo', modelVersion: '', inputs: [input], outputNames: [] };
    expect(() => client.prepare(template)).toThrow(/--input-tensor-format json: .*send it as binary/);
  });
});

const contentOf = ({ name, dataType, shape, bytes }: Tensor) => ({ name, dataType, shape, bytes: [...bytes] });

function isJson(body: Buffer): boolean {
  try {
    JSON.parse(body.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}
