import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { HttpFrontEnd } from '../../../engine/frontend/http-front-end.js';
import { parseOrigin } from '../../../engine/frontend/http-origin.js';
import { packageVersion } from '../../../src/common/package-root.js';
import { decodeHttpInferResponse, encodeHttpInferRequest } from '../../../src/kserve/http-codec.js';
import { FakeModel, sourceOf } from '../../support/fake-model.js';

const never = new AbortController().signal;
const MAX_INPUT_BYTES = 100_000;

let open: HttpFrontEnd[] = [];
afterEach(async () => {
  const over = AbortSignal.abort();
  await Promise.all(open.map((frontEnd) => frontEnd.close(over)));
  open = [];
});

async function serve(...models: FakeModel[]): Promise<{ url: string; frontEnd: HttpFrontEnd; port: number }> {
  return serveTo([], ...models);
}

async function serveTo(allowedOrigins: readonly string[], ...models: FakeModel[]) {
  const options = { address: '127.0.0.1', port: 0, maxInputBytes: MAX_INPUT_BYTES, allowedOrigins };
  const frontEnd = new HttpFrontEnd(options, sourceOf(...models));
  open.push(frontEnd);
  const port = await frontEnd.start();
  return { url: `http://127.0.0.1:${port}`, frontEnd, port };
}

type Body = NonNullable<RequestInit['body']>;

const input = { name: 'INPUT0', datatype: 'FP32', shape: [1, 2], data: [1.5, -2] };

async function post(
  url: string,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<{ status: number; document: unknown }> {
  const response = await fetch(url, { method: 'POST', body: body as Body, headers });
  return { status: response.status, document: await response.json() };
}

const until = async (isTrue: () => boolean): Promise<void> => {
  while (!isTrue()) await new Promise((resolve) => setImmediate(resolve));
};

describe('requests of web pages', () => {
  const paths = ['/v2', '/v2/health/ready', '/v2/repository/index', '/v2/models/echo/infer', '/v2/logging', '/nothing'];

  it.each(['https://example.com', 'http://127.0.0.1:8000', 'null', ''])(
    'from %j are refused everywhere',
    async (origin) => {
      const { url } = await serve(new FakeModel());
      for (const path of paths) {
        const answer = await fetch(url + path, { method: 'POST', body: '{}', headers: { origin } });
        expect([path, answer.status, await answer.text()]).toEqual([
          path,
          403,
          expect.stringContaining('--http-allowed-origin'),
        ]);
      }
    },
  );

  it('are answered from origins that are allowed, and others are not', async () => {
    const { url } = await serveTo(['https://example.com'], new FakeModel());
    const statusOf = async (origin: string) => (await fetch(`${url}/v2`, { headers: { origin } })).status;
    expect(await statusOf('https://example.com')).toBe(200);
    expect(await statusOf('https://example.com.evil.org')).toBe(403);
    const open = await serveTo(['*'], new FakeModel());
    expect((await fetch(`${open.url}/v2`, { headers: { origin: 'null' } })).status).toBe(200);
  });

  it.each([
    ['https://example.com', 'https://example.com'],
    ['http://localhost:3000/', 'http://localhost:3000'],
    ['*', '*'],
  ])('may be allowed by %j', (text, origin) => expect(parseOrigin(text)).toBe(origin));

  it.each(['example.com', 'https://example.com/page', 'file:///x', '', 'null', 'javascript:1'])(
    'cannot be allowed by %j, which is no origin',
    (text) => expect(() => parseOrigin(text)).toThrow('must be an origin such as'),
  );
});

describe('the HTTP front end', () => {
  it('names itself, its version and only the extensions it has', async () => {
    const { url } = await serve();
    expect(await (await fetch(`${url}/v2`)).json()).toEqual({
      name: 'perf-ts',
      version: packageVersion,
      extensions: [
        'classification',
        'model_repository',
        'schedule_policy',
        'model_configuration',
        'binary_tensor_data',
        'parameters',
        'statistics',
        'trace',
        'logging',
      ],
    });
  });

  it.each([
    ['/v2/health/live', 200],
    ['/v2/health/ready', 200],
    ['/v2/models/echo/ready', 200],
    ['/v2/models/echo/versions/1/ready', 200],
    ['/v2/models/echo/versions/9/ready', 400],
    ['/v2/models/nope/ready', 400],
    ['/v2/models/nope', 404],
    ['/v2/models/nope/config', 404],
    ['/v2/models/nope/stats', 400],
    ['/v2/nothing', 404],
    ['/v2/models/echo/infer', 405],
  ])('answers GET %s with %i', async (path, status) => {
    const { url } = await serve(new FakeModel());
    expect((await fetch(url + path)).status).toBe(status);
  });

  it('gives metadata with every served version, the full config and statistics', async () => {
    const { url } = await serve(new FakeModel({ version: '1' }), new FakeModel({ version: '2' }));
    expect(await (await fetch(`${url}/v2/models/echo`)).json()).toMatchObject({ name: 'echo', versions: ['1', '2'] });
    expect(await (await fetch(`${url}/v2/models/echo/config`)).json()).toMatchObject({
      max_batch_size: 8,
      backend: '',
    });
    const all = (await (await fetch(`${url}/v2/models/stats`)).json()) as { model_stats: { version: string }[] };
    expect(all.model_stats.map(({ version }) => version)).toEqual(['1', '2']);
    expect((await post(`${url}/v2/repository/index`, '')).document).toEqual([
      { name: 'echo', version: '1', state: 'READY' },
      { name: 'echo', version: '2', state: 'READY' },
    ]);
  });

  it('infers from JSON to JSON', async () => {
    const { url } = await serve(new FakeModel());
    const answer = await post(`${url}/v2/models/echo/infer`, JSON.stringify({ id: '7', inputs: [input] }));
    expect(answer).toEqual({
      status: 200,
      document: {
        id: '7',
        model_name: 'echo',
        model_version: '1',
        outputs: [{ name: 'OUTPUT0', datatype: 'FP32', shape: [1, 2], data: [1.5, -2] }],
      },
    });
  });

  it('infers from binary to binary, packed or not', async () => {
    const { url } = await serve(new FakeModel());
    const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const tensor = { name: 'INPUT0', dataType: 'FP32', shape: [1, 2], bytes } as const;
    const message = { modelName: 'echo', modelVersion: '', id: '', inputs: [tensor], outputNames: [] };
    const { body, jsonLength } = encodeHttpInferRequest(message);
    const headers = { 'inference-header-content-length': String(jsonLength) };
    for (const [sent, encoding] of [
      [body, 'identity'],
      [gzipSync(body), 'gzip'],
    ] as const) {
      const response = await fetch(`${url}/v2/models/echo/infer`, {
        method: 'POST',
        body: sent as Body,
        headers: { ...headers, 'content-encoding': encoding },
      });
      const length = Number(response.headers.get('inference-header-content-length'));
      const decoded = decodeHttpInferResponse(new Uint8Array(await response.arrayBuffer()), length);
      expect([...decoded.outputs[0]!.bytes]).toEqual([...bytes]);
    }
  });

  it("answers a model's refusal with the status that belongs to it", async () => {
    const model = new FakeModel({ isHeld: true });
    const { url } = await serve(model);
    const answer = post(`${url}/v2/models/echo/infer`, JSON.stringify({ inputs: [input] }));
    await until(() => model.held.length === 1);
    model.release({ state: 'failed', failure: { status: 'UNAVAILABLE', message: 'queue full' } });
    expect(await answer).toEqual({ status: 503, document: { error: 'queue full' } });
  });

  it.each([
    ['malformed JSON', '{"inputs":[', {}, 500],
    ['a header beyond the body', '{}', { 'inference-header-content-length': '3' }, 400],
    ['a negative header', '{}', { 'inference-header-content-length': '-3' }, 400],
    ['an unknown encoding', '{}', { 'content-encoding': 'br' }, 501],
    ['bytes that are no gzip', '{}', { 'content-encoding': 'gzip' }, 400],
    ['a body over the limit', 'x'.repeat(MAX_INPUT_BYTES + 1), {}, 413],
    [
      'a body over the limit once unpacked',
      gzipSync(Buffer.alloc(MAX_INPUT_BYTES + 1)),
      { 'content-encoding': 'gzip' },
      413,
    ],
  ])('refuses %s and goes on', async (_, body, headers, status) => {
    const { url } = await serve(new FakeModel());
    const answer = await post(`${url}/v2/models/echo/infer`, body, headers);
    expect(answer).toEqual({ status, document: { error: expect.any(String) } });
    expect((await fetch(`${url}/v2/health/live`)).status).toBe(200);
  });

  it('refuses a body of unknown length once it passes the limit', async () => {
    const { port } = await serve(new FakeModel());
    const socket = connect(port, '127.0.0.1');
    const chunk = `8000\r\n${'x'.repeat(0x8000)}\r\n`;
    socket.write(
      `POST /v2/models/echo/infer HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${chunk.repeat(4)}0\r\n\r\n`,
    );
    let answer = '';
    for await (const text of socket.setEncoding('utf8')) answer += text as string;
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('marks a request as cancelled once its caller has gone', async () => {
    const model = new FakeModel({ isHeld: true });
    const { url } = await serve(model);
    const caller = new AbortController();
    const body = JSON.stringify({ inputs: [input] });
    const answer = fetch(`${url}/v2/models/echo/infer`, { method: 'POST', body, signal: caller.signal });
    await until(() => model.held.length === 1);
    const { request } = model.held[0]!;
    expect(request.isCancelled()).toBe(false);
    caller.abort();
    await expect(answer).rejects.toThrow();
    await until(() => request.isCancelled());
    model.release();
  });

  it('answers what it has accepted before it closes, and takes nothing more', async () => {
    const model = new FakeModel({ isHeld: true });
    const { url, frontEnd } = await serve(model);
    const answer = post(`${url}/v2/models/echo/infer`, JSON.stringify({ inputs: [input] }));
    await until(() => model.held.length === 1);
    const closed = frontEnd.close(never);
    await expect(fetch(`${url}/v2/health/live`, { headers: { connection: 'close' } })).rejects.toThrow();
    model.release();
    expect((await answer).status).toBe(200);
    await closed;
  });

  it('answers what is not done by the deadline with 503', async () => {
    const model = new FakeModel({ isHeld: true });
    const { url, frontEnd } = await serve(model);
    const answer = post(`${url}/v2/models/echo/infer`, JSON.stringify({ inputs: [input] }));
    await until(() => model.held.length === 1);
    await frontEnd.close(AbortSignal.abort());
    expect(await answer).toEqual({ status: 503, document: { error: expect.any(String) } });
  });

  it('says which flag to change when its port is in use', async () => {
    const { port } = await serve();
    const second = new HttpFrontEnd({ address: '127.0.0.1', port, maxInputBytes: 1 }, sourceOf());
    await expect(second.start()).rejects.toMatchObject({
      code: 'BAD_OPTION',
      problems: [{ where: '--http-port', what: `port ${port} on 127.0.0.1 is already in use` }],
    });
  });
});

describe('requests that come one behind the other', () => {
  it('are answered in their order, whatever kind they are', async () => {
    const { port } = await serve(new FakeModel());
    const post = (path: string, body: string, more = ''): string =>
      `POST ${path} HTTP/1.1\r\nHost: x\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`;
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.setEncoding('latin1').on('data', (piece: string) => {
      text += piece;
    });
    const raw = 'Inference-Header-Content-Length: 0\r\n';
    for (let round = 0; round < 20; round++) {
      socket.write(post('/v2/models/echo/infer', JSON.stringify({ id: `i${round}`, inputs: [input] })));
      socket.write(post('/v2/models/echo/generate', `{"id":"g${round}","INPUT0":[1,2]}`));
      socket.write(post('/v2/models/nope/generate', '{}'));
    }
    socket.write(post('/v2/models/echo/infer', '[', `${raw}Connection: close\r\n`));
    await new Promise((resolve) => socket.once('close', resolve));
    const statuses = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
    expect(statuses).toEqual([...Array.from({ length: 20 }, () => ['200', '200', '404']).flat(), '400']);
    const ids = [...text.matchAll(/"id":"([ig]\d+)"/g)].map(([, id]) => id);
    expect(ids).toEqual(Array.from({ length: 20 }, (_, round) => [`i${round}`, `g${round}`]).flat());
  });
});
