/**
 * A net that takes 1.5 to 2 ms on this host, with 49 KB inputs, on two instances of one thread each, 12 requests in flight,
 * beside the same two sessions with nothing around them, in turns: what the engine costs beyond ONNX Runtime.
 * `node bench/engine/compute-bound.mjs [--rounds N] [--seconds S]`. Needs `npm run build` and Linux.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { compiledEntry } from '../../dist/src/common/package-root.js';
import { encodeInferRequest } from '../../dist/src/kserve/infer-codec.js';
import { GraphBuilder } from '../../dist/src/onnx/zoo/graph-builder.js';
import { convRelu, globalPool, linear } from '../../dist/src/onnx/zoo/layers.js';
import { median } from './canned-process.mjs';
import { startEngineProcess } from './engine-process.mjs';
import { runClosedLoop } from './lean-client.mjs';

const { values: flags } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '3' } },
});
const rounds = Number(flags.rounds);
const measureMs = Number(flags.seconds) * 1000;
const INSTANCES = 2;
const DIMS = [3, 64, 64];
const INPUT_BYTES = 4 * DIMS.reduce((product, dim) => product * dim, 1);
const WANTED_RUN_MS = 1.6;
/** Until the engine has answered so many, its code is still being compiled, which would count as its cost a request. */
const WARMUP_REQUESTS = 8000;
const MOST_WARMUP_MS = 20_000;

/** The first layers and `extraLayers` of 19 MFLOP each. */
function buildNet(extraLayers) {
  const graph = new GraphBuilder('net', 1);
  let x = graph.input('input', 'FP32', DIMS);
  for (const [channels, stride] of [
    [24, 1],
    [24, 2],
    [48, 1],
    [48, 2],
    ...Array.from({ length: 1 + extraLayers }, () => [64, 1]),
  ]) {
    x = convRelu(graph, x, { channels, kernel: 3, padding: 1, stride });
  }
  graph.output(linear(graph, globalPool(graph, x), 10, undefined, 'output'), 'FP32');
  return { onnx: graph.toModel(), flops: graph.flops };
}

const bareWorker = `
const { workerData, parentPort } = require('node:worker_threads');
(async () => {
  const [{ loadOrtLibrary }, { OrtSession }, { createTensorOver }] = await Promise.all(workerData.modules.map((url) => import(url)));
  const library = loadOrtLibrary();
  const session = new OrtSession(library, workerData.modelFile, { intraOpThreads: 1 });
  const input = BigUint64Array.of(createTensorOver(library, 'FP32', [1, ...workerData.dims], new Uint8Array(workerData.inputBytes)));
  const output = BigUint64Array.of(createTensorOver(library, 'FP32', [1, 10], new Uint8Array(40)));
  const run = (ms) => {
    const start = performance.now();
    const cpu = process.cpuUsage();
    let count = 0;
    while (performance.now() - start < ms) { session.runPrepared(input, output); count++; }
    const { user, system } = process.cpuUsage(cpu);
    return { perSec: (count / (performance.now() - start)) * 1000, cpuMs: (user + system) / 1000 / count };
  };
  run(workerData.measureMs / 3);
  parentPort.postMessage(run(workerData.measureMs));
})();`;

/** Runs per second of all, and CPU milliseconds a run where there is but one. */
async function measureBare(modelFile, instances = INSTANCES) {
  const modules = ['library', 'session', 'tensor-value'].map((name) => compiledEntry(`src/onnxruntime/${name}`).href);
  const workerData = { modules, modelFile, dims: DIMS, inputBytes: INPUT_BYTES, measureMs };
  const runs = Array.from({ length: instances }, () => {
    const worker = new Worker(bareWorker, { eval: true, workerData });
    return new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  });
  const results = await Promise.all(runs);
  return { perSec: results.reduce((sum, { perSec }) => sum + perSec, 0), cpuMs: results[0].cpuMs };
}

const config =
  'max_batch_size: 0\nbackend: "onnxruntime"\n' +
  `instance_group { kind: KIND_CPU count: ${INSTANCES} }\n` +
  'parameters { key: "intra_op_thread_count" value { string_value: "1" } }\n' +
  `input { name: "input" data_type: TYPE_FP32 dims: [ 1, ${DIMS.join(', ')} ] }\noutput { name: "output" data_type: TYPE_FP32 dims: [ 1, 10 ] }\n`;
const message = encodeInferRequest({
  modelName: 'net',
  modelVersion: '',
  id: '',
  inputs: [{ name: 'input', dataType: 'FP32', shape: [1, ...DIMS], bytes: new Uint8Array(INPUT_BYTES) }],
  outputNames: [],
});

/** A net of the wanted CPU time on this host, which grows evenly with the layers. */
async function fitNet(modelFile) {
  const runMs = [];
  for (const extraLayers of [0, 4]) {
    writeFileSync(modelFile, buildNet(extraLayers).onnx);
    runMs.push((await measureBare(modelFile, 1)).cpuMs);
  }
  const layerMs = (runMs[1] - runMs[0]) / 4;
  const extraLayers = Math.max(0, Math.round((WANTED_RUN_MS - runMs[0]) / layerMs));
  return { ...buildNet(extraLayers), runMs: runMs[0] + extraLayers * layerMs };
}

/** Requests per second, and CPU milliseconds a request of the instances, of the rest of the engine and of this client. */
async function measureEngine(onnx) {
  const engine = await startEngineProcess({ net: { onnx, config } });
  const marks = [];
  const onMeasuring = () => marks.push({ threads: engine.threads(), client: process.cpuUsage() });
  const path = '/inference.GRPCInferenceService/ModelInfer';
  const load = { path, message, frameBytes: 1 << 20, inFlight: 12 };
  let warmUpCount = 0;
  for (let ms = 0; warmUpCount < WARMUP_REQUESTS && ms < MOST_WARMUP_MS; ms += 1000) {
    warmUpCount += (await runClosedLoop(engine.port, { ...load, warmupMs: 0, measureMs: 1000 })).count;
  }
  const { perSec, count } = await runClosedLoop(engine.port, { ...load, warmupMs: 200, measureMs, onMeasuring });
  await engine.stop();
  const [before, after] = marks;
  const used = [...after.threads].map(([id, seconds]) => ({ id, seconds: seconds - (before.threads.get(id) ?? 0) }));
  const instances = used
    .filter(({ id }) => id !== engine.mainThread)
    .sort((a, b) => b.seconds - a.seconds)
    .slice(0, INSTANCES);
  const sum = (list) => list.reduce((total, { seconds }) => total + seconds, 0);
  const client = (after.client.user + after.client.system - before.client.user - before.client.system) / 1e6;
  const perRequest = (seconds) => (seconds / count) * 1000;
  return {
    perSec,
    instanceMs: perRequest(sum(instances)),
    restMs: perRequest(sum(used) - sum(instances)),
    clientMs: perRequest(client),
  };
}

process.env.ORT_DISABLE_TELEMETRY = '1';
const folder = mkdtempSync(join(tmpdir(), 'perf-ts-bench-'));
const modelFile = join(folder, 'net.onnx');
const { onnx, flops, runMs } = await fitNet(modelFile);
writeFileSync(modelFile, onnx);
const bare = [];
const engine = [];
for (let round = 0; round < rounds; round++) {
  bare.push((await measureBare(modelFile)).perSec);
  engine.push(await measureEngine(onnx));
}
rmSync(folder, { recursive: true });
const of = (figure) => median(engine.map((result) => result[figure]));
const share = median(engine.map(({ perSec }, round) => perSec / bare[round]));
const verdict = (isMet) => (isMet ? 'met' : 'MISSED');
console.log(
  `net of ${Math.round(flops / 1e6)} MFLOP (${runMs.toFixed(2)} ms), ${INSTANCES} instances x 1 thread, 12 in flight, ${INPUT_BYTES} bytes each`,
);
console.log(
  `bare sessions ${Math.round(median(bare))}/s, engine ${Math.round(of('perSec'))}/s, share ${share.toFixed(2)} (>= 0.85: ${verdict(share >= 0.85)})`,
);
console.log(
  `CPU a request: instances ${of('instanceMs').toFixed(3)} ms, rest of the engine ${of('restMs').toFixed(3)} ms (<= 0.12: ${verdict(of('restMs') <= 0.12)}), client ${of('clientMs').toFixed(3)} ms`,
);
