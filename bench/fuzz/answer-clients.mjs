/** The three ways to ask for an inference; each resolves with the outputs, or rejects with what the server said. */
import { Buffer } from 'node:buffer';
import { Client, credentials } from '@grpc/grpc-js';
import { Agent, request } from 'undici';
import { grpcMethodPath } from '../../dist/src/kserve/grpc-service.js';
import { decodeHttpInferResponse, encodeHttpInferRequest } from '../../dist/src/kserve/http-codec.js';
import {
  decodeInferResponse,
  decodeStreamInferMessage,
  encodeInferRequest,
} from '../../dist/src/kserve/infer-codec.js';

const same = (bytes) => bytes;
const encode = (message) => Buffer.from(encodeInferRequest(message));

function checkId(sent, { id, outputs }) {
  if (id !== sent.id) throw new Error(`WRONG: the response to ${sent.id} carries the id ${id}`);
  return outputs;
}

const createClient = (port) =>
  new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
    'grpc.use_local_subchannel_pool': 1,
  });

export function createGrpcAsker(port) {
  const client = createClient(port);
  return {
    ask: (message, { signal } = {}) =>
      new Promise((resolve, reject) => {
        const path = grpcMethodPath('ModelInfer');
        const call = client.makeUnaryRequest(path, same, same, encode(message), (error, bytes) =>
          error ? reject(error) : resolve(bytes),
        );
        signal?.addEventListener('abort', () => call.cancel(), { once: true });
      }).then((bytes) => checkId(message, decodeInferResponse(bytes))),
    close: () => client.close(),
  };
}

/** All requests over one stream, whose responses come in the order of the requests. */
export function createStreamAsker(port) {
  const client = createClient(port);
  let waiting = new Map();
  let stream;
  const open = () => {
    const own = new Map();
    waiting = own;
    stream = client.makeBidiStreamRequest(grpcMethodPath('ModelStreamInfer'), same, same);
    stream.on('data', (bytes) => {
      const answer = decodeStreamInferMessage(bytes);
      const id = answer.state === 'ok' ? answer.response.id : answer.id;
      const one = own.get(id);
      own.delete(id);
      if (one === undefined) throw new Error(`WRONG: a response on the stream carries the id '${id}'`);
      if (answer.state === 'ok') one.resolve(answer.response.outputs);
      else one.reject(new Error(answer.message));
    });
    const end = (reason) => {
      if (stream !== undefined && waiting === own) stream = undefined;
      for (const { reject } of own.values()) reject(reason);
      own.clear();
    };
    stream.on('error', end);
    stream.on('end', () => end(new Error('the stream ended')));
  };
  return {
    ask: (message) =>
      new Promise((resolve, reject) => {
        if (stream === undefined) open();
        waiting.set(message.id, { resolve, reject });
        stream.write(encode(message));
      }),
    close() {
      stream?.end();
      client.close();
    },
  };
}

export function createHttpAsker(port) {
  const agent = new Agent({ connections: 16 });
  return {
    async ask(message, { signal } = {}) {
      const { body, jsonLength } = encodeHttpInferRequest(message);
      const headers = { 'inference-header-content-length': String(jsonLength) };
      const url = `http://127.0.0.1:${port}/v2/models/${message.modelName}/infer`;
      const answer = await request(url, { method: 'POST', body, headers, dispatcher: agent, signal });
      const bytes = new Uint8Array(await answer.body.arrayBuffer());
      if (answer.statusCode !== 200) throw new Error(`HTTP ${answer.statusCode}: ${Buffer.from(bytes).toString()}`);
      const length = answer.headers['inference-header-content-length'];
      return checkId(message, decodeHttpInferResponse(bytes, length === undefined ? undefined : Number(length)));
    },
    close: () => agent.close(),
  };
}
