/** Clients of good will: each request carries numbers of its own, and its answer must bring exactly those back. */
import { Buffer } from 'node:buffer';
import { Client, credentials } from '@grpc/grpc-js';
import { Agent, request } from 'undici';
import { createGrpcWireClient } from '../../dist/src/client/grpc-wire/grpc-wire-client.js';
import { grpcMethodPath } from '../../dist/src/kserve/grpc-service.js';
import { decodeHttpInferResponse, encodeHttpInferRequest } from '../../dist/src/kserve/http-codec.js';
import { decodeInferResponse, encodeInferRequest } from '../../dist/src/kserve/infer-codec.js';

import { findWrong, makeRequest } from './answer-models.mjs';

const same = (bytes) => bytes;
const path = grpcMethodPath('ModelInfer');

let made = 0;

function nextRequest() {
  const rows = 1 + (made % 3);
  const values = Float32Array.from({ length: rows * 16 }, (_, place) => (made % 65_536) * 256 + place);
  made++;
  const bytes = new Uint8Array(values.buffer);
  const input = { name: 'INPUT0', dataType: 'FP32', shape: [rows, 16], bytes };
  return { modelName: 'identity', modelVersion: '', id: `w${made}`, inputs: [input], outputNames: [] };
}

function check(sent, { id, outputs }) {
  if (id !== sent.id) throw new Error(`the answer to ${sent.id} carries the id ${id}`);
  if (!Buffer.from(outputs[0].bytes).equals(Buffer.from(sent.inputs[0].bytes))) {
    throw new Error(`the answer to ${sent.id} carries other numbers`);
  }
}

/** Asks over gRPC until told to stop; every answer is checked. */
export class GrpcWitness {
  answers = 0;

  constructor(port) {
    this.client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  }

  async ask() {
    const sent = nextRequest();
    const answer = await new Promise((resolve, reject) => {
      this.client.makeUnaryRequest(path, same, same, Buffer.from(encodeInferRequest(sent)), (error, bytes) =>
        error ? reject(error) : resolve(bytes),
      );
    });
    check(sent, decodeInferResponse(answer));
    this.answers++;
  }

  close() {
    this.client.close();
  }
}

/** The same over HTTP, with binary tensors. */
export class HttpWitness {
  answers = 0;

  constructor(port) {
    this.url = `http://127.0.0.1:${port}/v2/models/identity/infer`;
    this.agent = new Agent({ connections: 4 });
  }

  async ask() {
    const sent = nextRequest();
    const { body, jsonLength } = encodeHttpInferRequest(sent);
    const headers = { 'inference-header-content-length': String(jsonLength) };
    const answer = await request(this.url, { method: 'POST', body, headers, dispatcher: this.agent });
    const bytes = new Uint8Array(await answer.body.arrayBuffer());
    if (answer.statusCode !== 200) throw new Error(`HTTP ${answer.statusCode}: ${Buffer.from(bytes).toString()}`);
    const length = answer.headers['inference-header-content-length'];
    check(sent, decodeHttpInferResponse(bytes, length === undefined ? undefined : Number(length)));
    this.answers++;
  }

  close() {
    return this.agent.close();
  }
}

/** Large requests of its own size each time, whose answers must be the doubled numbers; they are read in another way than small ones. */
export class LargeWitness {
  answers = 0;

  constructor(port) {
    const options = { endpoint: `127.0.0.1:${port}`, requestTimeoutMs: 20_000, onCompletion: () => undefined };
    this.client = createGrpcWireClient(options);
  }

  async ask() {
    const values = Float32Array.from({ length: 10_000 + ((made * 7919) % 90_000) }, (_, place) => made + place / 4);
    made++;
    const input = { name: 'X', dataType: 'FP32', shape: [1, values.length], bytes: new Uint8Array(values.buffer) };
    const request = { modelName: 'doubled', modelVersion: '', inputs: [input], outputNames: [] };
    const [output] = await (await this.client).inferOnce(request, 20_000);
    const doubled = new Float32Array(new Uint8Array(output.bytes).buffer);
    if (doubled.length !== values.length || values.some((value, place) => doubled[place] !== Math.fround(2 * value))) {
      throw new Error('a large answer carries other numbers');
    }
    this.answers++;
  }

  async close() {
    await (await this.client).close();
  }
}

/** Models with outputs of any size, of strings, and with outputs that are inputs, one after the other. */
export class AnswerWitness {
  answers = 0;

  constructor(asker) {
    this.asker = asker;
  }

  async ask() {
    const names = Object.keys(makeRequest);
    const id = made++;
    const modelName = names[id % names.length];
    const { inputs, outputs } = makeRequest[modelName](id, 1 + ((id * 31) % 3000));
    const answer = await this.asker.ask({ modelName, modelVersion: '', id: `a${id}`, inputs, outputNames: [] });
    const wrong = findWrong(outputs, answer);
    if (wrong !== undefined) throw new Error(`the response of ${modelName} to ${id}: ${wrong}`);
    this.answers++;
  }

  close() {
    return this.asker.close();
  }
}
