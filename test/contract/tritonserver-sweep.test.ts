/** Sweeps of a model of a real tritonserver's Python backend: pushed to a running one, and on one for each trial. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectAdmin } from '../../src/client/connect-admin.js';
import type { ServerAdmin } from '../../src/client/server-admin.js';
import type { ModelConfig } from '../../src/model-config/model-config.js';
import { type StudyRecord, studyRecordSchema } from '../../src/record/study-record.js';
import { writeRepository } from '../support/model-repository.js';
import { startPerfTs } from '../support/run-perf-ts.js';

/** A command that starts tritonserver with the Python backend and takes its flags. */
const triton = process.env.PERF_TS_TRITON;
const isThere = triton !== undefined && existsSync(triton);
if (!isThere) console.warn('SKIPPED: no tritonserver to tune (PERF_TS_TRITON names the command that starts one)');

const model = 'mostly_overhead';
const config = `backend: "python"
max_batch_size: 16
input { name: "x" data_type: TYPE_FP32 dims: [ 4 ] }
output { name: "y" data_type: TYPE_FP32 dims: [ 4 ] }
instance_group { kind: KIND_CPU count: 1 }
`;
/** 2 ms an execution and 0.1 ms a row: batches pay, and so do instances, without any use of the CPU. */
const code = `
import time
import triton_python_backend_utils as pb_utils

class TritonPythonModel:
    def execute(self, requests):
        rows = [pb_utils.get_input_tensor_by_name(request, "x").as_numpy() for request in requests]
        time.sleep(0.002 + 0.0001 * sum(len(row) for row in rows))
        return [pb_utils.InferenceResponse([pb_utils.Tensor("y", 2 * row)]) for row in rows]
`;

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

describe.skipIf(!isThere)('a model of a real tritonserver', { timeout: 400_000 }, () => {
  let repository: string;
  let folder: string;
  let child: ChildProcess;
  let endpoint: string;
  let admin: ServerAdmin;
  let before: ModelConfig | undefined;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'perf-ts-triton-sweep-'));
    repository = await writeRepository({ [`${model}/config.pbtxt`]: config, [`${model}/1/model.py`]: code });
    endpoint = `127.0.0.1:${await freePort()}`;
    const flags = [
      '--model-control-mode=explicit',
      `--load-model=${model}`,
      '--allow-http=false',
      '--allow-metrics=false',
    ];
    const words = [`--model-repository=${repository}`, `--grpc-port=${endpoint.split(':')[1]}`, ...flags];
    child = spawn(triton!, words, { stdio: 'ignore' });
    for (let attempt = 0; attempt < 300; attempt++) {
      const connected = await connectAdmin({ endpoint, protocol: 'grpc' }).catch(() => undefined);
      if (connected !== undefined) {
        admin = connected;
        break;
      }
      await delay(200);
    }
    before = await admin.modelConfig(model);
  }, 120_000);
  afterAll(async () => {
    await admin?.close();
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  async function sweep(...words: readonly string[]): Promise<StudyRecord> {
    const run = startPerfTs(['sweep', '-m', model, '--json', ...words], {
      folder,
      env: { PERF_TS_STATE: join(folder, 'state') },
    });
    const { code: exitCode } = await run.ended;
    expect(exitCode, run.stderr()).toBe(0);
    return studyRecordSchema.parse(JSON.parse(run.stdout()));
  }

  const best = ({ trials }: StudyRecord): number => Math.max(...trials.map(({ score }) => score ?? 0));

  it('is tuned while the server runs, and has its config back afterwards', async () => {
    const record = await sweep('-u', endpoint, '--budget', '60s');
    expect(record.server).toMatchObject({ kind: 'remote', name: 'triton', endpoint });
    expect(Object.keys(record.trials[0]!.parameters)).not.toContain('intra_op_threads');
    expect(best(record)).toBeGreaterThan(1.5 * record.trials[0]!.score!);
    expect(await admin.modelConfig(model)).toEqual(before);
  });

  it('has its config back after Ctrl-C, and after a kill', async () => {
    for (const signal of ['SIGINT', 'SIGKILL'] as const) {
      const run = startPerfTs(['sweep', '-m', model, '-u', endpoint, '--budget', '120s'], {
        folder,
        env: { PERF_TS_STATE: join(folder, 'state') },
      });
      const isChanged = async (): Promise<boolean> =>
        JSON.stringify(await admin.modelConfig(model)) !== JSON.stringify(before);
      for (let attempt = 0; attempt < 600 && !(await isChanged()); attempt++) await delay(100);
      expect(await isChanged()).toBe(true);
      run.child.kill(signal);
      await run.ended;
      for (let attempt = 0; attempt < 300 && (await isChanged()); attempt++) await delay(100);
      expect(await admin.modelConfig(model)).toEqual(before);
    }
  });

  it('is tuned on a server of our own for each trial', async () => {
    const words = ['--server', 'local', '--tritonserver', triton!, '--model-repository', repository];
    const record = await sweep(...words, '--budget', '180s');
    expect(record.server).toMatchObject({ kind: 'local', name: 'triton' });
    expect(record.trials.length).toBeGreaterThan(1);
    expect(best(record)).toBeGreaterThan(1.3 * record.trials[0]!.score!);
  });
});
