/**
 * How fast the engine's core is without any front end: requests go straight into ServedModel.infer.
 * `node bench/engine-core.mjs [seconds]` after `npm run build`; figures go to docs/performance.md.
 */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { loadModel } from '../dist/engine/model.js';
import { nowNs } from '../dist/src/common/clock.js';
import { compiledEntry, packageRoot } from '../dist/src/common/package-root.js';

const durationMs = Number(process.argv[2] ?? 3) * 1000;
const modelFile = (name) => join(packageRoot, 'test', 'support', 'models', `${name}.onnx`);

const tensorConfig = (name, dims) => ({ name, data_type: 'TYPE_FP32', dims });

function loadBenchModel(name, input, output, dims, config) {
  return loadModel({
    name,
    version: '1',
    modelFile: modelFile(name),
    config: {
      name,
      input: [tensorConfig(input, dims)],
      output: [tensorConfig(output, dims)],
      parameters: { intra_op_thread_count: { string_value: '1' } },
      ...config,
    },
  });
}

/** Keeps `inFlight` requests under way for the duration; resolves with requests per second. */
function drive(model, input, rowFloats, inFlight) {
  return new Promise((resolve) => {
    const bytes = new Uint8Array(rowFloats * 4);
    const start = performance.now();
    let done = 0;
    let running = 0;
    let isOver = false;
    const waiting = [];
    const send = () => {
      const request = {
        id: '',
        inputs: [{ name: input, dataType: 'FP32', shape: [1, rowFloats], bytes }],
        requestedOutputs: [],
        batchSize: 1,
        priority: 0,
        timeoutUs: 0,
        receivedAt: nowNs(),
        isCancelled: () => false,
      };
      running++;
      model.infer(request, (outcome) => {
        if (outcome.state !== 'ok') throw new Error(outcome.failure.message);
        done++;
        running--;
        if (!isOver) isOver = performance.now() - start >= durationMs;
        if (isOver) {
          if (running === 0) resolve((done / (performance.now() - start)) * 1000);
        } else if (waiting.push(1) === 1) queueMicrotask(refill);
      });
    };
    // A front end answers a batch and then reads the next requests from its sockets, so refills come together too.
    const refill = () => {
      const count = waiting.length;
      waiting.length = 0;
      for (let i = 0; i < count; i++) send();
    };
    for (let i = 0; i < inFlight; i++) send();
  });
}

const rssMib = () => Math.round(process.memoryUsage().rss / 2 ** 20);

async function benchIdentity(inFlight, batching) {
  const model = await loadBenchModel('identity', 'INPUT0', 'OUTPUT0', [16], {
    max_batch_size: 64,
    instance_group: [{ kind: 'KIND_CPU', count: 1 }],
    ...batching,
  });
  const cpu = process.cpuUsage();
  const requestsPerSec = await drive(model, 'INPUT0', 16, inFlight);
  const used = process.cpuUsage(cpu);
  const { inference_count: inferences, execution_count: executions } = model.statistics();
  await model.close();
  const cpuUs = (used.user + used.system) / inferences;
  console.log(
    `identity, ${inFlight} in flight, ${Object.keys(batching)[0] ?? 'no batching'}: ${Math.round(requestsPerSec)} requests/s, ` +
      `${(inferences / executions).toFixed(1)} rows a batch, ${cpuUs.toFixed(2)} us CPU a request, ${rssMib()} MiB`,
  );
}

const bareWorker = `
const { workerData, parentPort } = require('node:worker_threads');
(async () => {
  const { loadOrtLibrary } = await import(workerData.library);
  const { OrtSession } = await import(workerData.session);
  const { createTensorOver } = await import(workerData.tensor);
  const library = loadOrtLibrary();
  const session = new OrtSession(library, workerData.modelFile, { intraOpThreads: 1 });
  const memory = [new Uint8Array(256), new Uint8Array(256)];
  const [input, output] = memory.map((bytes) => BigUint64Array.of(createTensorOver(library, 'FP32', [1, 64], bytes)));
  const start = performance.now();
  let count = 0;
  while (performance.now() - start < workerData.durationMs) { session.runPrepared(input, output); count++; }
  parentPort.postMessage((count / (performance.now() - start)) * 1000);
})();`;

async function benchBare(instances) {
  process.env.ORT_DISABLE_TELEMETRY = '1';
  const workerData = {
    library: compiledEntry('src/onnxruntime/library').href,
    session: compiledEntry('src/onnxruntime/session').href,
    tensor: compiledEntry('src/onnxruntime/tensor-value').href,
    modelFile: modelFile('busy'),
    durationMs,
  };
  const rates = await Promise.all(
    Array.from(
      { length: instances },
      () =>
        new Promise((resolve, reject) => {
          const worker = new Worker(bareWorker, { eval: true, workerData });
          worker.once('message', resolve);
          worker.once('error', reject);
        }),
    ),
  );
  return rates.reduce((sum, rate) => sum + rate, 0);
}

async function benchBusy(instances, inFlight, config) {
  const model = await loadBenchModel('busy', 'X', 'Y', [64], {
    max_batch_size: 8,
    instance_group: [{ kind: 'KIND_CPU', count: instances }],
    ...config,
  });
  const requestsPerSec = await drive(model, 'X', 64, inFlight);
  const { inference_count: inferences, execution_count: executions } = model.statistics();
  await model.close();
  return { requestsPerSec, rows: inferences / executions };
}

for (const inFlight of [1, 16, 64]) {
  await benchIdentity(inFlight, { dynamic_batching: { preferred_batch_size: [64] } });
}
await benchIdentity(64, {});
const instances = 2;
const bare = await benchBare(instances);
console.log(`busy, ${instances} bare sessions: ${Math.round(bare)} runs/s`);
for (const inFlight of [2, 4, 12]) {
  const { requestsPerSec } = await benchBusy(instances, inFlight, {});
  console.log(
    `busy, ${instances} instances, ${inFlight} in flight, no batching: ${Math.round(requestsPerSec)} requests/s, ` +
      `${(requestsPerSec / bare).toFixed(2)} of bare`,
  );
}
const batched = await benchBusy(instances, 12, { dynamic_batching: { preferred_batch_size: [8] } });
console.log(
  `busy, ${instances} instances, 12 in flight, dynamic batching: ${Math.round(batched.requestsPerSec)} requests/s, ${batched.rows.toFixed(1)} rows a batch`,
);
