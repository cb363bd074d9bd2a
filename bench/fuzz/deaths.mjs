/**
 * Engines whose instances stall and die between the steps of taking a batch, one after the other: `node bench/fuzz/deaths.mjs
 * [--runs N] [--requests N]`. Each answer is checked; a request may only fail when its instance died. Needs `npm run build`. Prints one JSON document; exit code 1 when an engine
 * ended, answered wrongly, or left a request without an answer.
 */
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createGrpcAsker } from './answer-clients.mjs';
import { answerModels, findWrong, makeRequest } from './answer-models.mjs';
import { startEngine, writeRepository } from './engine-under-test.mjs';

const { values: flags } = parseArgs({
  options: { runs: { type: 'string', default: '20' }, requests: { type: 'string', default: '2000' } },
});
const IN_FLIGHT = 32;
const LONGEST_ANSWER_MS = 20_000;
const injection = fileURLToPath(new URL('injected-deaths.cjs', import.meta.url));
const problems = [];
let good = 0;
let failed = 0;
let deaths = 0;

const inTime = (answer) =>
  Promise.race([
    answer,
    new Promise((_, reject) => setTimeout(() => reject(new Error('no answer')), LONGEST_ANSWER_MS).unref()),
  ]);

async function runOne(run) {
  const modelName = ['pass_through', 'grow', 'pass_alone'][run % 3];
  const { file, config } = answerModels[modelName];
  const folder = writeRepository({ [modelName]: { file, config: config.replace('COUNT', '3') } });
  const engine = await startEngine(folder, ['--inline-tiny-models=false'], ['--require', injection]);
  const asker = createGrpcAsker(engine.grpcPort);
  let id = 0;
  const ask = async () => {
    while (id < Number(flags.requests) && problems.length === 0 && engine.isAlive()) {
      const own = id++;
      const { inputs, outputs } = makeRequest[modelName](own, 1 + ((own * 31) % 2000));
      const message = { modelName, modelVersion: '', id: `d${own}`, inputs, outputNames: [] };
      try {
        const wrong = findWrong(outputs, await inTime(asker.ask(message)));
        if (wrong === undefined) good++;
        else problems.push(`WRONG in run ${run}, request ${own} of ${modelName}: ${wrong}`);
      } catch (thrown) {
        if (thrown.message.includes('ended unexpectedly')) failed++;
        else problems.push(`run ${run}, request ${own} of ${modelName}: ${thrown.message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, ask));
  deaths += engine.errors().split('it is being started again').length - 1;
  asker.close();
  engine.stop();
  const { code, signal } = await engine.ended;
  if (code !== 0) problems.push(`run ${run}: the engine ended with ${code ?? signal}: ${engine.errors()}`);
  rmSync(folder, { recursive: true });
}

for (let run = 0; run < Number(flags.runs) && problems.length === 0; run++) await runOne(run);
if (deaths === 0) problems.push('no instance died');
console.log(JSON.stringify({ runs: Number(flags.runs), good, failed, deaths, problems }));
process.exitCode = problems.length === 0 ? 0 : 1;
