/** Sweeps on a running server, which here is our engine in explicit mode, and what is left there however they end. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createEngineLog } from '../../../engine/log/create-engine-log.js';
import { engineOptionRows } from '../../../engine/options.js';
import { type Engine, startEngine } from '../../../engine/server.js';
import { connectAdmin } from '../../../src/client/connect-admin.js';
import type { ServerAdmin } from '../../../src/client/server-admin.js';
import { readOptions } from '../../../src/common/option-row.js';
import { millis, seconds } from '../../../src/common/units.js';
import type { ModelConfig } from '../../../src/model-config/model-config.js';
import { createStudyStore } from '../../../src/record/study-store.js';
import { findNotes, ownMark, writeNote } from '../../../src/target/pushed-config.js';
import { openRemoteServer } from '../../../src/tune/launchers/remote-server.js';
import type { StudyServer } from '../../../src/tune/launchers/study-server.js';
import { parseObjective } from '../../../src/tune/objectives/objective.js';
import { closedLoad } from '../../../src/tune/studies/study-load.js';
import type { StudyListener } from '../../../src/tune/studies/study-options.js';
import { runSweep, type SweepOptions } from '../../../src/tune/sweep.js';
import { buildSearchSpace } from '../../../src/tune/variants/search-space.js';
import { createVariant, defaultVariant } from '../../../src/tune/variants/variants.js';
import { buildIdentityModel } from '../../support/identity-model.js';
import { writeRepository } from '../../support/model-repository.js';
import { type PerfTsRun, startPerfTs } from '../../support/run-perf-ts.js';

const config =
  'max_batch_size: 8\ninstance_group { kind: KIND_CPU count: 1 }\n' +
  'input { name: "INPUT0" data_type: TYPE_FP32 dims: [ 16 ] }\noutput { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 16 ] }\n';
const knobs = { instance_count: [1, 2], dynamic_batching: [false, true] };
const neverAborted = new AbortController().signal;

let engine: Engine;
let admin: ServerAdmin;
let endpoint: string;
let before: ModelConfig;
let folder: string;
const said: string[] = [];

async function start(flags: Readonly<Record<string, string[]>>): Promise<Engine> {
  const model = buildIdentityModel('FP32', ['batch', 16]);
  const repository = await writeRepository({
    'identity/config.pbtxt': config,
    'identity/1/model.onnx': model,
    'spare/config.pbtxt': config,
    'spare/1/model.onnx': model,
  });
  const { values } = readOptions(engineOptionRows, {
    'model-repository': [repository],
    'http-port': ['0'],
    'grpc-port': ['0'],
    'allow-metrics': ['false'],
    ...flags,
  });
  return await startEngine(values, { log: createEngineLog({}, { write: () => undefined }) });
}

beforeAll(async () => {
  engine = await start({ 'model-control-mode': ['explicit'], 'load-model': ['identity'] });
  endpoint = `127.0.0.1:${engine.grpcPort}`;
  admin = await connectAdmin({ endpoint, protocol: 'grpc' });
  before = (await admin.modelConfig('identity'))!;
}, 60_000);
afterAll(async () => {
  await admin.close();
  await engine.close();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'perf-ts-remote-test-'));
  vi.stubEnv('PERF_TS_STATE', join(folder, 'state'));
  said.length = 0;
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const open = (model = 'identity', to = endpoint): Promise<StudyServer> =>
  openRemoteServer({ model, endpoint: to, say: (sentence) => said.push(sentence) });
const pending = async (): Promise<number> => (await findNotes(endpoint)).length;

describe('a sweep on a running server', { timeout: 90_000 }, () => {
  const silent: StudyListener = { onTrialStart() {}, onProgress() {}, onTrial() {}, onConfirmation() {} };
  const options = (): SweepOptions => ({
    model: 'identity',
    modelFolder: undefined,
    server: { kind: 'remote', endpoint },
    isDemoModel: false,
    budget: seconds(25),
    objective: parseObjective('throughput'),
    constraints: [],
    strategy: 'exhaustive',
    seed: 1,
    knobs: { instance_count: [1, 2] },
    command: ['perf-ts', 'sweep'],
  });

  it('takes the server’s config for the default, tries variants, and gives the config back', async () => {
    const store = await createStudyStore({ resultsFolder: join(folder, 'results'), model: 'identity' });
    const seen = new Set<string>();
    const listener: StudyListener = {
      ...silent,
      onProgress: () =>
        void admin.modelConfig('identity').then((now) => seen.add(String(now?.instance_group?.[0]?.count))),
    };
    const record = await runSweep(options(), { store, listener, signal: neverAborted });
    await store.close();
    expect(record).toMatchObject({ state: 'complete', server: { kind: 'remote', endpoint } });
    expect(record.default.configPbtxt).toContain('name: "identity"');
    expect(record.trials[0]).toMatchObject({ id: 'default', state: 'complete' });
    for (const trial of record.trials) expect(['complete', 'pruned'], trial.reason ?? '').toContain(trial.state);
    expect(seen).toContain('2');
    expect(await admin.modelConfig('identity')).toEqual(before);
    expect(await pending()).toBe(0);
  });

  it('writes the recommended config alone, and a script that measures it on the server again', async () => {
    const store = await createStudyStore({ resultsFolder: join(folder, 'results'), model: 'identity' });
    const { saveRecommendations } = await import('../../../src/tune/results/save-recommendations.js');
    const server = await open();
    const trial = { variantId: 'v-1', parameters: { instance_count: 2 }, level: null };
    const base = { variantId: 'default', parameters: { instance_count: 1 }, level: null };
    const record = {
      model: 'identity',
      trials: [base, trial],
      recommended: { portable: { id: 'v-1', configPbtxt: 'x', changes: [], diff: '' }, engine: null },
    };
    const question = { kind: 'remote', endpoint } as const;
    await saveRecommendations(record as never, [server.model], store, [], question);
    await server.close();
    const place = join(store.path, 'recommended', 'portable');
    expect(readdirSync(join(place, 'identity'))).toEqual(['config.pbtxt']);
    expect(readFileSync(join(place, 'repro.sh'), 'utf8')).toContain(`sweep -m identity -u "\${SERVER:-${endpoint}}"`);
    expect(readFileSync(join(place, 'repro.yaml'), 'utf8')).toMatch(/knobs:\n {2}instance_count:\n {4}- 2\n/);
    await store.close();
  });

  it('refuses a limit on answers, because there is no file to compare with, and changes nothing', async () => {
    const store = await createStudyStore({ resultsFolder: join(folder, 'results'), model: 'identity' });
    const { parseConstraint } = await import('../../../src/tune/objectives/constraint.js');
    const sweep = runSweep(
      { ...options(), constraints: [parseConstraint('accuracy_cosine >= 0.99')] },
      { store, listener: silent, signal: neverAborted },
    );
    await expect(sweep).rejects.toMatchObject({ code: 'BAD_OPTION', problems: [{ where: '--constraint' }] });
    await store.close();
    expect(await admin.modelConfig('identity')).toEqual(before);
    expect(await pending()).toBe(0);
  });
});

describe('a running server', { timeout: 60_000 }, () => {
  it('serves a pushed variant, and its refusal of another is told in its own words and leaves the first', async () => {
    const server = await open();
    const context = await server.describeContext({ selection: knobs, runtimes: [], signal: neverAborted });
    const space = buildSearchSpace(context, knobs);
    const variant = createVariant(server.model, space, { instance_count: 2, dynamic_batching: true }, context);
    const launched = await server.launchVariant(variant, { seed: 1, signal: neverAborted });
    const level = await launched.measure({
      load: closedLoad(4),
      duration: millis(600),
      signal: neverAborted,
      onProgress() {},
    });
    expect(level).toMatchObject({ errors: {}, warnings: expect.not.arrayContaining([{ code: 'FOREIGN_REQUESTS' }]) });
    await launched.close();
    const broken = { ...variant, config: { ...variant.config, backend: 'no_such_backend' } };
    await expect(server.launchVariant(broken, { seed: 1, signal: neverAborted })).rejects.toThrow(/no_such_backend/);
    expect((await admin.modelConfig('identity'))?.instance_group?.[0]?.count).toBe(2);
    const unchanged = await server.launchVariant(defaultVariant(server.model, space), {
      seed: 1,
      signal: neverAborted,
    });
    await unchanged.close();
    await server.close();
    await server.close();
    expect(await admin.modelConfig('identity')).toEqual(before);
    expect(said).toEqual([`Restored 'identity' on ${endpoint} to the config it had.`]);
  });

  it('gets back a config that somebody had pushed before', async () => {
    const theirs = { ...before, max_batch_size: 4 };
    await admin.loadModel('identity', { config: theirs });
    const found = await admin.modelConfig('identity');
    const server = await open();
    const launched = await server.launchVariant(
      { id: 'v', parameters: {}, changed: [], config: { ...theirs, max_batch_size: 2 }, configPbtxt: '' },
      { seed: 1, signal: neverAborted },
    );
    await launched.close();
    await server.close();
    expect(await admin.modelConfig('identity')).toEqual(found);
    await admin.loadModel('identity');
    expect(await admin.modelConfig('identity')).toEqual(before);
  });

  it('unloads a model again that was not loaded', async () => {
    const server = await open('spare');
    expect(await admin.isModelReady('spare')).toBe(true);
    await server.close();
    expect(await admin.isModelReady('spare')).toBe(false);
  });

  it('without explicit mode is refused with its answer and the flag it needs, and leaves no note', async () => {
    const fixed = await start({});
    try {
      await expect(open('identity', `127.0.0.1:${fixed.grpcPort}`)).rejects.toMatchObject({
        code: 'TARGET_REFUSED',
        problems: [{ what: expect.stringContaining('not allowed'), hint: expect.stringContaining('explicit') }],
      });
      expect(await pending()).toBe(0);
    } finally {
      await fixed.close();
    }
  });

  it('that another sweep is using is refused', async () => {
    const note = {
      endpoint,
      protocol: 'grpc',
      model: 'spare',
      config: before,
      wasLoaded: true,
      guardian: null,
    } as const;
    await writeNote({ schema: 'perf-ts/pushed@1', ...note, owner: ownMark() });
    await expect(open()).rejects.toMatchObject({ code: 'TARGET_REFUSED', problems: [{ where: endpoint }] });
  });
});

describe('a sweep that is killed', { timeout: 120_000 }, () => {
  /** Runs until a variant is on the server. */
  async function runUntilPushed(): Promise<PerfTsRun> {
    const file = join(folder, 'sweep.yaml');
    writeFileSync(file, 'knobs: { instance_count: [2, 3], max_batch_size: [4] }\nstrategy: exhaustive\n');
    const run = startPerfTs(['sweep', '-m', 'identity', '-u', endpoint, '-f', file, '--budget', '60s'], {
      folder,
      env: { PERF_TS_STATE: join(folder, 'state') },
    });
    await vi.waitUntil(async () => ((await admin.modelConfig('identity'))?.instance_group?.[0]?.count ?? 1) > 1, {
      timeout: 60_000,
      interval: 50,
    });
    return run;
  }

  const isRestored = async (): Promise<boolean> =>
    (await pending()) === 0 && JSON.stringify(await admin.modelConfig('identity')) === JSON.stringify(before);

  it('by Ctrl-C has given the config back when it ends', async () => {
    const run = await runUntilPushed();
    run.child.kill('SIGINT');
    expect((await run.ended).code).toBe(130);
    expect(await isRestored()).toBe(true);
    expect(run.stderr()).toContain(`Restored 'identity' on ${endpoint}`);
  });

  it('at once is undone by the process that watches over it', async () => {
    const run = await runUntilPushed();
    run.child.kill('SIGKILL');
    await run.ended;
    await vi.waitUntil(isRestored, { timeout: 30_000, interval: 100 });
    expect(await isRestored()).toBe(true);
  });

  it('together with that process is undone by the next run against the server', async () => {
    const run = await runUntilPushed();
    const [note] = await findNotes(endpoint);
    process.kill(note!.guardian!.id, 'SIGKILL');
    run.child.kill('SIGKILL');
    await run.ended;
    expect(await isRestored()).toBe(false);
    const server = await open();
    expect(said[0]).toBe(`Restored 'identity' on ${endpoint}: an earlier sweep was killed before it could.`);
    expect(await admin.modelConfig('identity')).toEqual(before);
    await server.close();
    expect(existsSync(join(folder, 'state', 'pushed'))).toBe(true);
    expect(await isRestored()).toBe(true);
  });
});
