import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngineLog } from '../../engine/log/create-engine-log.js';
import { engineOptionRows } from '../../engine/options.js';
import { type Engine, startEngine } from '../../engine/server.js';
import { readOptions } from '../../src/common/option-row.js';
import { packageRoot } from '../../src/common/package-root.js';
import { buildZooModel } from '../../src/onnx/zoo/zoo.js';
import { findPython } from '../support/find-python.js';
import { buildIdentityModel } from '../support/identity-model.js';
import { writeRepository } from '../support/model-repository.js';
import { runPython } from '../support/run-python-checks.js';
import { type Answer, compareAnswers, knownDifferences } from './known-differences.js';

/** A command that starts tritonserver with the Python backend and takes its flags, such as peers/triton.sh. */
const triton = process.env.PERF_TS_TRITON;
const python = findPython(['tritonclient.grpc', 'tritonclient.utils.shared_memory', 'google.protobuf']);
const isThere = triton !== undefined && existsSync(triton) && python !== undefined;
if (!isThere)
  console.warn('SKIPPED: no tritonserver to compare with (PERF_TS_TRITON names the command that starts one)');

const common = 'max_batch_size: 8\ndynamic_batching { }\ninstance_group { kind: KIND_CPU count: 1 }\n';
const tensor = (io: string, name: string, type: string, dims: string, more = ''): string =>
  `${io} { name: "${name}" data_type: ${type} dims: [ ${dims} ] ${more} }\n`;
const labels = 'label_filename: "labels.txt"';
const identityTensors =
  tensor('input', 'INPUT0', 'TYPE_FP32', '-1') + tensor('output', 'OUTPUT0', 'TYPE_FP32', '-1', labels);
const addSubTensors = ['INPUT0', 'INPUT1', 'OUTPUT0', 'OUTPUT1']
  .map((name) => tensor(name.startsWith('IN') ? 'input' : 'output', name, 'TYPE_INT32', '16'))
  .join('');

const pythonModel = (body: string): string => `
import triton_python_backend_utils as pb_utils

def read(request, name):
    return pb_utils.get_input_tensor_by_name(request, name).as_numpy()

class TritonPythonModel:
    def execute(self, requests):
        return [pb_utils.InferenceResponse([pb_utils.Tensor(n, v) for n, v in self.run(r).items()]) for r in requests]

    def run(self, r):
        ${body}
`;

const config = (backend: string, tensors: string): string => `backend: "${backend}"\n${common}${tensors}`;

const tritonModels = (): Promise<string> =>
  writeRepository({
    'identity/config.pbtxt': config('python', identityTensors),
    'identity/labels.txt': 'cat\ndog\nfish\n',
    'identity/1/model.py': pythonModel('return {"OUTPUT0": read(r, "INPUT0")}'),
    'add_sub/config.pbtxt': config('python', addSubTensors),
    'add_sub/1/model.py': pythonModel(
      'a, b = read(r, "INPUT0"), read(r, "INPUT1"); return {"OUTPUT0": a + b, "OUTPUT1": a - b}',
    ),
  });

const ourModels = (): Promise<string> =>
  writeRepository({
    'identity/config.pbtxt': config('onnxruntime', identityTensors),
    'identity/labels.txt': 'cat\ndog\nfish\n',
    'identity/1/model.onnx': buildIdentityModel('FP32'),
    'add_sub/config.pbtxt': config('onnxruntime', addSubTensors),
    'add_sub/1/model.onnx': buildZooModel('add_sub'),
  });

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

async function startTriton(command: string, [grpc, http, metrics]: readonly number[]): Promise<ChildProcess> {
  const repository = await tritonModels();
  const words = [`--model-repository=${repository}`, `--grpc-port=${grpc}`, `--http-port=${http}`];
  const child = spawn(command, [...words, `--metrics-port=${metrics}`], { stdio: 'ignore' });
  for (let attempt = 0; attempt < 300; attempt++) {
    const answer = await fetch(`http://127.0.0.1:${http}/v2/health/ready`).catch(() => undefined);
    if (answer?.status === 200) return child;
    if (child.exitCode !== null) throw new Error(`tritonserver ended with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  child.kill('SIGKILL');
  throw new Error('tritonserver is not ready after a minute');
}

/** Asked nicely, because a killed one leaves its shared memory behind. */
function endTriton(child: ChildProcess): Promise<void> {
  const patience = setTimeout(() => child.kill('SIGKILL'), 30_000);
  return new Promise((resolve) => {
    child.once('exit', () => {
      clearTimeout(patience);
      resolve();
    });
    child.kill('SIGTERM');
  });
}

const ask = (ports: readonly (number | undefined)[]): Promise<Answer[]> =>
  runPython<Answer>(
    python!,
    join(packageRoot, 'test', 'contract', 'side_by_side.py'),
    ...ports.map((port) => `127.0.0.1:${port}`),
  );

describe.skipIf(!isThere)('beside a real tritonserver, the engine', () => {
  let child: ChildProcess | undefined;
  let engine: Engine | undefined;
  let theirs: Answer[] = [];
  let ours: Answer[] = [];

  beforeAll(async () => {
    const ports = [await freePort(), await freePort(), await freePort()];
    child = await startTriton(triton!, ports);
    const { values } = readOptions(engineOptionRows, {
      'model-repository': [await ourModels()],
      'http-port': ['0'],
      'grpc-port': ['0'],
      'metrics-port': ['0'],
      'allow-client-shm': ['true'],
    });
    engine = await startEngine(values, { log: createEngineLog({}, { write: () => undefined }) });
    theirs = await ask(ports);
    ours = await ask([engine.grpcPort, engine.httpPort, engine.metricsPort]);
  }, 180_000);

  afterAll(async () => {
    await engine?.close();
    if (child !== undefined && child.exitCode === null) await endTriton(child);
  }, 60_000);

  it('gives the same answers to the same requests, but for the differences that are known', () => {
    expect(theirs.length).toBeGreaterThan(200);
    expect(compareAnswers(theirs, ours).map((difference) => JSON.stringify(difference))).toEqual([]);
  });

  it('differs in everything that is listed as a difference', () => {
    const unlisted = compareAnswers(theirs, ours, {}).map(({ request }) => request);
    expect(Object.keys(knownDifferences).filter((request) => !unlisted.includes(request))).toEqual([]);
  });
});
