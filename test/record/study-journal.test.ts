import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createJournal, type JournalHeader, readJournal } from '../../src/record/study-journal.js';
import { lockStudy } from '../../src/record/study-lock.js';
import type { TrialRecord } from '../../src/record/study-record.js';
import { findLatestStudy, findStudy } from '../../src/record/study-search.js';
import { createStudyStore, openStudyStore } from '../../src/record/study-store.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'perf-ts-test-'));
  path = join(folder, 'study.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const header: JournalHeader = { schema: 'perf-ts/journal@1', model: 'm', seed: 7 };
const trial = (id: string): TrialRecord => ({
  id,
  variantId: 'default',
  phase: 'search',
  state: 'failed',
  parameters: { instance_count: 1 },
  score: null,
  durationNs: 5,
  loadTimeNs: null,
  reason: 'naïve – it crashed',
  level: null,
});

async function write(...entries: (JournalHeader | TrialRecord)[]): Promise<Buffer> {
  const journal = createJournal(path);
  for (const entry of entries) await journal.append(entry);
  await journal.close();
  return readFileSync(path);
}

describe('a journal', () => {
  it('gives back what was appended', async () => {
    const bytes = await write(header, trial('default'), { ...header, part: 2 }, trial('trial-1'));
    const content = await readJournal(path);
    expect(content.headers).toEqual([header, { ...header, part: 2 }]);
    expect(content.trials).toEqual([trial('default'), trial('trial-1')]);
    expect(content.wholeBytes).toBe(bytes.length);
  });

  it('loses only its last line, at whatever byte the process died', async () => {
    const whole = await write(header, trial('default'), trial('trial-1'));
    const first = whole.indexOf('\n') + 1;
    const second = whole.indexOf('\n', first) + 1;
    for (let length = first; length < whole.length; length++) {
      writeFileSync(path, whole.subarray(0, length));
      const { trials, wholeBytes } = await readJournal(path);
      expect(trials.map(({ id }) => id)).toEqual(length < second ? [] : ['default']);
      expect(wholeBytes).toBe(length < second ? first : second);
    }
  });

  it('goes on on a line of its own after a torn one', async () => {
    const store = await createStudyStore({ resultsFolder: join(folder, 'results'), model: 'm' });
    await store.startJournal(header);
    await store.appendTrial(trial('default'));
    await store.close();
    const file = join(store.path, 'study.jsonl');
    writeFileSync(file, `${readFileSync(file, 'utf8')}{"id":"trial-1","var`);
    const found = await findStudy(store.path);
    const again = await openStudyStore(store.path, found.journal, await lockStudy(store.path), folder);
    expect(again).toMatchObject({ id: store.id, path: store.path, directory: `results/${store.id}` });
    await again.startJournal(header);
    await again.appendTrial(trial('trial-1'));
    await again.discard();
    const { journal } = await findStudy(store.path);
    expect(journal.headers).toHaveLength(2);
    expect(journal.trials.map(({ id }) => id)).toEqual(['default', 'trial-1']);
  });

  it.each([
    ['nothing at all', '', /before it began/],
    ['half a header', '{"schema":"perf-ts/jour', /before it began/],
    ['a line in its middle that is no trial', `${JSON.stringify(header)}\n{"a":1}\n{"b":2}\n`, /:2: is not a trial/],
  ])('with %s is refused with the reason', async (_, text, message) => {
    writeFileSync(path, text);
    await expect(readJournal(path)).rejects.toThrow(message);
  });

  it('that is not there is refused', async () => {
    await expect(readJournal(path)).rejects.toMatchObject({ code: 'BAD_FILE' });
  });
});

describe('the study to go on with', () => {
  const begin = async (model: string, second: number, state?: string): Promise<string> => {
    const store = await createStudyStore({
      resultsFolder: join(folder, 'results'),
      model,
      now: () => new Date(Date.UTC(2026, 0, 1, 0, 0, second)),
    });
    await store.startJournal({ ...header, model });
    await store.close();
    if (state !== undefined) writeFileSync(join(store.path, 'study.json'), JSON.stringify({ state }));
    return store.path;
  };

  it('is the newest unfinished one of the model', async () => {
    await begin('m', 1);
    const wanted = await begin('m', 2, 'interrupted');
    await begin('other', 3);
    const results = join(folder, 'results');
    expect((await findLatestStudy(results, 'm')).path).toBe(wanted);
    await expect(findLatestStudy(results, 'unknown')).rejects.toThrow(/no unfinished study of 'unknown'/);
    await expect(findLatestStudy(join(folder, 'none'), undefined)).rejects.toThrow(/no unfinished study in/);
  });
});
