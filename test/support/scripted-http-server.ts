/** The scripted server over HTTP, on node:http. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { encodeHttpInferResponse, INFERENCE_HEADER_LENGTH } from '../../src/kserve/http-codec.js';
import { decodeHttpInferRequest } from '../../src/kserve/http-request-decoder.js';
import { httpStatusOf } from '../../src/kserve/status.js';
import { answerOf, echoFacts, type StartScriptedServer, serverFacts } from './scripted-server.js';

export const startScriptedHttpServer: StartScriptedServer = async ({ hasExtensions = true } = {}) => {
  let received = 0;
  const server = createServer((request, response) => {
    const [, model, rest = ''] = /^\/v2\/models\/([^/]+)(?:\/versions\/[^/]+)?(\/.*)?$/.exec(request.url ?? '') ?? [];
    if (model === undefined) {
      answerServer(request.url ?? '', response);
    } else if (rest === '/infer') {
      received++;
      void readBody(request).then((body) => infer(decodeURIComponent(model), request, body, response));
    } else {
      answerModel(model, rest, hasExtensions, response);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  const { port } = server.address() as AddressInfo;
  return { endpoint: `127.0.0.1:${port}`, received: () => received, vanish: close, close };
};

function infer(model: string, request: IncomingMessage, body: Buffer, response: ServerResponse): void {
  const { inputs, outputNames, id } = decodeHttpInferRequest(body, Number(request.headers[INFERENCE_HEADER_LENGTH]));
  const answer = answerOf({ modelName: model, modelVersion: '', id, inputs, outputNames });
  if (answer.kind === 'refuse') sendJson(response, httpStatusOf(answer.status), { error: answer.message });
  if (answer.kind !== 'answer') return;
  const encoded = encodeHttpInferResponse(answer.response);
  response.setHeader(INFERENCE_HEADER_LENGTH, String(encoded.jsonLength));
  response.end(encoded.body);
}

function answerServer(url: string, response: ServerResponse): void {
  if (url === '/v2') sendJson(response, 200, serverFacts);
  else response.writeHead(url.startsWith('/v2/health/') ? 200 : 404).end();
}

function answerModel(model: string, rest: string, hasExtensions: boolean, response: ServerResponse): void {
  const extensions: Readonly<Record<string, unknown>> = { '/config': echoFacts.config, '/stats': echoFacts.statistics };
  const facts: Readonly<Record<string, unknown>> = {
    '': echoFacts.metadata,
    '/ready': {},
    ...(hasExtensions ? extensions : {}),
  };
  if (model === 'echo' && facts[rest] !== undefined) sendJson(response, 200, facts[rest]);
  else sendJson(response, 404, { error: `Request for unknown model: '${model}' is not found` });
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
