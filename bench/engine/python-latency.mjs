/**
 * The tail of the official Python client's latencies, one request at a time: against the engine, against the front end alone,
 * and against a real Triton's Python backend where PERF_TS_TRITON names a script that starts one. Tells what of the tail
 * is the client's own: `PERF_TS_TEST_PYTHON=python node bench/engine/python-latency.mjs [--rounds N] [--count N]`.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { encodeInferResponse } from '../../dist/src/kserve/infer-codec.js';
import { median, startCannedServer } from './canned-process.mjs';
import { startEngineProcess } from './engine-process.mjs';

const { values: flags } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, count: { type: 'string', default: '2000' } },
});
const python = process.env.PERF_TS_TEST_PYTHON ?? 'python3';
const script = fileURLToPath(new URL('python-client.py', import.meta.url));
const tensor = { name: 'OUTPUT0', dataType: 'FP32', shape: [1, 16], bytes: new Uint8Array(64) };
const answer = encodeInferResponse({ modelName: 'identity', modelVersion: '1', id: '', outputs: [tensor] });
const io = (backend) =>
  `${backend}max_batch_size: 8\ndynamic_batching { }\ninstance_group { kind: KIND_CPU count: 1 }\n` +
  'input { name: "INPUT0" data_type: TYPE_FP32 dims: [ 16 ] }\noutput { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 16 ] }\n';
const onnx = readFileSync(fileURLToPath(new URL('../../test/support/models/identity.onnx', import.meta.url)));
const pythonModel = `import triton_python_backend_utils as pb
class TritonPythonModel:
    def execute(self, requests):
        return [pb.InferenceResponse([pb.Tensor("OUTPUT0", pb.get_input_tensor_by_name(r, "INPUT0").as_numpy())]) for r in requests]
`;

async function startTriton() {
  const folder = mkdtempSync(join(tmpdir(), 'perf-ts-triton-'));
  mkdirSync(join(folder, 'identity', '1'), { recursive: true });
  writeFileSync(join(folder, 'identity', '1', 'model.py'), pythonModel);
  writeFileSync(join(folder, 'identity', 'config.pbtxt'), io('backend: "python"\n'));
  const port = 20_000 + (process.pid % 10_000);
  const args = ['--model-repository', folder, `--grpc-port=${port}`, '--allow-http=false', '--allow-metrics=false'];
  const child = spawn(process.env.PERF_TS_TRITON, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  await new Promise((resolve, reject) => {
    let text = '';
    child.once('exit', () => reject(new Error(`tritonserver ended: ${text.slice(-500)}`)));
    child.stderr.setEncoding('utf8').on('data', (part) => {
      text += part;
      if (text.includes('Started GRPCInferenceService')) resolve();
    });
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true });
  };
  return { port, stop };
}

const servers = {
  engine: () => startEngineProcess({ identity: { onnx, config: io('') } }),
  'front end': () => startCannedServer('own', answer),
  ...(process.env.PERF_TS_TRITON === undefined ? {} : { triton: startTriton }),
};

if (spawnSync(python, ['-c', 'import tritonclient.grpc, numpy']).status !== 0) {
  console.log(`skipped: ${python} has no tritonclient.grpc; PERF_TS_TEST_PYTHON names one that has`);
  process.exit(0);
}
const results = Object.fromEntries(Object.keys(servers).map((name) => [name, []]));
for (let round = 0; round < Number(flags.rounds); round++) {
  for (const [name, start] of Object.entries(servers)) {
    const server = await start();
    const { stdout, stderr } = spawnSync(python, [script, `127.0.0.1:${server.port}`, 'identity', flags.count], {
      encoding: 'utf8',
    });
    await server.stop();
    if (stdout === '') throw new Error(stderr);
    results[name].push(JSON.parse(stdout));
  }
}
for (const [name, runs] of Object.entries(results)) {
  const of = (figure) => median(runs.map((run) => run[figure]));
  console.log(
    `${name.padEnd(10)} p50 ${of('p50Us')} us, p90 ${of('p90Us')}, p99 ${of('p99Us')}, max ${of('maxUs')}; Python's collector: ${of('gcPauses')} pauses, the longest ${of('gcMaxUs')} us`,
  );
}
