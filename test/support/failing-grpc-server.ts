/**
 * A gRPC server on node:http2 that answers the echo model until it is told to fail: it dies, answers garbage, resets
 * streams, hangs up or hangs. Everything else, as metadata, it answers as long as it lives.
 */
import { once } from 'node:events';
import { createServer, type Http2Session, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { type AdminMethod, decodeAdminRequest, encodeAdminResponse } from '../../src/kserve/admin-codec.js';
import { decodeInferRequest, encodeInferResponse } from '../../src/kserve/infer-codec.js';
import { statusCodes } from '../../src/kserve/status.js';
import { echoFacts, serverFacts } from './scripted-server.js';

export type Fault =
  /** No bytes of a message: HTTP's own 200 and text. */
  | 'garbage'
  /** A message of the right length that is no ModelInferResponse. */
  | 'malformed-message'
  | 'reset-streams'
  /** Ends the connection at every request. */
  | 'hang-up'
  | 'hang'
  /** Ends every connection and listens no more. */
  | 'die';

export interface FailingServer {
  readonly endpoint: string;
  fail(fault: Fault): void;
  close(): Promise<void>;
}

const PREFIX_BYTES = 5;

function frame(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** Listens on a free port of the loopback. */
export async function startFailingServer(): Promise<FailingServer> {
  const server = createServer();
  const sessions = new Set<Http2Session>();
  let fault: Fault | undefined;
  const cut = (): void => {
    for (const session of sessions) session.destroy();
  };
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => undefined);
    session.on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      const message = Buffer.concat(chunks).subarray(PREFIX_BYTES);
      const method = methodOf(headers);
      if (method !== 'ModelInfer') answerAdmin(stream, method, message);
      else if (fault === undefined) answer(stream, echo(message));
      else answerWrongly(stream, fault);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `127.0.0.1:${port}`,
    fail(next) {
      fault = next;
      if (next !== 'die') return;
      server.close();
      cut();
    },
    async close() {
      if (server.listening) server.close();
      cut();
    },
  };
}

const methodOf = (headers: IncomingHttpHeaders): string => String(headers[':path']).split('/').at(-1) ?? '';

function echo(message: Buffer): Uint8Array {
  const { modelName, modelVersion, id, inputs } = decodeInferRequest(message);
  return encodeInferResponse({ modelName, modelVersion, id, outputs: inputs });
}

function answer(stream: ServerHttp2Stream, message: Uint8Array): void {
  if (stream.destroyed) return;
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(frame(message));
}

function refuse(stream: ServerHttp2Stream, code: number, details: string): void {
  stream.respond(
    { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': String(code), 'grpc-message': details },
    { endStream: true },
  );
}

function answerWrongly(stream: ServerHttp2Stream, fault: Fault): void {
  if (stream.destroyed) return;
  switch (fault) {
    case 'garbage':
      stream.respond({ ':status': 200, 'content-type': 'text/html' });
      stream.end('<html>It works!</html>');
      break;
    case 'malformed-message':
      answer(stream, Buffer.from([0xff, 0xff, 0xff, 0xff]));
      break;
    case 'reset-streams':
      stream.close(2);
      break;
    case 'hang-up':
      stream.session?.destroy();
      break;
    default:
      break;
  }
}

function answerAdmin(stream: ServerHttp2Stream, method: string, message: Buffer): void {
  const answers: Partial<Record<AdminMethod, () => Uint8Array>> = {
    ServerLive: () => encodeAdminResponse('ServerLive', { live: true }),
    ServerReady: () => encodeAdminResponse('ServerReady', { ready: true }),
    ServerMetadata: () => encodeAdminResponse('ServerMetadata', { ...serverFacts, extensions: [] }),
    ModelReady: () => encodeAdminResponse('ModelReady', { ready: true }),
    ModelMetadata: () => {
      decodeAdminRequest('ModelMetadata', message);
      return encodeAdminResponse('ModelMetadata', echoFacts.metadata);
    },
  };
  const make = answers[method as AdminMethod];
  if (make === undefined) refuse(stream, statusCodes.UNIMPLEMENTED, 'not here');
  else answer(stream, make());
}
