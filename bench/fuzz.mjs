/**
 * Sends an engine requests that are wrong in every way we know, while clients of good will check that each of their
 * answers is their own: `node bench/fuzz.mjs [--requests N] [--seed N]`. Needs `npm run build` and Linux. Prints one JSON document;
 * exit code 1 when the engine ended, answered wrongly, kept requests or connections, or grew.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { parseArgs } from 'node:util';
import { createRng, deriveSeed } from '../dist/src/common/random.js';
import { createGrpcAsker, createHttpAsker, createStreamAsker } from './fuzz/answer-clients.mjs';
import { answerModels } from './fuzz/answer-models.mjs';
import { startEngine, writeRepository } from './fuzz/engine-under-test.mjs';
import { fuzzedConnection } from './fuzz/grpc-cases.mjs';
import { fuzzedHttpConnection } from './fuzz/http-cases.mjs';
import { pick } from './fuzz/mutations.mjs';
import { AnswerWitness, GrpcWitness, HttpWitness, LargeWitness } from './fuzz/witness.mjs';

const { values: flags } = parseArgs({
  options: { requests: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
});
const wanted = Number(flags.requests);
const seed = Number(flags.seed);

const CONNECTIONS_AT_ONCE = 24;
const PATIENCE_MS = 150;
/** Caches, pools and the garbage collector's slack, beyond which memory counts as growing. */
const SLACK_BYTES = 64 * 2 ** 20;
const delay = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const batching = 'max_batch_size: 16\ndynamic_batching { }\ninstance_group { kind: KIND_CPU count: 2 }\n';
const tensors = (type, dims) =>
  ['input { name: "INPUT0"', 'output { name: "OUTPUT0"']
    .map((head) => `${head} data_type: ${type} dims: [ ${dims} ] }\n`)
    .join('');
const repository = {
  identity: { file: 'identity.onnx', config: batching + tensors('TYPE_FP32', 16) },
  texts: { file: 'string_identity.onnx', config: '' },
  doubled: { file: 'dynamic_double.onnx', config: '' },
  ...Object.fromEntries(
    Object.entries(answerModels).map(([name, { file, config }]) => [
      name,
      { file, config: config.replace('COUNT', '2') },
    ]),
  ),
};

const rssBytes = (pid) => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
const openFiles = (pid) => readdirSync(`/proc/${pid}/fd`).length;

async function pendingRequests(endpoint) {
  const text = await (await fetch(`http://${endpoint}/metrics`)).text();
  const counts = [...text.matchAll(/^nv_inference_pending_request_count\{.*\} (\d+)$/gm)].map(([, count]) =>
    Number(count),
  );
  if (counts.length === 0) throw new Error('no pending counts among the metrics');
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Writes the bytes in a few pieces and leaves in one of several ways. Resolves when the connection is over. */
function visit(port, bytes, random) {
  const leaving = random.int(4);
  const cuts = [random.int(bytes.length + 1), random.int(bytes.length + 1)].sort((a, b) => a - b);
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    // Some read nothing at all.
    if (random.int(5) > 0) socket.resume();
    socket.on('error', () => undefined);
    const timer = setTimeout(() => socket.destroy(), PATIENCE_MS);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    socket.once('connect', () => {
      socket.write(bytes.subarray(0, cuts[0]));
      setImmediate(() => {
        socket.write(bytes.subarray(cuts[0], cuts[1]));
        setImmediate(() => {
          if (leaving === 0) socket.write(bytes.subarray(cuts[1]), () => socket.destroy());
          else if (leaving === 1) socket.destroy();
          else socket.end(bytes.subarray(cuts[1]));
        });
      });
    });
  });
}

async function until(isTrue, ms) {
  for (const end = Date.now() + ms; Date.now() < end; await delay(20)) if (await isTrue()) return true;
  return isTrue();
}

const folder = writeRepository(repository);
const engine = await startEngine(folder, [
  '--http-max-input-size=4194304',
  '--grpc-infer-response-compression-level=low',
]);
const problems = [];
const witnesses = [
  new GrpcWitness(engine.grpcPort),
  new HttpWitness(engine.httpPort),
  new LargeWitness(engine.grpcPort),
  new AnswerWitness(createGrpcAsker(engine.grpcPort)),
  new AnswerWitness(createStreamAsker(engine.grpcPort)),
  new AnswerWitness(createHttpAsker(engine.httpPort)),
];
let isOver = false;

async function askOn(witness) {
  while (!isOver && problems.length === 0) {
    try {
      await witness.ask();
    } catch (thrown) {
      if (!isOver) problems.push(`a good request failed: ${thrown.message}`);
    }
    await delay(1);
  }
}

const memory = [];
let sent = 0;

async function attack(worker) {
  const random = createRng(deriveSeed(seed, worker));
  while (sent < wanted && engine.isAlive() && problems.length === 0) {
    const [port, make] = pick(random, [
      [engine.grpcPort, fuzzedConnection],
      [engine.httpPort, fuzzedHttpConnection],
    ]);
    const { bytes, requests } = make(random);
    sent += requests;
    await visit(port, bytes, random);
  }
}

const filesBefore = openFiles(engine.pid);
const startMs = performance.now();
const asking = witnesses.flatMap((witness) => Array.from({ length: 4 }, () => askOn(witness)));
const sampling = (async () => {
  while (!isOver && engine.isAlive()) {
    memory.push({ sent, rssBytes: rssBytes(engine.pid) });
    await delay(100);
  }
})();
await Promise.all(Array.from({ length: CONNECTIONS_AT_ONCE }, (_, worker) => attack(worker)));
isOver = true;
await Promise.all([...asking, sampling]);
const seconds = (performance.now() - startMs) / 1000;

if (!engine.isAlive()) problems.push(`the engine ended: ${JSON.stringify(await engine.ended)} ${engine.errors()}`);
else {
  for (const witness of witnesses)
    await witness.ask().catch((thrown) => problems.push(`afterwards: ${thrown.message}`));
  if (!(await until(async () => (await pendingRequests(engine.metricsEndpoint)) === 0, 5000)))
    problems.push('requests are left pending');
}
for (const witness of witnesses) await witness.close();
if (engine.isAlive() && !(await until(() => openFiles(engine.pid) <= filesBefore + 4, 5000))) {
  problems.push(`connections are left open: ${openFiles(engine.pid)} files, ${filesBefore} before`);
}
// The first third warms caches and pools up; the peaks of the other two are compared.
const peak = (from, to) =>
  Math.max(0, ...memory.filter((at) => at.sent >= from * wanted && at.sent <= to * wanted).map((at) => at.rssBytes));
const peaks = [peak(0, 1 / 3), peak(1 / 3, 2 / 3), peak(2 / 3, 1)];
if (peaks[2] > Math.max(peaks[0], peaks[1]) * 1.05 + SLACK_BYTES) problems.push('memory grows');
engine.stop();
const { code } = await engine.ended;
if (code !== 0) problems.push(`the engine ended with ${code}: ${engine.errors()}`);
rmSync(folder, { recursive: true });

const goodAnswers = witnesses.reduce((sum, { answers }) => sum + answers, 0);
if (goodAnswers < witnesses.length) problems.push('no good request was answered');
const report = {
  requests: sent,
  seed,
  seconds: Number(seconds.toFixed(1)),
  goodAnswers,
  peakRssMib: peaks.map((bytes) => Math.round(bytes / 2 ** 20)),
  problems,
};
console.log(JSON.stringify(report));
process.exitCode = problems.length === 0 ? 0 : 1;
