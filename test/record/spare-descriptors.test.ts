import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { compiledEntry } from '../../src/common/package-root.js';
import { holdSpareDescriptors, withSpareDescriptors } from '../../src/record/spare-descriptors.js';

describe('spare descriptors', () => {
  it('let a write be tried again when no descriptor was left, and only then', async () => {
    holdSpareDescriptors();
    let tries = 0;
    const once = async (code: string) => {
      if (tries++ < 2) throw Object.assign(new Error(code), { code });
      return tries;
    };
    expect(await withSpareDescriptors(() => once('EMFILE'))).toBe(3);
    tries = 0;
    await expect(withSpareDescriptors(() => once('ENOSPC'))).rejects.toThrow('ENOSPC');
    expect(tries).toBe(1);
  });

  const built = fileURLToPath(compiledEntry('src/record/atomic-file'));
  it.skipIf(process.platform !== 'linux' || !existsSync(built))('write a record with all others used up', () => {
    const folder = mkdtempSync(join(tmpdir(), 'perf-ts-spare-'));
    const script = `
      import { openSync } from 'node:fs';
      const { holdSpareDescriptors } = await import(${JSON.stringify(built.replace('atomic-file', 'spare-descriptors'))});
      const { writeFileAtomically } = await import(${JSON.stringify(built)});
      holdSpareDescriptors();
      try { for (;;) openSync('/dev/null', 'r'); } catch {}
      await writeFileAtomically(${JSON.stringify(join(folder, 'run.json'))}, 'kept');
    `;
    const run = spawnSync('bash', [
      '-c',
      `ulimit -n 64; exec "${process.execPath}" --input-type=module -e '${script.replaceAll("'", "'\\''")}'`,
    ]);
    expect(run.stderr.toString()).toBe('');
    expect(readFileSync(join(folder, 'run.json'), 'utf8')).toBe('kept');
  });
});
