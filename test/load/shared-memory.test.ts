/** Load with tensors in shared memory, on the real engine: what is sent and answered, and that nothing is left behind. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../engine/server.js';
import { admins } from '../../src/client/connect-admin.js';
import { SharedObject } from '../../src/client/shared-memory/shared-object.js';
import { packageRoot } from '../../src/common/package-root.js';
import { startLoadWorkers } from '../../src/load/worker-pool.js';
import { buildDataset } from '../../src/plan/input-data/build-dataset.js';
import { readJsonData } from '../../src/plan/input-data/json-data.js';
import type { LoadPlan } from '../../src/plan/load-plan.js';
import { startContractEngine } from '../support/contract-engine.js';
import { sampleInput, sampleModel, samplePlan } from '../support/sample-plan.js';

const input = { name: 'INPUT0', dataType: 'FP32', shape: [-1] } as const;
const output = { name: 'OUTPUT0', dataType: 'FP32', shape: [-1] } as const;
const dyingWorker = pathToFileURL(join(packageRoot, 'test/support/region-leaving-worker.mjs'));

const leftObjects = (): string[] =>
  readdirSync('/dev/shm').filter((name) => name.startsWith(`perf-ts-${process.pid}-`));

describe.skipIf(process.platform !== 'linux')('load through shared memory', () => {
  let engine: Engine | undefined;
  beforeAll(async () => {
    engine = await startContractEngine();
  }, 120_000);
  afterAll(() => engine?.close());

  function planOf(protocol: 'grpc' | 'http', changes: Partial<LoadPlan> = {}): LoadPlan {
    const data = [{ INPUT0: [1, 2, 3] }, { INPUT0: [4, 5, 6] }, { INPUT0: [7, 8, 9] }];
    // The last step expects what the identity does not give.
    const validation_data = [{ OUTPUT0: [1, 2, 3] }, {}, { OUTPUT0: [7, 8, 10] }];
    const streams = readJsonData(JSON.stringify({ data, validation_data }), 'in.json', []);
    const dataset = buildDataset(
      [{ kind: 'json', path: 'in.json', streams }],
      {
        model: 'identity_fp32',
        inputs: [input],
        outputs: [output],
        optionalInputs: new Set(),
        generatedInputs: new Set(),
        shapes: {},
      },
      [],
    )!;
    const planned = sampleInput({ ...input, shape: [3], source: { kind: 'data', rowBytes: 12 } });
    const model = sampleModel({ model: 'identity_fp32', shapeVariants: [[planned]], dataset, outputs: [output] });
    const port = protocol === 'grpc' ? engine!.grpcPort : engine!.httpPort;
    return samplePlan({
      protocol,
      endpoint: `127.0.0.1:${port}`,
      models: [model],
      sharedMemory: { kind: 'system', outputBytes: 4096 },
      ...changes,
    });
  }

  it.each([
    ['grpc', 'grpc-wire'],
    ['grpc', 'grpc-js'],
    ['http', 'http'],
  ] as const)(
    'over %s by %s gives the answers of plain messages, and leaves nothing behind',
    async (protocol, client) => {
      const plan = planOf(protocol, { client });
      const admin = admins[protocol](plan.endpoint);
      const stranger = new SharedObject(`someone-else-${process.pid}-${client}`, 64);
      await admin.registerSharedMemory({ name: 'someone-else', key: stranger.key, byteSize: 64 });
      const pool = await startLoadWorkers(plan);
      const run = await pool.startLevel({ kind: 'closed', concurrency: 2, batchSize: 1, requestCount: 30 });
      while (run.isFinished?.() !== true) await new Promise((resolve) => setTimeout(resolve, 5));
      expect((await admin.sharedMemoryNames()).filter((name) => name.startsWith('perf-ts-'))).toHaveLength(1);
      // Their names are gone as soon as the server has them open.
      expect(leftObjects()).toEqual([]);
      await run.stop();
      expect(run.errors()).toEqual({});
      const found = run.mismatches?.();
      expect(found).toMatchObject({ checkedCount: 20, mismatchCount: 10 });
      expect(found?.first).toBe('output OUTPUT0 has 9 at element 2 where 10 was expected');
      await pool.close();
      expect(await admin.sharedMemoryNames()).toEqual(['someone-else']);
      await admin.unregisterSharedMemory('someone-else');
      stranger.close();
      await admin.close();
    },
  );

  it('is taken back from a worker that dies with it', async () => {
    const plan = planOf('grpc');
    const pool = await startLoadWorkers(plan, dyingWorker);
    const admin = admins.grpc(plan.endpoint);
    expect(await admin.sharedMemoryNames()).toHaveLength(1);
    expect(leftObjects()).toHaveLength(1);
    const started = pool.startLevel({ kind: 'closed', concurrency: 1, batchSize: 1 });
    await expect(started).rejects.toMatchObject({ code: 'LOAD_FAILED' });
    await pool.close();
    expect(await admin.sharedMemoryNames()).toEqual([]);
    expect(leftObjects()).toEqual([]);
    await admin.close();
  });

  it('is refused before any load where the server has none', async () => {
    const unreachable = planOf('grpc', { models: [sampleModel({ outputs: [output] })] });
    const model = { ...unreachable, models: [{ ...unreachable.models[0]!, model: 'no_such_model' }] };
    await expect(startLoadWorkers(model)).rejects.toMatchObject({ code: 'TARGET_REFUSED' });
    expect(leftObjects()).toEqual([]);
  });
});
