import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LockHolder, tryLock } from '../../src/common/process-lock.js';
import { lockStudy } from '../../src/record/study-lock.js';

let folder: string;
let path: string;
let own: LockHolder;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'perf-ts-test-'));
  path = join(folder, 'study.lock');
  const release = await lockStudy(folder);
  own = JSON.parse(readFileSync(path, 'utf8')) as LockHolder;
  await release();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const heldBy = (holder: Partial<LockHolder>): void =>
  writeFileSync(path, JSON.stringify({ ...own, token: 'other', ...holder }));
const deadProcess = (): number => spawnSync(process.execPath, ['-e', '']).pid;

describe('the lock of a study', () => {
  it('names its holder, keeps everyone else out, and goes with its end', async () => {
    const release = await lockStudy(folder);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({
      processId: process.pid,
      host: own.host,
      user: expect.stringMatching(/./),
      since: expect.stringMatching(/^20/),
    });
    await expect(lockStudy(folder)).rejects.toThrow(`still being run by process ${process.pid} of user`);
    await release();
    await release();
    expect(existsSync(path)).toBe(false);
  });

  it.each([
    ['on another host', { host: 'elsewhere' }],
    ['in another container', { container: 'pid:[1]' }],
  ])('of a process %s, dead or not, is kept, and the message says how to get past it', async (_, where) => {
    heldBy({ ...where, processId: deadProcess() });
    await expect(lockStudy(folder)).rejects.toMatchObject({
      problems: [{ hint: expect.stringContaining(`delete ${path}`) }],
    });
    expect(existsSync(path)).toBe(true);
  });

  it.each([
    ['has ended', () => ({ processId: deadProcess() })],
    ['has ended, and whose number is another’s now', () => ({ processId: process.pid, startedAt: '1' })],
    ['was of this host before it started anew', () => ({ processId: process.pid, boot: 'before' })],
  ])('of a process that %s is taken over by one of many', async (_, holder) => {
    heldBy(holder());
    const outcomes = await Promise.all(Array.from({ length: 12 }, () => tryLock(path)));
    expect(outcomes.filter(({ state }) => state === 'taken')).toHaveLength(1);
  });

  it('that cannot be read is somebody’s', async () => {
    writeFileSync(path, '');
    await expect(lockStudy(folder)).rejects.toThrow(`delete ${path}`);
    expect(existsSync(path)).toBe(true);
  });

  it('cannot be taken where nothing can be written', async () => {
    await expect(lockStudy(join(folder, 'absent'))).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
  });
});
