/** A disk that is full: what was measured before is kept, and the rest is shown. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startPerfTs } from '../support/run-perf-ts.js';

/** A file system of `kilobytes`, or undefined where this user may not mount one. */
function mountSmall(kilobytes: number): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'perf-ts-small-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', folder]);
  if (mounted.status !== 0) return undefined;
  onTestFinished(() => void spawnSync('umount', ['-l', folder]));
  return folder;
}

const canMount = ((): boolean => {
  const folder = mkdtempSync(join(tmpdir(), 'perf-ts-mount-'));
  const isMounted = spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', folder]).status === 0;
  if (isMounted) spawnSync('umount', [folder]);
  else console.warn('skipped: this user may not mount a small file system');
  return isMounted;
})();

const quick = ['-m', 'identity', '--server', 'embedded', '--max-time', '500ms', '--json'];

describe.skipIf(!canMount)('a disk that becomes full', { timeout: 60_000 }, () => {
  it.each([8, 32, 64, 128])(
    '%i KB before the first level ends: the JSON comes, and the exit code says so',
    async (left) => {
      const disk = mountSmall(512)!;
      const results = join(disk, 'results');
      mkdirSync(results);
      const { bavail, bsize } = statfsSync(disk);
      writeFileSync(join(disk, 'fill'), Buffer.alloc(Math.max(0, bavail * bsize - left * 1024)));
      const run = startPerfTs([...quick, '--concurrency-range', '1:4:1', '--results', results]);
      expect((await run.ended).code).toBe(3);
      const shown = JSON.parse(run.stdout());
      expect(shown.state).toBe('failed');
      expect(shown.warnings.map(({ code }: { code: string }) => code)).toContain('OUTPUT_UNWRITABLE');
      expect(shown.levels).toHaveLength(4);
      expect(run.stderr()).toContain('ENOSPC');
      expect(run.stderr()).not.toContain('bug in perf-ts');
      const [folder] = readdirSync(results);
      if (folder === undefined) return;
      const kept = JSON.parse(readFileSync(join(results, folder, 'run.json'), 'utf8'));
      expect(kept.levels.length).toBeGreaterThan(0);
      expect(readdirSync(join(results, folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    },
  );

  it('under the profile export takes nothing but the export with it', async () => {
    const disk = mountSmall(64)!;
    const run = startPerfTs([...quick, '--concurrency-range', '1:3:1', '--profile-export-file', join(disk, 'x.json')]);
    expect((await run.ended).code).toBe(3);
    const shown = JSON.parse(run.stdout());
    expect(shown.levels).toHaveLength(3);
    const kept = JSON.parse(readFileSync(join(run.folder, shown.directory, 'run.json'), 'utf8'));
    expect(kept).toMatchObject({ state: 'failed', warnings: [{ code: 'OUTPUT_UNWRITABLE' }] });
    expect(kept.levels).toHaveLength(3);
    expect(run.stderr()).toContain('--profile-export-file');
  });

  it('for stdout leaves the record and no stack trace', () => {
    const { status, stderr } = spawnSync('bash', ['-c', `${process.execPath} bin/perf-ts.js --help > /dev/full`]);
    expect(status).toBe(3);
    expect(stderr.toString()).toMatch(/^perf-ts: stdout: results could not be printed: no space left on device/);
  });
});

describe('a path that cannot be written', { timeout: 60_000 }, () => {
  it.each(['--csv', '--profile-export-file'])('of %s is refused before the load, with flag and path', async (flag) => {
    for (const path of ['no/such/folder/x', tmpdir()]) {
      const run = startPerfTs([...quick, flag, path]);
      expect((await run.ended).code).toBe(3);
      expect(run.stderr()).toContain(`${flag} ${path}`);
      expect(run.stdout()).toBe('');
      expect(readdirSync(run.folder)).toEqual([]);
    }
  });
});
