/** One gRPC server with a canned answer, in a process of its own: `canned-server.mjs KIND ANSWER`, a number of bytes or base64. */
import { Buffer } from 'node:buffer';
import { createServer } from 'node:http2';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { GrpcWireServer } from '../../dist/engine/frontend/grpc-wire/grpc-wire-server.js';

const [kind, content] = process.argv.slice(2);
const answer = /^\d+$/.test(content) ? Buffer.alloc(Number(content), 7) : Buffer.from(content, 'base64');
const path = '/inference.GRPCInferenceService/ModelInfer';
const STREAM_WINDOW_BYTES = 4 * 2 ** 20;

function startOwn(limits) {
  const invoke = (_bytes, _start, _end, reply) => reply.succeed(answer);
  const methods = new Map([[path, { isStreaming: false, keepsRequest: false, invoke }]]);
  return new GrpcWireServer({ address: '127.0.0.1', port: 0, methods, limits }).start();
}

const starters = {
  own: () => startOwn({}),
  /** Gathers large requests by copying them from the socket's buffer. */
  'own-copying': () => startOwn({ smallestDirectReadBytes: Number.POSITIVE_INFINITY }),
  /** Bytes pass through, as in the engine's first front end. Its windows are Node's; the library has no option for them. */
  'grpc-js'() {
    const same = (bytes) => bytes;
    const server = new Server();
    const definition = {
      path,
      requestStream: false,
      responseStream: false,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    };
    server.addService({ infer: definition }, { infer: (_call, done) => done(null, answer) });
    return new Promise((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(port),
      );
    });
  },
  http2() {
    const message = Buffer.concat([Buffer.from([0, 0, 0, 0, 0]), answer]);
    message.writeUInt32BE(answer.length, 1);
    const server = createServer({ settings: { initialWindowSize: STREAM_WINDOW_BYTES } });
    server.on('session', (session) => session.setLocalWindowSize(STREAM_WINDOW_BYTES));
    server.on('stream', (stream) => {
      stream.on('data', () => undefined);
      stream.on('end', () => {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.end(message);
      });
    });
    return new Promise((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve(server.address().port));
    });
  },
};

const port = await starters[kind]();
process.send({ port });
process.on('message', () => process.send({ cpu: process.cpuUsage(), rssBytes: process.memoryUsage().rss }));
process.on('disconnect', () => process.exit(0));
