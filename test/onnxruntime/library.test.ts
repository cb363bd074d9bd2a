import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { compiledEntry, packageRoot } from '../../src/common/package-root.js';
import { indexInTable } from '../../src/onnxruntime/api-order.js';
import { loadOrtLibrary } from '../../src/onnxruntime/library.js';
import { bundledLibraryPath } from '../../src/onnxruntime/library-path.js';
import { requireTelemetryOff } from '../../src/onnxruntime/telemetry.js';
import { modelFile } from '../support/model-files.js';

describe('the ONNX Runtime library', () => {
  it('is the one that onnxruntime-node ships unless another is named', () => {
    const library = loadOrtLibrary();
    expect(library.path).toBe(bundledLibraryPath());
    expect(library.version).toMatch(/^1\.\d+\.\d+/);
    expect(library.apiVersion).toBe(29);
  });

  it('is loaded once, whether it is named or not', () => {
    expect(loadOrtLibrary(bundledLibraryPath())).toBe(loadOrtLibrary());
  });

  it('is refused by name when the file is missing', () => {
    expect(() => loadOrtLibrary('/nowhere/libonnxruntime.so')).toThrow(
      expect.objectContaining({
        code: 'RUNTIME_UNUSABLE',
        message: expect.stringContaining('/nowhere/libonnxruntime.so'),
      }),
    );
  });

  it('is refused when the file is no library', () => {
    expect(() => loadOrtLibrary(modelFile('identity'))).toThrow(expect.objectContaining({ code: 'RUNTIME_UNUSABLE' }));
  });

  it('is refused when it is a library of something else', () => {
    const folder = join(packageRoot, 'node_modules', '@koromix', `koffi-${process.platform}-${process.arch}`);
    const addOns = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.node'));
    const own = addOns.find((file) => file.startsWith(`${process.platform}_`))!;
    expect(() => loadOrtLibrary(join(folder, own))).toThrow(/it is not ONNX Runtime/);
  });

  it('is shipped for Linux, macOS and Windows', () => {
    expect(bundledLibraryPath('linux', 'arm64')).toMatch(/libonnxruntime\.so\.1$/);
    expect(bundledLibraryPath('darwin', 'arm64')).toMatch(/libonnxruntime\.1\.dylib$/);
    expect(bundledLibraryPath('win32', 'x64')).toMatch(/onnxruntime\.dll$/);
  });

  it('is refused with the list of what there is on a platform without a build', () => {
    expect(() => bundledLibraryPath('sunos', 'sparc')).toThrow(/sunos-sparc, only for .*linux-x64/);
  });
});

describe('the table of functions', () => {
  it('has the first function at 0 and the last of version 29 at 424', () => {
    expect(indexInTable('CreateStatus', 17)).toBe(0);
    expect(indexInTable('Run', 17)).toBe(9);
    expect(indexInTable('SessionOptionsSetWeightlessSourceModelBuffer', 29)).toBe(424);
  });

  it('ends where an older library’s table ends', () => {
    expect(indexInTable('GetEpDevices', 29)).toBeDefined();
    expect(indexInTable('GetEpDevices', 17)).toBeUndefined();
    expect(indexInTable('GetEpDevices', 21)).toBeUndefined();
  });

  it('has nothing under a name that does not exist', () => {
    expect(indexInTable('MakeCoffee', 29)).toBeUndefined();
  });
});

describe('telemetry', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('is switched off before the library is loaded when nothing is said about it', () => {
    vi.stubEnv('ORT_DISABLE_TELEMETRY', undefined);
    requireTelemetryOff();
    expect(process.env.ORT_DISABLE_TELEMETRY).toBe('1');
  });

  it('cannot be left on', () => {
    vi.stubEnv('ORT_DISABLE_TELEMETRY', '0');
    expect(() => requireTelemetryOff()).toThrow(expect.objectContaining({ code: 'RUNTIME_UNUSABLE' }));
  });

  it('leaves no store behind in the user’s folders', () => {
    const home = mkdtempSync(join(tmpdir(), 'perf-ts-home-'));
    try {
      const script = `
        const { loadOrtLibrary } = await import(${JSON.stringify(compiledEntry('src/onnxruntime/library').href)});
        const { OrtSession } = await import(${JSON.stringify(compiledEntry('src/onnxruntime/session').href)});
        new OrtSession(loadOrtLibrary(), ${JSON.stringify(modelFile('identity'))}).close();`;
      const { ORT_DISABLE_TELEMETRY: _, ...rest } = process.env;
      const env = { ...rest, HOME: home, XDG_CACHE_HOME: join(home, 'cache'), XDG_DATA_HOME: join(home, 'share') };
      execFileSync(process.execPath, ['--input-type=module', '-e', script], { env });
      expect(readdirSync(home)).toEqual([]);
    } finally {
      rmSync(home, { recursive: true });
    }
  });
});
