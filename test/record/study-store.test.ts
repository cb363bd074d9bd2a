import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readStudy } from '../../src/record/read-record.js';
import { createStudyStore, JOURNAL_FILE } from '../../src/record/study-store.js';
import { sampleStudy } from '../support/sample-records.js';
import { makeTemporaryFolder } from '../support/temporary-folder.js';

async function makeStore(model = 'simple_cnn') {
  const workingFolder = await makeTemporaryFolder();
  return { workingFolder, store: await createStudyStore({ resultsFolder: 'results', model, workingFolder }) };
}

async function makeModel(folder: string): Promise<string> {
  const model = join(folder, 'models', 'simple_cnn');
  await mkdir(join(model, '1'), { recursive: true });
  await writeFile(join(model, '1', 'model.onnx'), 'weights');
  await writeFile(join(model, 'config.pbtxt'), 'name: "old"');
  await symlink(join(model, '1'), join(model, '2'));
  return model;
}

describe('a study store', () => {
  it('writes the journal as a header line and one line a trial, each there before the next', async () => {
    const { store } = await makeStore();
    const journal = join(store.path, JOURNAL_FILE);
    await store.startJournal({ schema: 'perf-ts/journal@1', model: 'simple_cnn', seed: 7 });
    for (const [index, trial] of sampleStudy.trials.entries()) {
      await store.appendTrial(trial);
      expect((await readFile(journal, 'utf8')).split('\n')).toHaveLength(index + 3);
    }
    await store.close();
    const [header, ...trials] = (await readFile(journal, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(header).toEqual({ schema: 'perf-ts/journal@1', model: 'simple_cnn', seed: 7 });
    expect(trials).toEqual(sampleStudy.trials);
  });

  it('keeps lines whole and in order when appends are not awaited', async () => {
    const { store } = await makeStore();
    await Promise.all(sampleStudy.trials.map((trial) => store.appendTrial(trial)));
    await store.close();
    const lines = (await readFile(join(store.path, JOURNAL_FILE), 'utf8')).trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).id)).toEqual(sampleStudy.trials.map(({ id }) => id));
  });

  it('saves the study and each variant’s config', async () => {
    const { store } = await makeStore();
    await store.saveVariant('v5', 'name: "simple_cnn"\n');
    await store.saveStudy(sampleStudy);
    expect(await readStudy(store.path)).toEqual(sampleStudy);
    expect(await readFile(join(store.path, 'variants', 'v5', 'config.pbtxt'), 'utf8')).toBe('name: "simple_cnn"\n');
  });

  it('refuses variant ids that are paths', async () => {
    const { store } = await makeStore();
    expect(() => store.saveVariant('../v5', '')).toThrow('plain file name');
  });

  it('writes the recommendation as a model repository that stands alone, twice over', async () => {
    const { store, workingFolder } = await makeStore();
    const model = await makeModel(workingFolder);
    await store.saveRecommendation('name: "first"', model);
    const target = await store.saveRecommendation('name: "new"', model);
    expect(target).toBe(join(store.path, 'recommended', 'simple_cnn'));
    expect(await readdir(join(store.path, 'recommended'))).toEqual(['simple_cnn']);
    expect((await readdir(target, { withFileTypes: true })).filter((entry) => entry.isSymbolicLink())).toEqual([]);
    expect(await readFile(join(target, 'config.pbtxt'), 'utf8')).toBe('name: "new"');
    expect(await readFile(join(target, '2', 'model.onnx'), 'utf8')).toBe('weights');
    expect(await readFile(join(model, 'config.pbtxt'), 'utf8')).toBe('name: "old"');
  });

  it('leaves no half recommendation when the model cannot be copied', async () => {
    const { store, workingFolder } = await makeStore();
    const copying = store.saveRecommendation('name: "new"', join(workingFolder, 'missing'));
    await expect(copying).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
    expect(await readdir(join(store.path, 'recommended'))).toEqual([]);
  });

  it('may be closed twice and discarded with an open journal', async () => {
    const { store, workingFolder } = await makeStore();
    await store.startJournal({ schema: 'perf-ts/journal@1', model: 'm' });
    await store.close();
    await store.close();
    await store.discard();
    expect(await readdir(workingFolder)).toEqual([]);
  });
});
