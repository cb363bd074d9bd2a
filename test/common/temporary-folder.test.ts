import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimFolder, makeTemporaryFolder, removeOrphans } from '../../src/common/temporary-folder.js';

let parent: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'perf-ts-test-'));
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

function makeFolder(name: string, owner?: unknown): void {
  mkdirSync(join(parent, name, '1-default', 'm'), { recursive: true });
  if (owner !== undefined)
    writeFileSync(join(parent, name, 'owner.json'), typeof owner === 'string' ? owner : JSON.stringify(owner));
}

/** Of a process that has ended. */
const goneProcess = (): number => spawnSync(process.execPath, ['-e', '']).pid;

describe('temporary folders that a killed process left', () => {
  it('are removed, and nothing else is', async () => {
    const host = hostname();
    const living = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    try {
      makeFolder('sweep-dead', { processId: goneProcess(), host });
      makeFolder('sweep-living', { processId: living.pid, host });
      makeFolder('sweep-of-another-host', { processId: goneProcess(), host: `${host}-2` });
      makeFolder('sweep-just-made');
      makeFolder('sweep-unreadable', '{');
      makeFolder('sweep-other-form', { processId: 'x', host });
      makeFolder('other-dead', { processId: goneProcess(), host });
      await removeOrphans(parent, 'sweep-');
      expect(readdirSync(parent)).toEqual([
        'other-dead',
        'sweep-just-made',
        'sweep-living',
        'sweep-of-another-host',
        'sweep-other-form',
        'sweep-unreadable',
      ]);
    } finally {
      living.kill();
    }
  });

  it('are not those of this process', async () => {
    makeFolder('sweep-mine');
    await claimFolder(join(parent, 'sweep-mine'));
    await removeOrphans(parent, 'sweep-');
    expect(readdirSync(parent)).toEqual(['sweep-mine']);
  });

  it('are gone where a new one of the same kind is made', async () => {
    const before = join(tmpdir(), 'perf-ts-kind-a-dead');
    mkdirSync(before);
    writeFileSync(join(before, 'owner.json'), JSON.stringify({ processId: goneProcess(), host: hostname() }));
    const folder = await makeTemporaryFolder('perf-ts-kind-a-');
    try {
      expect(readdirSync(tmpdir()).filter((name) => name.startsWith('perf-ts-kind-a-'))).toEqual([basename(folder)]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('are looked for without a fault where there is no such folder', async () => {
    await expect(removeOrphans(join(parent, 'nowhere'), 'sweep-')).resolves.toBeUndefined();
  });
});
