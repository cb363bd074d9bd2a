/**
 * What it costs the front end to take large requests, read straight to where they are gathered and copied there, in turns:
 * `node bench/engine/large-requests.mjs [--rounds N] [--seconds S]`. Needs `npm run build`.
 */
import { parseArgs } from 'node:util';
import { median, startCannedServer } from './canned-process.mjs';
import { runClosedLoop } from './lean-client.mjs';

const { values: flags } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '1' } },
});
const rounds = Number(flags.rounds);
const measureMs = Number(flags.seconds) * 1000;
const path = '/inference.GRPCInferenceService/ModelInfer';
const kinds = ['own', 'own-copying'];
const loads = [
  { name: '49 KB, one frame', bytes: 49_152, frameBytes: 1 << 20 },
  { name: '205 KB, one frame', bytes: 204_900, frameBytes: 1 << 20 },
  { name: '205 KB, frames of 16 KB', bytes: 204_900, frameBytes: 16_384 },
  { name: '1 MB, one frame', bytes: 1_000_000, frameBytes: 1 << 20 },
];

async function measure(kind, { bytes, frameBytes }) {
  const server = await startCannedServer(kind, 64);
  const usages = [];
  const onMeasuring = async () => usages.push(await server.readUsage());
  const message = Buffer.alloc(bytes, 3);
  const options = {
    path,
    message,
    frameBytes,
    inFlight: 4,
    answerBytes: 64,
    warmupMs: measureMs / 2,
    measureMs,
    onMeasuring,
  };
  const { perSec, count } = await runClosedLoop(server.port, options);
  server.stop();
  return { perSec, cpuUs: (usages[1].cpuUs - usages[0].cpuUs) / count };
}

console.log('4 in flight on one connection; requests/s (server CPU us a request)');
for (const load of loads) {
  const results = new Map(kinds.map((kind) => [kind, []]));
  for (let round = 0; round < rounds; round++) {
    for (const kind of kinds) results.get(kind).push(await measure(kind, load));
  }
  const of = (kind, figure) => median(results.get(kind).map((result) => result[figure]));
  const cells = kinds.map((kind) =>
    `${kind} ${Math.round(of(kind, 'perSec'))} (${of(kind, 'cpuUs').toFixed(1)})`.padEnd(30),
  );
  const [direct, copying] = kinds;
  console.log(
    `${load.name.padEnd(26)}${cells.join('')}rate x${(of(direct, 'perSec') / of(copying, 'perSec')).toFixed(2)}, CPU x${(of(direct, 'cpuUs') / of(copying, 'cpuUs')).toFixed(2)}`,
  );
}
