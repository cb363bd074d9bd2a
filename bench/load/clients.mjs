// Requests a second and CPU a request of each load client against the bundled engine serving identity (FP32[16]), in
// turns: `node bench/load/clients.mjs [seconds]` after a build. Read as ratios: client and server share the host.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const command = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'bin', 'perf-ts.js');
const seconds = Number(process.argv[2] ?? 3);
const rounds = 3;
const folder = mkdtempSync(join(tmpdir(), 'perf-ts-bench-'));

const kinds = { 'grpc-wire': 'grpc', 'grpc-js': 'grpc', http: 'http' };

function measure(kind, concurrency) {
  const client = ['-i', kinds[kind], '--client', kind];
  const args = ['-m', 'identity', '--server', 'embedded', ...client, '--concurrency-range', String(concurrency)];
  const times = ['--min-time', `${seconds}s`, '--max-time', `${seconds}s`, '--json'];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [command, ...args, ...times], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let text = '';
    child.stdout.on('data', (part) => {
      text += part;
    });
    child.once('close', () => {
      try {
        resolve(JSON.parse(text).levels[0]);
      } catch (cause) {
        reject(new Error(`no record from ${kind}: ${text}`, { cause }));
      }
    });
  });
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

try {
  console.log('client     in flight  requests/s  p50 us  client CPU us/request (medians)');
  for (const concurrency of [1, 16, 64]) {
    const levels = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, []]));
    for (let round = 0; round < rounds; round++) {
      for (const kind of Object.keys(levels)) levels[kind].push(await measure(kind, concurrency));
    }
    for (const [kind, runs] of Object.entries(levels)) {
      const rate = Math.round(median(runs.map((level) => level.requestsPerSec)));
      const p50 = Math.round(median(runs.map((level) => level.latencyNs.p50)) / 1000);
      const cpu = Math.round(median(runs.map((level) => level.clientCpuNsPerRequest)) / 1000);
      console.log(
        [
          kind.padEnd(9),
          String(concurrency).padStart(10),
          String(rate).padStart(11),
          String(p50).padStart(7),
          String(cpu).padStart(8),
        ].join(' '),
      );
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
