/**
 * Execution providers against each other on the CPU, in one process and in turn, so that what else the machine does
 * hits all alike: ratios count. `node bench/providers.mjs OPENVINO_LIBRARY [rounds] [model ...]` after `npm run build`;
 * without a library, PERF_TS_TEST_OPENVINO or the first installed runtime that has the provider is taken. Figures go to
 * docs/performance.md. Targets: resnet18, openvino f32 >= 1.0x and bf16 (with avx512_bf16) >= 1.7x the best
 * configuration of the CPU provider; two one-thread openvino instances >= 1.7x one.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { nowNs } from '../dist/src/common/clock.js';
import { compiledEntry } from '../dist/src/common/package-root.js';
import { dataFolder } from '../dist/src/common/user-folders.js';
import { buildZooModel } from '../dist/src/onnx/zoo/zoo.js';
import { readCpuFlags } from '../dist/src/onnxruntime/cpu-precision.js';
import { loadOrtLibrary } from '../dist/src/onnxruntime/library.js';
import { bundledLibraryPath } from '../dist/src/onnxruntime/library-path.js';
import { placeSession } from '../dist/src/onnxruntime/place-session.js';
import { requireTelemetryOff } from '../dist/src/onnxruntime/telemetry.js';
import { readSessionSettings } from '../dist/src/onnxruntime/triton-settings.js';

const SLICE_MS = 500;
const cores = availableParallelism();

/** The first libonnxruntime under a folder that lies beside an OpenVINO provider. */
function findInstalled(folder) {
  if (!existsSync(folder)) return undefined;
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const plugin = files.find((file) => file.endsWith('libonnxruntime_providers_openvino.so'));
  const beside = plugin && dirname(plugin);
  const library = files.find((file) => dirname(file) === beside && /libonnxruntime\.so\.\d/.test(file));
  return library && join(folder, library);
}

const [openVino = process.env.PERF_TS_TEST_OPENVINO ?? findInstalled(dataFolder()), roundsText = '6', ...names] =
  process.argv.slice(2);
const models = names.length > 0 ? names : ['resnet18', 'text_recognition'];
if (openVino === undefined) {
  console.log('skipped: no ONNX Runtime with OpenVINO; install one or give its libonnxruntime as the first argument');
  process.exit(0);
}
const hasBf16 = readCpuFlags()?.includes('avx512_bf16') === true;
requireTelemetryOff();
// A library that only workers hold is unloaded with the last of them, under threads that still run in it.
for (const path of [bundledLibraryPath(), openVino]) loadOrtLibrary(path);

const config = (threads, accelerator) => ({
  parameters: { intra_op_thread_count: { string_value: String(threads) } },
  ...(accelerator && { optimization: { execution_accelerators: { cpu_execution_accelerator: [accelerator] } } }),
});
const openVinoWith = (inference_precision) => ({ name: 'openvino', parameters: { inference_precision } });

/** Each: a title, instances, and what they are made of. */
const contestants = [
  { title: 'cpu, 1 thread', count: 1, config: config(1) },
  { title: `cpu, ${cores} threads`, count: 1, config: config(cores) },
  { title: `cpu, ${cores} instances`, count: cores, config: config(1) },
  ...['f32', ...(hasBf16 ? ['bf16'] : [])].flatMap((precision) => [
    { title: `openvino ${precision}, 1 thread`, count: 1, config: config(1, openVinoWith(precision)) },
    { title: `openvino ${precision}, ${cores} threads`, count: 1, config: config(cores, openVinoWith(precision)) },
    { title: `openvino ${precision}, ${cores} instances`, count: cores, config: config(1, openVinoWith(precision)) },
  ]),
];

/** One session on a thread of its own, told when to run and for how long. */
const workerSource = `
  import { parentPort, workerData } from 'node:worker_threads';
  const { loadOrtLibrary } = await import(workerData.library);
  const { OrtSession } = await import(workerData.session);
  const session = new OrtSession(loadOrtLibrary(workerData.ortLibrary), workerData.modelFile, workerData.settings);
  const [input] = session.inputs;
  const shape = input.shape.map((extent, place) => (place === 0 ? workerData.batch : Math.abs(extent)));
  const bytes = new Uint8Array(shape.reduce((a, b) => a * b, 1) * 4);
  new Float32Array(bytes.buffer).forEach((_, i, all) => { all[i] = Math.sin(i); });
  const tensors = [{ name: input.name, dataType: input.dataType, shape, bytes }];
  session.run(tensors);
  parentPort.on('message', (durationMs) => {
    if (durationMs === 0) { session.close(); parentPort.close(); return; }
    const start = performance.now();
    let runs = 0;
    while (performance.now() - start < durationMs) { session.run(tensors); runs++; }
    parentPort.postMessage(runs / (performance.now() - start) * 1000);
  });
  parentPort.postMessage('ready');
`;

const next = (worker) =>
  new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });

async function start(contestant, modelFile, batch) {
  const { settings, problems } = readSessionSettings(contestant.config);
  if (problems.length > 0) throw new Error(problems.map(({ what }) => what).join('; '));
  const workerData = {
    library: compiledEntry('src/onnxruntime/library').href,
    session: compiledEntry('src/onnxruntime/session').href,
    ortLibrary: contestant.title.startsWith('cpu') ? bundledLibraryPath() : openVino,
    settings: placeSession(settings, undefined),
    modelFile,
    batch,
  };
  const url = new URL(`data:text/javascript,${encodeURIComponent(workerSource)}`);
  const workers = Array.from({ length: contestant.count }, () => new Worker(url, { workerData }));
  await Promise.all(workers.map(next));
  return workers;
}

/**
 * Inferences a second of all its instances together over one slice, and the CPU time of an inference: on a host that
 * others use as well, the latter still says who computes more cheaply.
 */
async function runSlice(workers, batch) {
  const answers = workers.map(next);
  const before = process.cpuUsage();
  const startNs = nowNs();
  for (const worker of workers) worker.postMessage(SLICE_MS);
  const rate = (await Promise.all(answers)).reduce((sum, one) => sum + one, 0) * batch;
  const { user, system } = process.cpuUsage(before);
  return { rate, cpuMs: (user + system) / 1e3 / (rate * ((nowNs() - startNs) / 1e9)) };
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

async function compare(name, modelFile, batch) {
  const running = await Promise.all(contestants.map((contestant) => start(contestant, modelFile, batch)));
  const rates = contestants.map(() => []);
  const costs = contestants.map(() => []);
  for (let round = 0; round < Number(roundsText); round++) {
    for (const [index, workers] of running.entries()) {
      const { rate, cpuMs } = await runSlice(workers, batch);
      rates[index].push(rate);
      costs[index].push(cpuMs);
    }
  }
  for (const worker of running.flat()) worker.postMessage(0);
  const cpu = contestants.flatMap(({ title }, index) => (title.startsWith('cpu') ? [index] : []));
  const best = cpu.reduce((a, b) => (median(rates[a]) >= median(rates[b]) ? a : b));
  const over = (index, base) => median(rates[index].map((rate, round) => rate / rates[base][round]));
  console.log(
    `\n${name}, batch ${batch}: inferences/s, over the best of the CPU provider (${contestants[best].title}), CPU ms an inference`,
  );
  for (const [index, { title }] of contestants.entries()) {
    console.log(
      `  ${title.padEnd(26)} ${median(rates[index]).toFixed(1).padStart(9)}  ${over(index, best).toFixed(2)}x ${median(costs[index]).toFixed(1).padStart(9)}`,
    );
  }
  const one = contestants.findIndex(({ title }) => title === 'openvino f32, 1 thread');
  const several = contestants.findIndex(({ title }) => title === `openvino f32, ${cores} instances`);
  const dearer = median(costs[several].map((cost, round) => cost / costs[one][round]));
  console.log(
    `  ${cores} one-thread openvino instances over one: ${over(several, one).toFixed(2)}x, at ${dearer.toFixed(2)}x the CPU an inference`,
  );
}

const folder = mkdtempSync(join(tmpdir(), 'perf-ts-providers-'));
const startNs = nowNs();
if (!hasBf16) console.log('this CPU has no avx512_bf16: f32 only');
try {
  for (const name of models) {
    const modelFile = join(folder, `${name}.onnx`);
    writeFileSync(modelFile, buildZooModel(name));
    for (const batch of [1, 8]) await compare(name, modelFile, batch);
  }
} finally {
  rmSync(folder, { recursive: true });
}
console.log(`\n${Math.round((nowNs() - startNs) / 1e9)} s`);
