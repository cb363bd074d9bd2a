/**
 * CPU time of the engine's main thread for a request by transport and size, several in flight so that they share batches:
 * `node bench/engine/input-copies.mjs [--rounds N] [--seconds S] [--only HTTP|TLS|16]`. Needs `npm run build`, Linux and openssl.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Client, credentials } from '@grpc/grpc-js';
import { encodeHttpInferRequest } from '../../dist/src/kserve/http-codec.js';
import { encodeInferRequest } from '../../dist/src/kserve/infer-codec.js';
import { median } from './canned-process.mjs';
import { startEngineProcess } from './engine-process.mjs';

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '2' },
    only: { type: 'string', default: '' },
  },
});
const IN_FLIGHT = 8;
const ROW_FLOATS = 16;
const GRPC_PATH = '/inference.GRPCInferenceService/ModelInfer';
const same = (bytes) => bytes;

const folder = mkdtempSync(join(tmpdir(), 'perf-ts-bench-'));
const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key];
spawnSync('openssl', ['req', '-x509', ...newKey, ...subject, '-days', '2', '-out', certificate]);

const tensors = ['input { name: "INPUT0"', 'output { name: "OUTPUT0"'].map(
  (head) => `${head} data_type: TYPE_FP32 dims: [ ${ROW_FLOATS} ] }\n`,
);
const models = {
  identity: {
    onnx: readFileSync(fileURLToPath(new URL('../../test/support/models/identity.onnx', import.meta.url))),
    config: `max_batch_size: 25600\ndynamic_batching { }\ninstance_group { kind: KIND_CPU count: 1 }\n${tensors.join('')}`,
  },
};

/** Zeros, which the model returns as they are. */
function messageOf(bytes) {
  const shape = [bytes / (4 * ROW_FLOATS), ROW_FLOATS];
  const inputs = [{ name: 'INPUT0', dataType: 'FP32', shape, bytes: new Uint8Array(bytes) }];
  return { modelName: 'identity', modelVersion: '', id: '', inputs, outputNames: [] };
}

function createHttpSender(engine, message) {
  const { body, jsonLength } = encodeHttpInferRequest(message);
  const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT });
  const headers = { 'inference-header-content-length': jsonLength, 'content-length': body.length };
  const options = { port: engine.httpPort, path: '/v2/models/identity/infer', method: 'POST', agent, headers };
  const send = () =>
    new Promise((resolve, reject) => {
      const call = request({ host: '127.0.0.1', ...options }, (response) => {
        response.resume();
        response.once('end', resolve);
      });
      call.once('error', reject);
      call.end(body);
    });
  return { send, close: () => agent.destroy() };
}

function createGrpcSender(engine, message, trust) {
  const bytes = Buffer.from(encodeInferRequest(message));
  const client = new Client(`localhost:${engine.port}`, trust);
  const send = () =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(GRPC_PATH, same, same, bytes, (error) => (error === null ? resolve() : reject(error)));
    });
  return { send, close: () => client.close() };
}

const plain = () => credentials.createInsecure();
const secure = () => credentials.createSsl(readFileSync(certificate));
const tlsFlags = ['--grpc-use-ssl=true', `--grpc-server-cert=${certificate}`, `--grpc-server-key=${key}`];
const transports = {
  HTTP: { flags: [], create: createHttpSender },
  'gRPC over TLS': { flags: tlsFlags, create: (engine, message) => createGrpcSender(engine, message, secure()) },
  'gRPC, frames of 16 KB': { flags: [], create: (engine, message) => createGrpcSender(engine, message, plain()) },
};

/** Microseconds of the main thread's CPU time a request. */
async function measure({ flags: engineFlags, create }, bytes) {
  const engine = await startEngineProcess(models, engineFlags, { allowHttp: true });
  const sender = create(engine, messageOf(bytes));
  const run = async (ms) => {
    const end = performance.now() + ms;
    let count = 0;
    const loop = async () => {
      for (; performance.now() < end; count++) await sender.send();
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, loop));
    return count;
  };
  const mainSeconds = () => engine.threads().get(engine.mainThread);
  const measureMs = Number(flags.seconds) * 1000;
  await run(measureMs / 2);
  const before = mainSeconds();
  const count = await run(measureMs);
  const usedUs = ((mainSeconds() - before) * 1e6) / count;
  sender.close();
  await engine.stop();
  return usedUs;
}

console.log(`${IN_FLIGHT} in flight; main thread's CPU us a request`);
for (const [name, transport] of Object.entries(transports).filter(([name]) => name.includes(flags.only))) {
  for (const bytes of [64, 204_800]) {
    const results = [];
    for (let round = 0; round < Number(flags.rounds); round++) results.push(await measure(transport, bytes));
    console.log(
      `${name}, ${bytes} bytes: ${median(results).toFixed(1)} (${results.map((us) => us.toFixed(0)).join(', ')})`,
    );
  }
}
rmSync(folder, { recursive: true });
