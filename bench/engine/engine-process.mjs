/** Starts the engine as people start it, on a repository of its own, and reads its CPU time by thread (Linux). */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const TICKS_PER_SECOND = 100;

const cpuSeconds = (statFile) => {
  // The command in parentheses may hold anything; utime and stime are the 14th and 15th fields.
  const fields = readFileSync(statFile, 'utf8').split(') ').at(-1).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
};

/** `models` by name: { onnx: bytes, config: text }. `instances` are the busiest threads but for the main one. */
export async function startEngineProcess(models, flags = [], { allowHttp = false } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'perf-ts-bench-'));
  for (const [name, { onnx, config }] of Object.entries(models)) {
    mkdirSync(join(folder, name, '1'), { recursive: true });
    writeFileSync(join(folder, name, '1', 'model.onnx'), onnx);
    if (config !== undefined) writeFileSync(join(folder, name, 'config.pbtxt'), config);
  }
  const entry = fileURLToPath(new URL('../../bin/perf-ts.js', import.meta.url));
  const args = [
    entry,
    'serve',
    '--model-repository',
    folder,
    '--grpc-port=0',
    `--allow-http=${allowHttp}`,
    '--http-port=0',
    '--allow-metrics=false',
  ];
  const child = spawn(process.execPath, [...args, ...flags], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const ready = await Promise.race([new Promise((resolve) => child.once('message', resolve)), ended]);
  if (ready?.kind !== 'ready') throw new Error(`the engine did not start: ${JSON.stringify(ready)}`);
  const proc = `/proc/${child.pid}`;
  return {
    httpPort: allowHttp ? Number(ready.httpEndpoint.split(':').at(-1)) : undefined,
    port: Number(ready.grpcEndpoint.split(':').at(-1)),
    rssBytes: () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`${proc}/status`, 'utf8'))[1]) * 1024,
    /** CPU seconds since the start of each thread, by its id. */
    threads: () =>
      new Map(readdirSync(`${proc}/task`).map((id) => [Number(id), cpuSeconds(`${proc}/task/${id}/stat`)])),
    mainThread: child.pid,
    async stop() {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}
