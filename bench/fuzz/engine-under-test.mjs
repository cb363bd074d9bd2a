/** An engine as people start it, over a repository made of the small models of the tests. */
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const models = fileURLToPath(new URL('../../test/support/models/', import.meta.url));

/** Writes `{ NAME: { file, config } }`; an empty config leaves it to the engine. */
export function writeRepository(repository) {
  const folder = mkdtempSync(join(tmpdir(), 'perf-ts-fuzz-'));
  for (const [name, { file, config }] of Object.entries(repository)) {
    mkdirSync(join(folder, name, '1'), { recursive: true });
    copyFileSync(join(models, file), join(folder, name, '1', 'model.onnx'));
    if (config !== '') writeFileSync(join(folder, name, 'config.pbtxt'), config);
  }
  return folder;
}

/** `flags` follow those of the ports; `nodeFlags` go to Node. */
export async function startEngine(folder, flags = [], nodeFlags = []) {
  const entry = fileURLToPath(new URL('../../bin/perf-ts.js', import.meta.url));
  const ports = ['--grpc-port=0', '--http-port=0', '--metrics-port=0'];
  const args = [...nodeFlags, entry, 'serve', '--model-repository', folder, ...ports, ...flags];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors = (errors + text).slice(-4000);
  });
  child.stdout.resume();
  const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  const ready = await new Promise((resolve) => {
    child.once('message', resolve);
    void ended.then(resolve);
  });
  if (ready.kind !== 'ready') throw new Error(`the engine did not start: ${JSON.stringify(ready)} ${errors}`);
  const portOf = (endpoint) => Number(endpoint.split(':').at(-1));
  const { grpcEndpoint, httpEndpoint, metricsEndpoint } = ready;
  return {
    pid: child.pid,
    grpcPort: portOf(grpcEndpoint),
    httpPort: portOf(httpEndpoint),
    metricsEndpoint,
    ended,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    errors: () => errors,
    stop: () => child.kill('SIGTERM'),
  };
}
