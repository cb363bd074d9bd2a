/**
 * Every answer is its own: models with outputs of any size, of strings, and with outputs that are inputs, asked over gRPC, HTTP
 * and streams; now and then they are unloaded and loaded again, so that their slots are small:
 * `node bench/fuzz/answers.mjs [--answers N] [--in-flight N] [--instances N] [--models A,B] [--hostile]`. With --hostile requests
 * are cancelled and the number of instances changes meanwhile. Needs `npm run build`. Prints one JSON document; exit code 1 when an answer was
 * wrong or a request failed.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createGrpcAsker, createHttpAsker, createStreamAsker } from './answer-clients.mjs';
import { answerModels, findWrong, makeRequest } from './answer-models.mjs';
import { startEngine, writeRepository } from './engine-under-test.mjs';

const { values: flags } = parseArgs({
  options: {
    answers: { type: 'string', default: '200000' },
    'in-flight': { type: 'string', default: '32' },
    instances: { type: 'string', default: '2' },
    models: { type: 'string', default: Object.keys(answerModels).join() },
    hostile: { type: 'boolean', default: false },
  },
});
const wanted = Number(flags.answers);
const inFlight = Number(flags['in-flight']);
const names = flags.models.split(',');
const ROUND = 800;

const configOf = (name, count) => answerModels[name].config.replace('COUNT', String(count));
const folder = writeRepository(
  Object.fromEntries(
    names.map((name) => [name, { file: answerModels[name].file, config: configOf(name, Number(flags.instances)) }]),
  ),
);
const engine = await startEngine(folder, [
  '--model-control-mode=explicit',
  ...names.map((name) => `--load-model=${name}`),
]);
const askers = {
  gRPC: createGrpcAsker(engine.grpcPort),
  HTTP: createHttpAsker(engine.httpPort),
  stream: createStreamAsker(engine.grpcPort),
};
const counts = Object.fromEntries(Object.keys(askers).map((kind) => [kind, 0]));
const problems = [];
let cancelledCount = 0;
let reloads = 0;
let id = 0;
let asked = 0;

const control = (name, what) =>
  fetch(`http://127.0.0.1:${engine.httpPort}/v2/repository/models/${name}/${what}`, {
    method: 'POST',
    body: '{}',
  }).then(async (answer) => {
    if (!answer.ok) problems.push(`${what} of ${name}: ${await answer.text()}`);
  });

async function askOnce(round) {
  const own = id++;
  const modelName = names[own % names.length];
  const kinds = Object.keys(askers);
  const kind = kinds[Math.floor(own / names.length) % kinds.length];
  // Larger than any before it of this round, so that hardly an answer fits the slot that it finds.
  const size = 10 + 4 * round.count++ + 13 * (own % 7);
  const { inputs, outputs } = makeRequest[modelName](own, size);
  const leaving = flags.hostile && kind !== 'stream' && own % 11 === 0 ? new AbortController() : undefined;
  if (leaving !== undefined) setTimeout(() => leaving.abort(), own % 5);
  try {
    const message = { modelName, modelVersion: '', id: `r${own}`, inputs, outputNames: [] };
    const wrong = findWrong(outputs, await askers[kind].ask(message, { signal: leaving?.signal }));
    if (wrong === undefined) counts[kind]++;
    else problems.push(`WRONG over ${kind}, request ${own} of ${modelName}: ${wrong}`);
  } catch (thrown) {
    if (leaving?.signal.aborted) cancelledCount++;
    else problems.push(`request ${own} of ${modelName} over ${kind}: ${thrown.message}`);
  }
}

async function askMany(round) {
  while (round.count < ROUND && problems.length < 20) await askOnce(round);
}

async function changeInstances() {
  for (let turn = 1; asked < wanted && problems.length === 0; turn++) {
    const name = names[turn % names.length];
    writeFileSync(join(folder, name, 'config.pbtxt'), configOf(name, 1 + (turn % 4)));
    await control(name, 'load');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const startMs = performance.now();
const changing = flags.hostile ? changeInstances() : Promise.resolve();
for (; asked < wanted && problems.length === 0 && engine.isAlive(); asked += ROUND) {
  const round = { count: 0 };
  await Promise.all(Array.from({ length: inFlight }, () => askMany(round)));
  if (flags.hostile) continue;
  const name = names[reloads++ % names.length];
  await control(name, 'unload');
  await control(name, 'load');
}
await changing;
if (!engine.isAlive()) problems.push(`the engine ended: ${JSON.stringify(await engine.ended)} ${engine.errors()}`);
await Promise.all(Object.values(askers).map((asker) => asker.close()));
engine.stop();
const { code, signal } = await engine.ended;
if (code !== 0) problems.push(`the engine ended with ${code ?? signal}: ${engine.errors()}`);
rmSync(folder, { recursive: true });
const seconds = Number(((performance.now() - startMs) / 1000).toFixed(1));
console.log(JSON.stringify({ answers: counts, cancelled: cancelledCount, reloads, seconds, problems }));
process.exitCode = problems.length === 0 ? 0 : 1;
