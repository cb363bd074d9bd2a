/**
 * A tiny model through the whole engine beside the front end alone with the same answer, in turns, and its memory over many
 * requests: `node bench/engine/whole-path.mjs [--rounds N] [--seconds S] [--memory REQUESTS]`. Needs `npm run build` and Linux.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { encodeInferRequest, encodeInferResponse } from '../../dist/src/kserve/infer-codec.js';
import { median, startCannedServer } from './canned-process.mjs';
import { startEngineProcess } from './engine-process.mjs';
import { runClosedLoop } from './lean-client.mjs';

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
    memory: { type: 'string', default: '1000000' },
  },
});
const rounds = Number(flags.rounds);
const measureMs = Number(flags.seconds) * 1000;
const path = '/inference.GRPCInferenceService/ModelInfer';
const bytes = new Uint8Array(new Float32Array(16).buffer);
const message = encodeInferRequest({
  modelName: 'identity',
  modelVersion: '',
  id: '',
  inputs: [{ name: 'INPUT0', dataType: 'FP32', shape: [1, 16], bytes }],
  outputNames: [],
});
const answerBytes = encodeInferResponse({
  modelName: 'identity',
  modelVersion: '1',
  id: '',
  outputs: [{ name: 'OUTPUT0', dataType: 'FP32', shape: [1, 16], bytes }],
}).length;

const tensors = ['input { name: "INPUT0"', 'output { name: "OUTPUT0"'].map(
  (head) => `${head} data_type: TYPE_FP32 dims: [ 16 ] }\n`,
);
const identity = {
  onnx: readFileSync(fileURLToPath(new URL('../../test/support/models/identity.onnx', import.meta.url))),
  config: `max_batch_size: 64\ndynamic_batching { }\ninstance_group { kind: KIND_CPU count: 1 }\n${tensors.join('')}`,
};
const startEngine = () => startEngineProcess({ identity });
const servers = { engine: startEngine, 'front end': () => startCannedServer('own', answerBytes) };

/** CPU time of all threads of the process. */
const cpuUsOf = async (server) =>
  server.readUsage === undefined
    ? [...server.threads().values()].reduce((sum, seconds) => sum + seconds * 1e6, 0)
    : (await server.readUsage()).cpuUs;

async function measure(name, inFlight) {
  const server = await servers[name]();
  const usedUs = [];
  const result = await runClosedLoop(server.port, {
    path,
    message,
    inFlight,
    answerBytes,
    warmupMs: measureMs / 2,
    measureMs,
    onMeasuring: async () => usedUs.push(await cpuUsOf(server)),
  });
  await server.stop();
  return { ...result, cpuUs: (usedUs[1] - usedUs[0]) / result.count };
}

async function compare(inFlight) {
  const results = { engine: [], 'front end': [] };
  for (let round = 0; round < rounds; round++) {
    for (const name of Object.keys(results)) results[name].push(await measure(name, inFlight));
  }
  return (name, figure) => median(results[name].map((result) => result[figure]));
}

const verdict = (isMet) => (isMet ? 'met' : 'MISSED');
for (const inFlight of [1, 16, 64]) {
  const of = await compare(inFlight);
  const share = of('engine', 'perSec') / of('front end', 'perSec');
  const rates = `engine ${Math.round(of('engine', 'perSec'))}/s, front end ${Math.round(of('front end', 'perSec'))}/s, share ${share.toFixed(2)}, CPU us a request ${of('engine', 'cpuUs').toFixed(1)} and ${of('front end', 'cpuUs').toFixed(1)}`;
  console.log(`${inFlight} in flight: ${rates}${inFlight === 64 ? ` (>= 0.5: ${verdict(share >= 0.5)})` : ''}`);
  if (inFlight > 1) continue;
  const ratio = of('engine', 'p50Us') / of('front end', 'p50Us');
  console.log(
    `  p50 ${of('engine', 'p50Us').toFixed(0)} us, front end ${of('front end', 'p50Us').toFixed(0)} us, ratio ${ratio.toFixed(2)} (<= 1.5: ${verdict(ratio <= 1.5)})`,
  );
}

const wanted = Number(flags.memory);
if (wanted > 0) {
  const engine = await startEngine();
  const load = (measuredMs) =>
    runClosedLoop(engine.port, { path, message, inFlight: 64, answerBytes, warmupMs: 0, measureMs: measuredMs });
  let sent = 0;
  let warmRss = 0;
  while (sent < wanted) {
    sent += (await load(1000)).count;
    if (warmRss === 0 && sent >= wanted / 5) warmRss = engine.rssBytes();
  }
  const growth = engine.rssBytes() / warmRss - 1;
  console.log(
    `memory over ${sent} requests: ${Math.round(warmRss / 2 ** 20)} MiB after a fifth, ${Math.round(engine.rssBytes() / 2 ** 20)} MiB at the end, ${(growth * 100).toFixed(1)} % (<= 5 %: ${verdict(growth <= 0.05)})`,
  );
  await engine.stop();
}
