import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PerfTsError } from '../../src/common/errors.js';
import { listRuns } from '../../src/record/list-runs.js';
import { readRecord, readRun, readStudy } from '../../src/record/read-record.js';
import { runRecordSchema } from '../../src/record/run-record.js';
import { studyRecordSchema } from '../../src/record/study-record.js';
import { sampleRun, sampleStudy } from '../support/sample-records.js';
import { makeTemporaryFolder } from '../support/temporary-folder.js';

async function writeRecord(content: unknown, name = 'run.json'): Promise<string> {
  const file = join(await makeTemporaryFolder(), name);
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

async function failureOf(reading: Promise<unknown>): Promise<PerfTsError> {
  const failure = await reading.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(failure instanceof PerfTsError)) throw new Error(`expected a PerfTsError, got ${String(failure)}`);
  expect(failure.code).toBe('BAD_FILE');
  return failure;
}

describe('reading a record', () => {
  it('accepts the samples that other tests use', () => {
    expect(runRecordSchema.parse(sampleRun)).toEqual(sampleRun);
    expect(studyRecordSchema.parse(sampleStudy)).toEqual(sampleStudy);
  });

  it('takes the file or its folder', async () => {
    const file = await writeRecord(sampleRun);
    expect(await readRun(file)).toEqual(await readRun(join(file, '..')));
  });

  it('names every broken field and the file', async () => {
    const broken = structuredClone(sampleRun) as unknown as { levels: { latencyNs: unknown }[]; model: unknown };
    broken.levels[3]!.latencyNs = { ...sampleRun.levels[3]!.latencyNs, p99: 'fast' };
    broken.model = 7;
    const file = await writeRecord(broken);
    const failure = await failureOf(readRun(file));
    const whats = failure.problems.map(({ what }) => what.split(': ')[0]);
    expect(whats.sort()).toEqual(['levels[3].latencyNs.p99', 'model']);
    expect(failure.problems.every(({ where }) => where === file)).toBe(true);
  });

  it('keeps the list of broken fields short', async () => {
    const levels = sampleRun.levels
      .flatMap((level) => [level, level, level])
      .map((level) => ({ ...level, verdict: 'GOOD' }));
    const failure = await failureOf(readRun(await writeRecord({ ...sampleRun, levels })));
    expect(failure.problems).toHaveLength(11);
    expect(failure.problems.at(-1)?.what).toBe('and 11 more fields are wrong');
  });

  it('says what a foreign file is', async () => {
    expect((await failureOf(readRun(await writeRecord(sampleStudy)))).message).toContain('perf-ts/study@1');
    expect((await failureOf(readStudy(await writeRecord({ hello: 1 })))).message).toContain('no "schema" field');
    expect((await failureOf(readRun(await writeRecord('[]')))).message).toContain('no "schema" field');
  });

  it('tells another version of its own schema from a foreign one', async () => {
    const failure = await failureOf(readRun(await writeRecord({ ...sampleRun, schema: 'perf-ts/run@2' })));
    expect(failure.message).toContain('another version of perf-ts');
  });

  it('explains JSON that is cut off, a missing file and a folder without a record', async () => {
    const cut = await writeRecord(JSON.stringify(sampleRun).slice(0, 500));
    expect((await failureOf(readRun(cut))).message).toContain('not valid JSON');
    expect((await failureOf(readRun('/nowhere/at/all'))).message).toContain('no such file');
    const empty = await makeTemporaryFolder();
    expect((await failureOf(readRecord(empty))).message).toContain('run.json or study.json');
  });

  it('finds out the kind by itself', async () => {
    expect((await readRecord(await writeRecord(sampleStudy, 'study.json'))).schema).toBe('perf-ts/study@1');
    expect((await readRecord(await writeRecord(sampleRun, 'x.json'))).schema).toBe('perf-ts/run@1');
  });
});

describe('listing records', () => {
  it('gives the newest first and lists a broken one with its reason', async () => {
    const results = await makeTemporaryFolder();
    const add = async (folder: string, file: string, content: string) => {
      await mkdir(join(results, folder));
      await writeFile(join(results, folder, file), content);
    };
    await add('20260101T000000Z-a-000001', 'run.json', JSON.stringify(sampleRun));
    await add('20260102T000000Z-b-000002', 'study.json', JSON.stringify(sampleStudy));
    await add('20260103T000000Z-c-000003', 'run.json', '{');
    await add('unrelated', 'notes.txt', '');
    const entries = await listRuns(results);
    expect(entries.map(({ kind }) => kind)).toEqual(['broken', 'study', 'run']);
    expect(entries[2]).toMatchObject({ model: 'text_recognition', state: 'complete' });
  });

  it('gives nothing where there is no results folder', async () => {
    expect(await listRuns(join(await makeTemporaryFolder(), 'none'))).toEqual([]);
  });
});
