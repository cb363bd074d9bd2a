/**
 * Requests a second and CPU time a request of the load clients, in turns on one machine: ours and @grpc/grpc-js beside
 * h2load against nghttpd with a canned answer, and beside perf_analyzer against a tritonserver, if one is named.
 * `node bench/load/wire-speed.mjs [--rounds N] [--seconds S] [--only small|large|windows] [--triton HOST:PORT --perf-analyzer COMMAND]` after a build;
 * the tritonserver must have a model `identity` (INPUT0 FP32[-1]). Read as ratios; the targets are those of docs/performance.md.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { encodeInferRequest, encodeInferResponse } from '../../dist/src/kserve/infer-codec.js';

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
    only: { type: 'string' },
    triton: { type: 'string' },
    'perf-analyzer': { type: 'string' },
  },
});
const rounds = Number(flags.rounds);
const seconds = Number(flags.seconds);
const methodPath = 'inference.GRPCInferenceService/ModelInfer';
const loads = [
  { name: 'small: 64 B, 64 in flight', bytes: 64, inFlight: 64 },
  { name: 'large: 204,800 B, 8 in flight', bytes: 204_800, inFlight: 8 },
];
const delay = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

const prefixed = (message) => {
  const bytes = Buffer.alloc(5 + message.length);
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, 5);
  return bytes;
};

/** Runs a command to its end; resolves to what it printed and, if it is asked for, its CPU time. */
function run(command, args) {
  // The shell's own clock reads the CPU time of a child, which Node does not tell.
  const child = spawn('bash', ['-c', 'TIMEFORMAT="cpu %U %S"; time "$0" "$@"', command, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (part) => {
    text += part;
  });
  child.stderr.setEncoding('utf8').on('data', (part) => {
    errors += part;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      const [, user, system] = /cpu ([\d.]+) ([\d.]+)\s*$/.exec(errors) ?? [];
      if (code === 0) resolve({ text, cpuUs: (Number(user) + Number(system)) * 1e6 });
      else reject(new Error(`${command} ended with ${code}: ${errors}`));
    });
  });
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function untilListening(port) {
  for (;;) {
    const isOpen = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (isOpen) return;
    await delay(20);
  }
}

/** `windowBits` undefined keeps HTTP/2's first windows of 64 KiB. */
async function startNghttpd(folder, windowBits) {
  const port = await freePort();
  const windows = windowBits === undefined ? [] : ['-w', String(windowBits), '-W', String(windowBits)];
  const args = ['--no-tls', '-a', '127.0.0.1', '-d', folder, '--trailer=grpc-status: 0', ...windows, String(port)];
  const server = spawn('nghttpd', args, { stdio: 'ignore' });
  await untilListening(port);
  return { endpoint: `127.0.0.1:${port}`, stop: () => server.kill() };
}

const drivenClient = fileURLToPath(new URL('driven-client.mjs', import.meta.url));

async function measureDriven(kind, endpoint, { inFlight, bytes }) {
  const args = [drivenClient, kind, endpoint, String(inFlight), String(bytes), String(seconds)];
  return JSON.parse((await run(process.execPath, args)).text);
}

/** As many requests as h2load sends in about the time of the others; its start is counted too, and is small. */
async function measureH2load(endpoint, { inFlight, bodyFile }, expectedPerSec) {
  const count = Math.max(200, Math.round(expectedPerSec * seconds));
  const fields = ['-H', 'content-type: application/grpc', '-H', 'te: trailers'];
  const args = ['-n', String(count), '-c', '1', '-m', String(inFlight), '-d', bodyFile, ...fields];
  const { text, cpuUs } = await run('h2load', [...args, `http://${endpoint}/${methodPath}`]);
  if (!text.includes(`${count} succeeded`)) throw new Error(`h2load failed: ${text}`);
  return { perSec: Number(/([\d.]+) req\/s/.exec(text)[1]), cpuUs: cpuUs / count };
}

const row = (name, runs, base) => {
  const perSec = median(runs.map((one) => one.perSec));
  const cpuUs = median(runs.map((one) => one.cpuUs));
  const ratios =
    base === undefined ? '' : `${(base.perSec / perSec).toFixed(2)}x rate, ${(base.cpuUs / cpuUs).toFixed(3)}x CPU`;
  return {
    perSec,
    cpuUs,
    line: `${name.padEnd(16)}${perSec.toFixed(0).padStart(10)}${cpuUs.toFixed(2).padStart(10)}   ${ratios}`,
  };
};

function print(title, results) {
  console.log(`\n${title}; medians of ${rounds} rounds in turns`);
  console.log(`${'client'.padEnd(16)}${'req/s'.padStart(10)}${'CPU us'.padStart(10)}   grpc-wire against it`);
  const own = row('grpc-wire', results.get('grpc-wire'));
  console.log(own.line);
  for (const [name, runs] of results) if (name !== 'grpc-wire') console.log(row(name, runs, own).line);
  const { intervalUs, sendUs, receiveUs, systemUs } = results.get('grpc-wire').at(-1);
  const parts = {
    'in the kernel': systemUs,
    'intervals afterwards': intervalUs,
    'send to socket': sendUs,
    'first to last byte': receiveUs,
  };
  console.log(
    Object.entries(parts)
      .map(([name, us]) => `${name} ${us.toFixed(2)} us`)
      .join(', '),
  );
}

async function againstNghttpd(folder, load, windowBits) {
  const server = await startNghttpd(folder, windowBits);
  const results = new Map(['grpc-wire', 'h2load', 'grpc-js'].map((name) => [name, []]));
  try {
    for (let round = 0; round < rounds; round++) {
      const own = await measureDriven('grpc-wire', server.endpoint, load);
      results.get('grpc-wire').push(own);
      results.get('h2load').push(await measureH2load(server.endpoint, load, own.perSec));
      results.get('grpc-js').push(await measureDriven('grpc-js', server.endpoint, load));
    }
  } finally {
    server.stop();
  }
  print(`${load.name}, nghttpd, windows of ${windowBits === undefined ? '64 KiB' : `2^${windowBits}`}`, results);
}

const cpuUsOf = (pid) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
};

/** perf_analyzer's CPU time while it measures, over the requests that it says it sent. */
async function measurePerfAnalyzer(command, endpoint, { inFlight, bytes }) {
  const shape = `INPUT0:${bytes / 4}`;
  const windows = ['-p', String(Math.round(seconds * 1000)), '-r', '3', '-s', '999'];
  const args = [
    '-m',
    'identity',
    '-u',
    endpoint,
    '-i',
    'grpc',
    '--shape',
    shape,
    '--concurrency-range',
    String(inFlight),
  ];
  const child = spawn(command, [...args, ...windows], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part) => {
    text += part;
  });
  const closed = new Promise((resolve) => child.once('close', resolve));
  await delay(1000 + seconds * 1000);
  const before = cpuUsOf(child.pid);
  const beginMs = performance.now();
  await delay(seconds * 1000);
  const usPerSec = ((cpuUsOf(child.pid) - before) * 1000) / (performance.now() - beginMs);
  await closed;
  const perSec = Number(/throughput: ([\d.]+) infer\/sec/.exec(text)?.[1]);
  return { perSec, cpuUs: usPerSec / perSec };
}

async function againstTriton(endpoint, perfAnalyzer, load) {
  const results = new Map(['grpc-wire', 'grpc-js', 'perf_analyzer'].map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const kind of ['grpc-wire', 'grpc-js']) results.get(kind).push(await measureDriven(kind, endpoint, load));
    results.get('perf_analyzer').push(await measurePerfAnalyzer(perfAnalyzer, endpoint, load));
  }
  print(`${load.name}, tritonserver`, results);
}

if (spawnSync('nghttpd', ['--version']).status !== 0 || spawnSync('h2load', ['--version']).status !== 0) {
  console.log('needs nghttpd and h2load (Debian: nghttp2-server, nghttp2-client)');
  process.exit(3);
}
const folder = mkdtempSync(join(tmpdir(), 'perf-ts-bench-'));
try {
  const output = { name: 'OUTPUT0', dataType: 'FP32', shape: [1, 16], bytes: new Uint8Array(64) };
  const response = encodeInferResponse({ modelName: 'identity', modelVersion: '1', id: '', outputs: [output] });
  mkdirSync(join(folder, 'inference.GRPCInferenceService'));
  writeFileSync(join(folder, methodPath), prefixed(response));
  for (const load of loads) {
    const input = { name: 'INPUT0', dataType: 'FP32', shape: [1, load.bytes / 4], bytes: new Uint8Array(load.bytes) };
    const request = { modelName: 'identity', modelVersion: '', id: '', inputs: [input], outputNames: [] };
    load.bodyFile = join(folder, `${load.bytes}.bin`);
    writeFileSync(load.bodyFile, prefixed(encodeInferRequest(request)));
  }
  const isAsked = (name) => flags.only === undefined || flags.only === name;
  if (isAsked('small')) await againstNghttpd(folder, loads[0], 28);
  if (isAsked('large')) await againstNghttpd(folder, loads[1], 28);
  if (isAsked('windows')) await againstNghttpd(folder, loads[1], undefined);
  if (flags.triton !== undefined && flags['perf-analyzer'] !== undefined) {
    for (const load of loads) await againstTriton(flags.triton, flags['perf-analyzer'], load);
  }
} finally {
  rmSync(folder, { recursive: true });
}
