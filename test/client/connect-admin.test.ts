import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { connectAdmin } from '../../src/client/connect-admin.js';
import { probeProtocol } from '../../src/client/probe-protocol.js';
import { isEndpoint } from '../../src/common/value-parsers.js';
import { startScriptedGrpcServer } from '../support/scripted-grpc-server.js';
import { startScriptedHttpServer } from '../support/scripted-http-server.js';
import type { ScriptedServer } from '../support/scripted-server.js';

describe('connectAdmin', () => {
  const open: { close(): unknown }[] = [];
  afterEach(async () => {
    for (const closable of open.splice(0).reverse()) await closable.close();
  });

  async function start(startServer: () => Promise<ScriptedServer>): Promise<string> {
    const server = await startServer();
    open.push(server);
    return server.endpoint;
  }

  async function listen(server: Server): Promise<string> {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    open.push(server);
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  it('finds out by itself which protocol a server speaks', async () => {
    for (const [startServer, protocol] of [
      [startScriptedGrpcServer, 'grpc'],
      [startScriptedHttpServer, 'http'],
    ] as const) {
      const endpoint = await start(startServer);
      const admin = await connectAdmin({ endpoint });
      open.push(admin);
      expect(admin).toMatchObject({ protocol, endpoint });
      expect((await admin.serverMetadata()).name).toBe('scripted');
    }
  });

  it('recognises an HTTP server that hangs up on an HTTP/2 greeting', async () => {
    const answer = (socket: Socket) => (bytes: Buffer) => {
      if (bytes.toString('latin1').startsWith('GET '))
        socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n');
      else socket.destroy();
    };
    const endpoint = await listen(createServer((socket) => socket.on('data', answer(socket))));
    expect(await probeProtocol(endpoint)).toEqual({ state: 'found', protocol: 'http' });
  });

  it('says which protocol a port speaks when another was asked for, and what to do', async () => {
    const grpc = await start(startScriptedGrpcServer);
    await expect(connectAdmin({ endpoint: grpc, protocol: 'http' })).rejects.toMatchObject({
      code: 'TARGET_UNREACHABLE',
      problems: [{ where: grpc, what: 'this port speaks gRPC, not HTTP', hint: expect.stringContaining('-i grpc') }],
    });
    const http = await start(startScriptedHttpServer);
    await expect(connectAdmin({ endpoint: http, protocol: 'grpc' })).rejects.toMatchObject({
      problems: [{ what: 'this port speaks HTTP, not gRPC', hint: expect.stringContaining('-i http') }],
    });
  });

  it('tells what was tried when nothing listens', async () => {
    const server = await startScriptedGrpcServer();
    await server.close();
    await expect(connectAdmin({ endpoint: server.endpoint })).rejects.toMatchObject({
      code: 'TARGET_UNREACHABLE',
      problems: [
        {
          where: server.endpoint,
          what: 'no server: connection refused',
          hint: expect.stringContaining('-u HOST:PORT'),
        },
      ],
    });
  });

  it('does not take a server of another kind for an inference server', async () => {
    const talker = await listen(
      createServer((socket) => socket.on('error', () => {}).end('220 mail.example ready for mail\r\n')),
    );
    await expect(connectAdmin({ endpoint: talker })).rejects.toMatchObject({
      code: 'TARGET_UNREACHABLE',
      problems: [{ what: expect.stringContaining('neither gRPC nor HTTP') }],
    });
    const web = await listen(createHttpServer((_request, response) => response.end('<html>hello</html>')));
    await expect(connectAdmin({ endpoint: web })).rejects.toMatchObject({
      code: 'TARGET_REFUSED',
      problems: [{ where: web }],
    });
  });

  it('refuses what is not HOST:PORT before it tries anything', async () => {
    await expect(connectAdmin({ endpoint: 'http://host' })).rejects.toMatchObject({
      code: 'BAD_OPTION',
      problems: [{ where: '-u' }],
    });
    expect(['a:1', 'a.b-c:65535', '127.0.0.1:80', '[::1]:8001'].filter((text) => !isEndpoint(text))).toEqual([]);
    expect(['', 'a', ':80', 'a:0', 'a:65536', '::1:80', 'a:80/x', 'a b:80'].filter(isEndpoint)).toEqual([]);
  });
});
