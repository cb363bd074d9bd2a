import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createSecureServer, createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, connect, createServer as createPlainServer } from 'node:net';
import { dirname, join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { collectFrom, endOf, requestOf } from '../../support/collected-client.js';
import { startContractEngine } from '../../support/contract-engine.js';
import { prefixed, sampleResponse } from '../../support/raw-grpc-server.js';
import { makeTemporaryFolder } from '../../support/temporary-folder.js';
import { makeTestCertificate } from '../../support/test-certificate.js';

/** Answers every request with the sample response once its last byte is there. */
function answer(stream: ServerHttp2Stream): void {
  stream.on('error', () => {});
  stream.resume();
  stream.on('end', () => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(prefixed(sampleResponse));
  });
}

async function listen(server: Http2Server, host = '127.0.0.1'): Promise<number> {
  server.on('stream', answer);
  server.on('sessionError', () => {});
  server.listen(0, host);
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function sendAll(endpoint: string, count: number, byteCount: number): Promise<string[]> {
  const { client, send, ended, completions } = await collectFrom(endpoint);
  send(count, requestOf(byteCount));
  await ended(count);
  await client.close();
  return [...new Set(completions.map(endOf))];
}

describe('the wire-level client and a server on node:http2', () => {
  it('agree on small and large requests', async () => {
    const port = await listen(createServer());
    expect(await sendAll(`127.0.0.1:${port}`, 500, 64)).toEqual(['ok']);
    expect(await sendAll(`127.0.0.1:${port}`, 20, 300_000)).toEqual(['ok']);
  });

  it('agree under strict settings of the server', async () => {
    const settings = { maxConcurrentStreams: 2, headerTableSize: 0, initialWindowSize: 777 };
    const port = await listen(createServer({ settings }));
    expect(await sendAll(`127.0.0.1:${port}`, 30, 5000)).toEqual(['ok']);
  });

  it('find each other by host name and by IPv6 address', async () => {
    const port = await listen(createServer(), 'localhost');
    expect(await sendAll(`localhost:${port}`, 2, 64)).toEqual(['ok']);
    const ports = await listen(createServer(), '::1').catch(() => undefined);
    if (ports !== undefined) expect(await sendAll(`[::1]:${ports}`, 2, 64)).toEqual(['ok']);
  });
});

const certificate = makeTestCertificate();
afterAll(() => certificate?.remove());

describe.skipIf(certificate === undefined)('the wire-level client over TLS', () => {
  const files = { rootCertificatesFile: certificate?.certificateFile ?? '' };
  const secrets = async () => ({
    cert: await readFile(certificate!.certificateFile),
    key: await readFile(certificate!.keyFile),
  });

  it('agrees on HTTP/2 and checks the certificate', async () => {
    const port = await listen(createSecureServer(await secrets()));
    for (const host of ['localhost', '127.0.0.1']) {
      const { send, ended, completions } = await collectFrom(`${host}:${port}`, { tls: files });
      send(50, requestOf(40_000));
      await ended(50);
      expect(completions.every((completion) => endOf(completion) === 'ok')).toBe(true);
    }
    await expect(collectFrom(`localhost:${port}`, { tls: {} })).rejects.toMatchObject({ code: 'TARGET_UNREACHABLE' });
    const unchecked = await collectFrom(`localhost:${port}`, { tls: { verifiesPeer: false } });
    expect(await unchecked.sendOne()).toBe('ok');
  });

  it('shows its own certificate to a server that asks for one', async () => {
    const asking = { ...(await secrets()), requestCert: true, rejectUnauthorized: true, ca: (await secrets()).cert };
    const port = await listen(createSecureServer(asking));
    const tls = { ...files, certificateChainFile: certificate!.certificateFile, privateKeyFile: certificate!.keyFile };
    const { sendOne } = await collectFrom(`localhost:${port}`, { tls });
    expect(await sendOne()).toBe('ok');
    await expect(collectFrom(`localhost:${port}`, { tls: files })).rejects.toMatchObject({
      code: 'TARGET_UNREACHABLE',
    });
  });

  it('minds a name that is not in the certificate, unless told not to', async () => {
    const port = await listen(createSecureServer(await secrets()), '127.0.0.2');
    const named = collectFrom(`127.0.0.2:${port}`, { tls: files });
    await expect(named).rejects.toMatchObject({ code: 'TARGET_UNREACHABLE' });
    const { sendOne } = await collectFrom(`127.0.0.2:${port}`, { tls: { ...files, verifiesHost: false } });
    expect(await sendOne()).toBe('ok');
  });

  it('says that a server does not offer HTTP/2', async () => {
    const server = createTlsServer(await secrets(), (socket) => socket.on('error', () => {}));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.close();
    });
    const failed = collectFrom(`127.0.0.1:${(server.address() as AddressInfo).port}`, { tls: files });
    await expect(failed).rejects.toMatchObject({ message: expect.stringContaining('does not offer HTTP/2') });
  });

  it('names every file that cannot be read', async () => {
    const tls = { rootCertificatesFile: '/nowhere/ca.pem', privateKeyFile: '/nowhere/key.pem' };
    await expect(collectFrom('localhost:1', { tls })).rejects.toMatchObject({
      code: 'BAD_FILE',
      problems: [{ where: '/nowhere/ca.pem' }, { where: '/nowhere/key.pem' }],
    });
  });
});

const hasNghttpd = spawnSync('nghttpd', ['--version']).status === 0;

describe.skipIf(!hasNghttpd)('the wire-level client and nghttpd', () => {
  it('agree on small and large requests', async () => {
    const folder = await makeTemporaryFolder();
    const file = join(folder, 'inference.GRPCInferenceService', 'ModelInfer');
    await mkdir(dirname(file));
    await writeFile(file, prefixed(sampleResponse));
    const port = await freePort();
    const args = ['--no-tls', '-a', '127.0.0.1', '-d', folder, '--trailer=grpc-status: 0', String(port)];
    const server = spawn('nghttpd', args, { stdio: 'ignore' });
    onTestFinished(() => {
      server.kill();
    });
    while (!(await canConnect(port))) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await sendAll(`127.0.0.1:${port}`, 2000, 64)).toEqual(['ok']);
    expect(await sendAll(`127.0.0.1:${port}`, 20, 300_000)).toEqual(['ok']);
  });
});

async function freePort(): Promise<number> {
  const server = createPlainServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const canConnect = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });

describe('the wire-level client and the engine', () => {
  it('agree on requests, answers and refusals', async () => {
    const engine = await startContractEngine();
    onTestFinished(async () => {
      await engine.close();
    });
    const endpoint = `127.0.0.1:${engine.grpcPort}`;
    const { client, sendOne } = await collectFrom(endpoint);
    const request = (size: number) => {
      const { inputs, ...rest } = requestOf(size, 'identity_uint8');
      return { ...rest, inputs: inputs.map((input) => ({ ...input, name: 'INPUT0', shape: [1, size] })) };
    };
    expect(await sendOne(request(64))).toBe('ok');
    expect(await sendOne(request(300_000))).toBe('ok');
    const [output] = await client.inferOnce(request(300_000), 5000);
    expect(Buffer.from(output!.bytes).equals(request(300_000).inputs[0]!.bytes)).toBe(true);
    expect(await sendOne(requestOf(4, 'nobody'))).toMatch(/^NOT_FOUND|^INVALID_ARGUMENT/);
  });
});
