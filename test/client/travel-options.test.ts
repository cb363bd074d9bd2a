/** What a server sees of headers, parameters and compression, whichever client sends. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { gunzipSync, inflateSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { inferClients } from '../../src/client/create-infer-client.js';
import type { ClientKind, Compression, RequestTemplate } from '../../src/client/infer-client.js';
import { outcomeCodes } from '../../src/client/outcome.js';
import { encodeHttpInferResponse, INFERENCE_HEADER_LENGTH } from '../../src/kserve/http-codec.js';
import { decodeHttpInferRequest } from '../../src/kserve/http-request-decoder.js';
import { decodeInferRequest, encodeInferResponse } from '../../src/kserve/infer-codec.js';
import type { InferOutput, RequestParameters } from '../../src/kserve/tensor.js';

interface Seen {
  readonly headers: IncomingHttpHeaders;
  readonly parameters: RequestParameters | undefined;
}

const unfold = (encoding: unknown, body: Buffer): Buffer =>
  encoding === 'gzip' ? gunzipSync(body) : encoding === 'deflate' ? inflateSync(body) : body;

const request: RequestTemplate = {
  modelName: 'echo',
  modelVersion: '',
  inputs: [{ name: 'IN', dataType: 'INT32', shape: [256], bytes: new Uint8Array(1024).fill(7) }],
  outputNames: [],
  parameters: { priority: 2, timeout: 5000, note: 'x', isDry: true },
};

describe('what a server sees', () => {
  const open: { close(): unknown }[] = [];
  afterEach(async () => {
    for (const closable of open.splice(0).reverse()) await closable.close();
  });

  async function serveHttp(seen: Seen[], isGarbage = false): Promise<string> {
    const server = createServer(async (message, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of message) chunks.push(chunk as Buffer);
      if (message.method === 'GET') return void response.end();
      const body = unfold(message.headers['content-encoding'], Buffer.concat(chunks));
      const { inputs, parameters } = decodeHttpInferRequest(body, Number(message.headers[INFERENCE_HEADER_LENGTH]));
      seen.push({ headers: message.headers, parameters });
      const answer = encodeHttpInferResponse({ modelName: 'echo', modelVersion: '', id: '', outputs: inputs });
      response.setHeader(INFERENCE_HEADER_LENGTH, String(answer.jsonLength));
      return void response.end(isGarbage ? 'garbage' : answer.body);
    });
    return listen(server);
  }

  async function serveGrpc(seen: Seen[]): Promise<string> {
    const server = createHttp2Server();
    server.on('stream', async (stream, headers) => {
      stream.on('error', () => undefined);
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(chunk as Buffer);
      const whole = Buffer.concat(chunks);
      const message = whole[0] === 1 ? unfold(headers['grpc-encoding'], whole.subarray(5)) : whole.subarray(5);
      const { inputs, parameters } = decodeInferRequest(message);
      seen.push({ headers: headers as IncomingHttpHeaders, parameters });
      const outputs = inputs.map((input) => ({ ...input, bytes: new Uint8Array(input.bytes) }));
      const answer = encodeInferResponse({ modelName: 'echo', modelVersion: '', id: '', outputs });
      const prefix = Buffer.alloc(5);
      prefix.writeUInt32BE(answer.byteLength, 1);
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.concat([prefix, answer]));
    });
    return listen(server);
  }

  async function listen(server: ReturnType<typeof createServer> | ReturnType<typeof createHttp2Server>) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    open.push({ close: () => server.close() });
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** Sends once; returns how it ended, and the outputs that were told. */
  async function send(kind: ClientKind, endpoint: string, compression: Compression = 'none') {
    const told: (readonly InferOutput[])[] = [];
    const ended = withResolvers<readonly [number, string | undefined]>();
    const client = await inferClients[kind]({
      endpoint,
      requestTimeoutMs: 5000,
      headers: { authorization: 'Bearer secret', 'x-note': 'a b' },
      compression,
      onCompletion: (_tag, _received, outcome, cause) => ended.resolve([outcome, cause]),
      onOutputs: (_handle, outputs) => told.push(outputs),
    });
    open.push(client);
    client.send(client.prepare(request), 1);
    return { ended: await ended.promise, told };
  }

  it.each([
    ['grpc-wire', 'none'],
    ['grpc-js', 'none'],
    ['grpc-js', 'gzip'],
    ['grpc-js', 'deflate'],
    ['grpc-js-new-channel', 'gzip'],
    ['http', 'none'],
    ['http', 'gzip'],
    ['http', 'deflate'],
  ] as const)('from %s with compression %s: headers, parameters and the whole request', async (kind, compression) => {
    const seen: Seen[] = [];
    const endpoint = await (kind === 'http' ? serveHttp(seen) : serveGrpc(seen));
    const { ended, told } = await send(kind, endpoint, compression);
    expect(ended).toEqual([outcomeCodes.ok, undefined]);
    expect(told).toHaveLength(1);
    expect(told[0]![0]).toMatchObject({ name: 'IN', shape: [256] });
    expect(Buffer.compare(told[0]![0]!.bytes, request.inputs[0]!.bytes)).toBe(0);
    const [{ headers, parameters }] = seen as [Seen];
    expect(headers).toMatchObject({ authorization: 'Bearer secret', 'x-note': 'a b' });
    expect({ ...parameters }).toMatchObject(request.parameters!);
    const encoding = headers[kind === 'http' ? 'content-encoding' : 'grpc-encoding'];
    expect(encoding ?? 'identity').toBe(compression === 'none' ? 'identity' : compression);
  });

  it('counts an answer that cannot be read as an error, where it is to be read', async () => {
    const endpoint = await serveHttp([], true);
    const { ended, told } = await send('http', endpoint);
    expect(ended).toEqual([outcomeCodes.error, 'INTERNAL: malformed answer']);
    expect(told).toEqual([]);
  });

  it.each(['grpc-wire', 'grpc-js', 'http'] as const)('never a header that is the protocol’s own (%s)', async (kind) => {
    const endpoint = await (kind === 'http' ? serveHttp([]) : serveGrpc([]));
    const headers = { 'content-length': '1', 'transfer-encoding': 'x' };
    const made = inferClients[kind]({ endpoint, requestTimeoutMs: 1000, headers, onCompletion: () => undefined });
    await expect(made).rejects.toMatchObject({ code: 'BAD_OPTION', problems: [{}, {}] });
  });
});

function withResolvers<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
