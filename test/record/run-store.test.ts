import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PerfTsError } from '../../src/common/errors.js';
import { readRun } from '../../src/record/read-record.js';
import { sanitizeName } from '../../src/record/record-folder.js';
import { createRunStore, type RunStore, samplesFile } from '../../src/record/run-store.js';
import { readSamples } from '../../src/record/samples-file.js';
import { hostileName, sampleRun } from '../support/sample-records.js';
import { makeTemporaryFolder } from '../support/temporary-folder.js';

const now = () => new Date('2026-01-31T14:25:01.120Z');
const newId = () => '1a2b3c';

async function makeStore(model = 'text_recognition'): Promise<{ store: RunStore; workingFolder: string }> {
  const workingFolder = await makeTemporaryFolder();
  return { store: await createRunStore({ resultsFolder: 'results', model, now, newId, workingFolder }), workingFolder };
}

describe('a run store', () => {
  it('makes a folder named by time, model and id, and names it relative to the working folder', async () => {
    const { store, workingFolder } = await makeStore();
    expect(store.id).toBe('20260131T142501Z-text_recognition-1a2b3c');
    expect(store.directory).toBe(`results/${store.id}`);
    expect(store.path).toBe(join(workingFolder, 'results', store.id));
  });

  it('names a folder elsewhere by its absolute path', async () => {
    const elsewhere = await makeTemporaryFolder();
    const workingFolder = await makeTemporaryFolder();
    const store = await createRunStore({ resultsFolder: elsewhere, model: 'm', now, newId, workingFolder });
    expect(store.directory).toBe(join(elsewhere, store.id));
  });

  it('reads back the record it saved, and leaves nothing else in the folder', async () => {
    const { store } = await makeStore();
    await store.saveRun({ ...sampleRun, levels: sampleRun.levels.slice(0, 1) });
    await store.saveRun(sampleRun);
    expect(await readRun(store.path)).toEqual(sampleRun);
    expect(await readdir(store.path)).toEqual(['run.json']);
  });

  it('never lets the model’s name lead out of the results folder', async () => {
    for (const model of ['../../etc/passwd', '/absolute', '..', '', hostileName, 'a\u0000b', 'C:\\x', '.hidden']) {
      const { store, workingFolder } = await makeStore(model);
      expect(dirname(store.path)).toBe(join(workingFolder, 'results'));
      expect(await readdir(join(workingFolder, 'results'))).toEqual([store.id]);
    }
  });

  it('makes one plain path part of any name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) => {
        const plain = sanitizeName(name);
        expect(plain).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$/);
        expect(basename(plain)).toBe(plain);
      }),
    );
  });

  it('refuses an unwritable results folder before anything else, with a remedy, leaving nothing behind', async () => {
    const workingFolder = await makeTemporaryFolder();
    await writeFile(join(workingFolder, 'results'), 'a file in the way');
    const failure = await createRunStore({ resultsFolder: 'results/deeper', model: 'm', workingFolder }).catch(
      (e) => e,
    );
    expect(failure).toBeInstanceOf(PerfTsError);
    expect(failure.code).toBe('OUTPUT_UNWRITABLE');
    expect(failure.message).toContain('--results');
    expect(await readFile(join(workingFolder, 'results'), 'utf8')).toBe('a file in the way');
  });

  it.runIf(existsSync('/proc/self'))(
    'refuses a folder that the system denies as missing, and takes back what it made',
    async () => {
      await expect(createRunStore({ resultsFolder: '/proc/perf-ts/results', model: 'm' })).rejects.toMatchObject({
        code: 'OUTPUT_UNWRITABLE',
      });
      const workingFolder = await makeTemporaryFolder();
      const resultsFolder = `made/${'x'.repeat(300)}`;
      await expect(createRunStore({ resultsFolder, model: 'm', workingFolder })).rejects.toMatchObject({
        code: 'OUTPUT_UNWRITABLE',
      });
      expect(await readdir(workingFolder)).toEqual([]);
    },
  );

  it('keeps the earlier record and no temporary file when a save fails', async () => {
    const { store } = await makeStore();
    await store.saveRun(sampleRun);
    await mkdir(join(store.path, 'report.html', 'in the way'), { recursive: true });
    await expect(store.saveText('report.html', 'page')).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
    expect((await readdir(store.path)).sort()).toEqual(['report.html', 'run.json']);
  });

  it('takes its folder back when discarded, with a results folder it had made', async () => {
    const { store, workingFolder } = await makeStore();
    await store.saveText('notes.txt', 'nothing came of it');
    await store.discard();
    expect(await readdir(workingFolder)).toEqual([]);
  });

  it('leaves a results folder that holds other records when discarded', async () => {
    const { store, workingFolder } = await makeStore();
    await mkdir(join(workingFolder, 'results', 'other'));
    await store.discard();
    expect(await readdir(join(workingFolder, 'results'))).toEqual(['other']);
  });

  it('refuses names of texts that are paths', async () => {
    const { store } = await makeStore();
    expect(() => store.saveText('../escape.txt', '')).toThrow('plain file name');
  });
});

describe('samples', () => {
  const toColumns = (rows: readonly (readonly [number, number, number, number])[]) => ({
    length: rows.length,
    intendedNs: Float64Array.from(rows, (row) => row[0]),
    sentNs: Float64Array.from(rows, (row) => row[1]),
    receivedNs: Float64Array.from(rows, (row) => row[2]),
    outcomes: Uint8Array.from(rows, (row) => row[3]),
  });

  it('come back exactly as they were written, for any number of rows', async () => {
    const { store } = await makeStore();
    const instant = fc.double({ noNaN: true });
    const row = fc.tuple(instant, instant, instant, fc.integer({ min: 0, max: 255 }));
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 40 }), async (rows) => {
        const columns = toColumns(rows);
        await store.saveSamples(3, columns);
        expect(await readSamples(join(store.path, samplesFile(3)))).toEqual(columns);
      }),
      { numRuns: 25 },
    );
  });

  it('may be views into a longer, shared buffer', async () => {
    const { store } = await makeStore();
    const whole = new Float64Array(new SharedArrayBuffer(80)).map((_, i) => i * 1.5);
    const part = {
      length: 3,
      intendedNs: whole.subarray(1, 9),
      sentNs: whole,
      receivedNs: whole,
      outcomes: new Uint8Array(9),
    };
    await store.saveSamples(0, part);
    expect((await readSamples(join(store.path, samplesFile(0)))).intendedNs).toEqual(Float64Array.of(1.5, 3, 4.5));
  });

  it('that are cut off or something else are refused by name', async () => {
    const { store } = await makeStore();
    const file = join(store.path, samplesFile(0));
    await store.saveSamples(0, toColumns([[1, 2, 3, 1]]));
    await writeFile(file, (await readFile(file)).subarray(0, 60));
    await expect(readSamples(file)).rejects.toMatchObject({ code: 'BAD_FILE' });
    await expect(readSamples(join(store.path, 'missing'))).rejects.toMatchObject({ code: 'BAD_FILE' });
  });
});
