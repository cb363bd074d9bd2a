/**
 * The gRPC front end with a canned answer beside @grpc/grpc-js and node:http2 on the same load, in turns:
 * `node bench/engine/front-end.mjs [--rounds N] [--seconds S] [--h2load]`. Needs `npm run build`.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { median, startCannedServer } from './canned-process.mjs';
import { runClosedLoop } from './lean-client.mjs';

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
    h2load: { type: 'boolean', default: false },
  },
});
const rounds = Number(flags.rounds);
const measureMs = Number(flags.seconds) * 1000;

const path = '/inference.GRPCInferenceService/ModelInfer';
const kinds = ['own', 'http2', 'grpc-js'];
const loads = [
  { name: '93 B, 1 in flight', requestBytes: 93, answerBytes: 90, inFlight: 1 },
  { name: '93 B, 16 in flight', requestBytes: 93, answerBytes: 90, inFlight: 16 },
  { name: '93 B, 64 in flight', requestBytes: 93, answerBytes: 90, inFlight: 64, atLeast: { 'grpc-js': 6, http2: 4 } },
  { name: '49 KB, 12 in flight', requestBytes: 49_152, answerBytes: 400, inFlight: 12, atLeast: { 'grpc-js': 3 } },
];

/** One measurement: answers per second and the server's CPU time for each. */
async function measure(kind, load) {
  const server = await startCannedServer(kind, load.answerBytes);
  const usages = [];
  const onMeasuring = async () => usages.push(await server.readUsage());
  const message = Buffer.alloc(load.requestBytes, 3);
  const { inFlight, answerBytes } = load;
  const options = { path, message, inFlight, answerBytes, warmupMs: measureMs / 2, measureMs, onMeasuring };
  const { perSec, count } = await runClosedLoop(server.port, options);
  server.stop();
  return { perSec, cpuUsPerRequest: (usages[1].cpuUs - usages[0].cpuUs) / count };
}

/** The same with a client that is not ours. */
async function measureWithH2load(kind, load, bodyFile) {
  const server = await startCannedServer(kind, load.answerBytes);
  const url = `http://127.0.0.1:${server.port}${path}`;
  const seconds = Math.max(1, Math.round(measureMs / 1000));
  const fields = ['-H', 'content-type: application/grpc', '-H', 'te: trailers'];
  const args = ['-D', String(seconds), '--warm-up-time=1', '-c', '1', '-m', String(load.inFlight), '-d', bodyFile];
  const child = spawn('h2load', [...args, ...fields, url], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part) => {
    text += part;
  });
  await new Promise((resolve, reject) => {
    child.once('close', resolve);
    child.once('error', reject);
  });
  server.stop();
  return { perSec: Number(/([\d.]+) req\/s/.exec(text)?.[1]), cpuUsPerRequest: Number.NaN };
}

async function compare(client, run) {
  console.log(`\n${client}, one connection, median of ${rounds} rounds`);
  console.log(
    `${'load'.padEnd(22)}${kinds.map((kind) => `${kind} req/s (server CPU us)`.padStart(32)).join('')}   ratios`,
  );
  for (const load of loads) {
    const results = new Map(kinds.map((kind) => [kind, []]));
    for (let round = 0; round < rounds; round++) {
      for (const kind of kinds) results.get(kind).push(await run(kind, load));
    }
    const rate = (kind) => median(results.get(kind).map(({ perSec }) => perSec));
    const cells = kinds.map((kind) => {
      const cpu = median(results.get(kind).map(({ cpuUsPerRequest }) => cpuUsPerRequest));
      return `${Math.round(rate(kind))}${Number.isNaN(cpu) ? '' : ` (${cpu.toFixed(1)})`}`.padStart(32);
    });
    const ratios = ['grpc-js', 'http2'].map((kind) => {
      const ratio = rate('own') / rate(kind);
      const target = load.atLeast?.[kind];
      const verdict = target === undefined ? '' : ratio >= target ? ` (>= ${target}: met)` : ` (>= ${target}: MISSED)`;
      return `${ratio.toFixed(1)}x ${kind}${verdict}`;
    });
    console.log(`${load.name.padEnd(22)}${cells.join('')}   ${ratios.join(', ')}`);
  }
}

await compare('lean client of this folder', measure);
if (flags.h2load) {
  const folder = mkdtempSync(join(tmpdir(), 'perf-ts-bench-'));
  await compare('h2load', (kind, load) => {
    const body = Buffer.alloc(5 + load.requestBytes, 3);
    body[0] = 0;
    body.writeUInt32BE(load.requestBytes, 1);
    const file = join(folder, `${load.requestBytes}.bin`);
    writeFileSync(file, body);
    return measureWithH2load(kind, load, file);
  });
  rmSync(folder, { recursive: true });
}
