import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { millis, seconds } from '../../src/common/units.js';
import { addZooModels } from '../../src/onnx/zoo/zoo.js';
import { studyRecordSchema, type TrialRecord } from '../../src/record/study-record.js';
import { createStudyStore, type StudyStore } from '../../src/record/study-store.js';
import { createEngineLauncher } from '../../src/tune/launchers/engine-launcher.js';
import { parseObjective } from '../../src/tune/objectives/objective.js';
import { closedLoad } from '../../src/tune/studies/study-load.js';
import { readStudyModel } from '../../src/tune/studies/study-model.js';
import type { StudyListener } from '../../src/tune/studies/study-options.js';
import { runSweep, type SweepOptions } from '../../src/tune/sweep.js';
import { buildSearchSpace } from '../../src/tune/variants/search-space.js';
import { createVariant, defaultVariant } from '../../src/tune/variants/variants.js';

const model = 'simple_cnn';
let folder: string;
let modelFolder: string;
let store: StudyStore;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'perf-ts-test-'));
  await addZooModels([model], join(folder, 'models'));
  modelFolder = join(folder, 'models', model);
  store = await createStudyStore({ resultsFolder: join(folder, 'results'), model });
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const silent: StudyListener = { onTrialStart() {}, onProgress() {}, onTrial() {}, onConfirmation() {} };
const options = (): SweepOptions => ({
  model,
  modelFolder,
  isDemoModel: true,
  budget: seconds(30),
  objective: parseObjective('throughput'),
  constraints: [],
  strategy: 'exhaustive',
  seed: 1,
  knobs: { instance_count: [1, 2], intra_op_threads: [1] },
  command: ['perf-ts', 'sweep'],
});

/** Children of this process that are still there. */
function children(): string[] {
  const file = `/proc/self/task/${process.pid}/children`;
  return existsSync(file) ? readFileSync(file, 'utf8').split(' ').filter(Boolean) : [];
}

describe('a sweep on real engines', { timeout: 120_000 }, () => {
  it('measures, confirms and records, and leaves the model and no process behind', async () => {
    const before = readFileSync(join(modelFolder, 'config.pbtxt'), 'utf8');
    const trials: TrialRecord[] = [];
    const listener = { ...silent, onTrial: (trial: TrialRecord) => void trials.push(trial) };
    const record = await runSweep(options(), { store, listener, signal: new AbortController().signal });

    expect(record.state).toBe('complete');
    expect(record.trials).toEqual(trials);
    expect(trials.filter(({ phase }) => phase === 'search').length).toBeGreaterThanOrEqual(2);
    for (const trial of trials) {
      expect(trial.state, trial.reason ?? '').toBe('complete');
      expect(trial.score).toBeGreaterThan(1);
      expect(trial.loadTimeNs).toBeGreaterThan(0);
      expect(trial.level?.server?.inferenceCount).toBeGreaterThan(0);
    }
    expect(studyRecordSchema.parse(JSON.parse(readFileSync(join(store.path, 'study.json'), 'utf8')))).toEqual(record);
    const journal = readFileSync(join(store.path, 'study.jsonl'), 'utf8').trim().split('\n');
    expect(journal.slice(1).map((line) => JSON.parse(line) as TrialRecord)).toEqual(trials);
    expect(readFileSync(join(modelFolder, 'config.pbtxt'), 'utf8')).toBe(before);
    expect(children()).toEqual([]);
  });

  it('stops at an interrupt, keeps what was finished and leaves no process', async () => {
    const abort = new AbortController();
    const listener: StudyListener = {
      ...silent,
      onTrialStart: ({ id }) => id === 'trial-1' && setTimeout(() => abort.abort(), 700),
    };
    // Long enough for a second trial on any host.
    const long = { ...options(), budget: seconds(120) };
    const record = await runSweep(long, { store, listener, signal: abort.signal });
    expect(record).toMatchObject({ state: 'interrupted', recommended: { portable: null } });
    expect(record.trials.map(({ id }) => id)).toEqual(['default']);
    expect(children()).toEqual([]);
  });

  it('refuses a budget that allows no proof before it starts anything', async () => {
    const sweep = runSweep(
      { ...options(), budget: seconds(3) },
      { store, listener: silent, signal: new AbortController().signal },
    );
    await expect(sweep).rejects.toMatchObject({ code: 'BAD_OPTION', problems: [{ where: '--budget' }] });
  });

  it('refuses knobs that leave nothing to choose', async () => {
    const sweep = runSweep(
      { ...options(), knobs: { max_queue_delay_us: [0, 100] } },
      { store, listener: silent, signal: new AbortController().signal },
    );
    await expect(sweep).rejects.toMatchObject({ code: 'BAD_OPTION', problems: [{ where: 'knobs' }] });
  });
});

describe('a variant on a real engine', () => {
  it('serves what its config says', async () => {
    const study = await readStudyModel(model, modelFolder);
    const context = { config: study.completed, cpuCount: 2 };
    const space = buildSearchSpace(context);
    const [preset] = space.presets!;
    const variant = createVariant(study, space, { ...preset!, instance_count: 3, graph_level: 'basic' }, context);
    const launcher = await createEngineLauncher({ model: study, isDemoModel: true });
    const signal = new AbortController().signal;
    try {
      const launched = await launcher.launchVariant(variant, { seed: 1, signal });
      const level = await launched.measure({ load: closedLoad(4), duration: millis(800), signal, onProgress() {} });
      expect(level.errors).toEqual({});
      expect(level.throughputPerSec.value).toBeGreaterThan(1);
      await launched.close();
      await launched.close();
    } finally {
      await launcher.close();
    }
    expect(children()).toEqual([]);
  });

  it('that cannot be loaded is an error with the cause, and leaves no process and no files', async () => {
    const study = await readStudyModel(model, modelFolder);
    writeFileSync(join(modelFolder, '1', 'model.onnx'), 'broken after the study began');
    const space = buildSearchSpace({ config: study.completed, cpuCount: 2 });
    vi.stubEnv('TMPDIR', join(folder, 'results'));
    const launcher = await createEngineLauncher({ model: study, isDemoModel: true });
    const launch = launcher.launchVariant(defaultVariant(study, space), {
      seed: 1,
      signal: new AbortController().signal,
    });
    await expect(launch).rejects.toThrow(/model\.onnx/);
    await launcher.close();
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('perf-ts-sweep-'))).toEqual([]);
    vi.unstubAllEnvs();
    expect(children()).toEqual([]);
  });
});
