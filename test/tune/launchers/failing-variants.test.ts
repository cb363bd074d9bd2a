/** Variants that serve faster by failing some of their requests, on a running server. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createEngineLog } from '../../../engine/log/create-engine-log.js';
import { engineOptionRows } from '../../../engine/options.js';
import { type Engine, startEngine } from '../../../engine/server.js';
import { connectAdmin } from '../../../src/client/connect-admin.js';
import type { ServerAdmin } from '../../../src/client/server-admin.js';
import { readOptions } from '../../../src/common/option-row.js';
import { seconds } from '../../../src/common/units.js';
import type { StudyRecord } from '../../../src/record/study-record.js';
import { createStudyStore } from '../../../src/record/study-store.js';
import { renderStudyReportText } from '../../../src/report/study-console.js';
import { parseObjective } from '../../../src/tune/objectives/objective.js';
import { runSweep } from '../../../src/tune/sweep.js';
import { startFlakyProxy } from '../../support/flaky-proxy.js';
import { buildIdentityModel } from '../../support/identity-model.js';
import { writeRepository } from '../../support/model-repository.js';

const config =
  'max_batch_size: 8\ninstance_group { kind: KIND_CPU count: 1 }\n' +
  'input { name: "INPUT0" data_type: TYPE_FP32 dims: [ 16 ] }\noutput { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 16 ] }\n';

let engine: Engine;
let admin: ServerAdmin;
let folder: string;

beforeAll(async () => {
  const repository = await writeRepository({
    'identity/config.pbtxt': config,
    'identity/1/model.onnx': buildIdentityModel('FP32', ['batch', 16]),
  });
  const { values } = readOptions(engineOptionRows, {
    'model-repository': [repository],
    'http-port': ['0'],
    'grpc-port': ['0'],
    'allow-metrics': ['false'],
    'model-control-mode': ['explicit'],
    'load-model': ['identity'],
  });
  engine = await startEngine(values, { log: createEngineLog({}, { write: () => undefined }) });
  admin = await connectAdmin({ endpoint: `127.0.0.1:${engine.grpcPort}`, protocol: 'grpc' });
}, 60_000);
afterAll(async () => {
  await admin.close();
  await engine.close();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'perf-ts-flaky-test-'));
  vi.stubEnv('PERF_TS_STATE', join(folder, 'state'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

async function sweep(fails: (request: number, instances: number) => boolean): Promise<StudyRecord> {
  let instances = 1;
  const timer = setInterval(() => {
    void admin.modelConfig('identity').then(
      (now) => {
        instances = now?.instance_group?.[0]?.count ?? 1;
      },
      () => undefined,
    );
  }, 20);
  const proxy = await startFlakyProxy(`127.0.0.1:${engine.grpcPort}`, (request) => fails(request, instances));
  const store = await createStudyStore({ resultsFolder: join(folder, 'results'), model: 'identity' });
  try {
    return await runSweep(
      {
        model: 'identity',
        modelFolder: undefined,
        server: { kind: 'remote', endpoint: proxy.endpoint },
        isDemoModel: false,
        budget: seconds(14),
        objective: parseObjective('latency_p50'),
        constraints: [],
        strategy: 'exhaustive',
        seed: 1,
        concurrency: 6,
        knobs: { instance_count: [1, 2] },
        command: ['perf-ts', 'sweep'],
      },
      {
        store,
        listener: { onTrialStart() {}, onProgress() {}, onTrial() {}, onConfirmation() {} },
        signal: new AbortController().signal,
      },
    );
  } finally {
    clearInterval(timer);
    await store.close();
    await proxy.close();
  }
}

describe('a variant that fails requests', { timeout: 90_000 }, () => {
  it('is infeasible beyond the limit, with its error rate as the reason, and is never recommended', async () => {
    const record = await sweep((request, instances) => instances > 1 && request % 5 < 2);
    const tried = record.trials.filter(({ variantId }) => variantId !== 'default');
    expect(tried.length).toBeGreaterThan(0);
    for (const trial of tried) {
      expect(trial).toMatchObject({ state: 'infeasible', cause: 'requests_failed', score: null });
      expect(trial.reason).toMatch(/error_rate <= 1%: was \d.*another instance is alive/);
    }
    expect(record.recommended).toEqual({ portable: null, engine: null });
    expect(record.trials.find(({ id }) => id === 'default')?.state).toBe('complete');
    expect(renderStudyReportText(record, { width: 120, color: false })).toMatch(/error_rate <= 1%/);
  });

  it('counts by the share that fails: one failing request, the first of all, is no failed trial', async () => {
    // The first request of a server, sent before any load, and one in 500 after that.
    const record = await sweep((request) => request % 500 === 1);
    expect(record.trials.length).toBeGreaterThan(1);
    expect(record.trials.filter(({ state }) => state === 'failed')).toEqual([]);
  });
});
