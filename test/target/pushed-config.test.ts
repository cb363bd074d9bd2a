import { existsSync, mkdtempSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  findNotes,
  isAlive,
  noteFile,
  ownMark,
  type PushedConfig,
  readNote,
  removeNote,
  writeNote,
} from '../../src/target/pushed-config.js';

const note = (endpoint: string): PushedConfig => ({
  schema: 'perf-ts/pushed@1',
  endpoint,
  protocol: 'grpc',
  model: 'm',
  config: { name: 'm', max_batch_size: 8, dynamic_batching: { max_queue_delay_microseconds: 100 } },
  wasLoaded: true,
  owner: ownMark(),
  guardian: null,
});

describe('the note of what is to be undone on a server', () => {
  beforeEach(() => vi.stubEnv('PERF_TS_STATE', mkdtempSync(join(tmpdir(), 'perf-ts-state-'))));
  afterEach(() => vi.unstubAllEnvs());

  it('comes back as it was written, is for this user alone, and is gone when removed', async () => {
    const written = note('localhost:8001');
    await writeNote(written);
    expect(await readNote(noteFile(written))).toEqual(written);
    expect(statSync(noteFile(written)).mode & 0o077).toBe(0);
    expect(readdirSync(dirname(noteFile(written)))).toHaveLength(1);
    await removeNote(written);
    await removeNote(written);
    expect(existsSync(noteFile(written))).toBe(false);
  });

  it('is found under each name of the host, whatever the port, and on no other host', async () => {
    await writeNote(note('localhost:8001'));
    expect(await findNotes('127.0.0.1:8000')).toHaveLength(1);
    expect(await findNotes('[::1]:8001')).toHaveLength(1);
    expect(await findNotes('elsewhere:8001')).toEqual([]);
    expect(noteFile(note('127.0.0.1:8001'))).toBe(noteFile(note('localhost:8001')));
    expect(noteFile(note('127.0.0.1:8002'))).not.toBe(noteFile(note('localhost:8001')));
  });

  it('that is damaged, or of a later form, is left alone', async () => {
    const written = note('localhost:8001');
    await writeNote(written);
    writeFileSync(noteFile(written), '{"schema": "perf-ts/pushed@9"}');
    expect(await findNotes('localhost:8001')).toEqual([]);
    writeFileSync(noteFile(written), '{"sch');
    expect(await findNotes('localhost:8001')).toEqual([]);
  });

  it('cannot be kept where the folder is a file, which is said before anything is pushed', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'perf-ts-state-')), 'file');
    writeFileSync(file, '');
    vi.stubEnv('PERF_TS_STATE', file);
    await expect(writeNote(note('localhost:8001'))).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
  });

  it('tells its owner from a later process of the same number', () => {
    const own = ownMark();
    expect(isAlive(own)).toBe(true);
    if (own.startedTicks !== null) expect(isAlive({ ...own, startedTicks: '1' })).toBe(false);
    expect(isAlive({ id: 2 ** 22 + 1, startedTicks: null })).toBe(false);
  });
});
