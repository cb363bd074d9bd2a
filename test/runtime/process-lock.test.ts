import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { takeLock } from '../../src/runtime/process-lock.js';
import { makeTemporaryFolder } from '../support/temporary-folder.js';

it('a lock keeps others out until it is given back', async () => {
  const path = join(await makeTemporaryFolder(), 'deep', '.lock');
  const giveBack = await takeLock(path, 'first');
  await expect(takeLock(path, 'cannot do it')).rejects.toThrow(`cannot do it: process ${process.pid}`);
  await giveBack();
  await (await takeLock(path, 'third'))();
  expect(readdirSync(join(path, '..'))).toEqual([]);
});

it('only one of many gets it', async () => {
  const path = join(await makeTemporaryFolder(), '.lock');
  const outcomes = await Promise.allSettled(Array.from({ length: 12 }, () => takeLock(path, 'busy')));
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

it('the lock of a process that has died is taken over, by one of many', async () => {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  for (let turn = 0; turn < 30; turn++) {
    const path = join(await makeTemporaryFolder(), '.lock');
    const dead = JSON.stringify({ processId: pid, host: hostname(), startedAt: '1', token: 'old' });
    writeFileSync(path, dead);
    // Whoever was removing it before may have died over that.
    if (turn % 2 === 1) writeFileSync(`${path}.removal`, dead);
    const outcomes = await Promise.allSettled(Array.from({ length: 12 }, () => takeLock(path, 'busy')));
    const taken = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    expect(taken).toHaveLength(1);
    await taken[0]!();
    expect(readdirSync(join(path, '..'))).toEqual([]);
  }
});

it('the lock of another host is respected, because its processes cannot be seen', async () => {
  const path = join(await makeTemporaryFolder(), '.lock');
  writeFileSync(path, JSON.stringify({ processId: 1, host: 'elsewhere', startedAt: '', token: 'x' }));
  await expect(takeLock(path, 'busy')).rejects.toThrow('process 1 on elsewhere');
});
