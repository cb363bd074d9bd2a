import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { loadAhead } from '../../src/common/load-ahead.js';
import { commandEntry, compiledEntry } from '../../src/common/package-root.js';

/** Runs a script in a Node of its own, with the build's `loadAhead` and `startWorker`; what it wrote. */
const runBuilt = (script: string): string =>
  execFileSync(process.execPath, [
    '--input-type=module',
    '-e',
    `import { loadAhead, startWorker } from ${JSON.stringify(compiledEntry('src/common/load-ahead').href)};\n${script}`,
  ]).toString();

describe('loading modules ahead', () => {
  it('leaves the import that follows the very modules that were loaded', () => {
    const script = `
      loadAhead('src/common/errors');
      const { PerfTsError } = await import(${JSON.stringify(compiledEntry('src/common/errors').href)});
      console.log(new PerfTsError('BAD_FILE', { what: 'x' }).code);`;
    expect(runBuilt(script)).toBe('BAD_FILE\n');
  });

  it('is silent about modules that are not there', () => {
    expect(runBuilt(`loadAhead('src/common/no-such-module'); console.log('on');`)).toBe('on\n');
    expect(() => loadAhead('src/common/no-such-module')).not.toThrow();
  });

  it('starts worker threads that run the module they are given', () => {
    const script = `
      const worker = startWorker('engine/instance/instance-worker', { workerData: undefined });
      worker.once('exit', (code) => console.log(code));
      worker.postMessage(undefined);`;
    expect(runBuilt(script)).toBe('0\n');
  });

  it('prints no warning of Node on a command’s way', () => {
    const { stdout, stderr } = spawnSync(process.execPath, [commandEntry, '--version'], { encoding: 'utf8' });
    expect([stderr, stdout]).toEqual(['', expect.stringMatching(/^\d/)]);
  });
});
