import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readNeededLibraries } from '../../src/onnxruntime/elf-needed.js';
import { bundledLibraryPath } from '../../src/onnxruntime/library-path.js';
import { describeSearch, openProviderLibraries, withMissing } from '../../src/onnxruntime/provider-libraries.js';
import { providerRow } from '../../src/onnxruntime/provider-table.js';
import { elfAskingFor } from '../support/elf-file.js';

const folder = mkdtempSync(join(tmpdir(), 'perf-ts-libraries-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('an ELF file', () => {
  it('tells the libraries that it asks for', () => {
    const file = join(folder, 'asks.so');
    writeFileSync(file, elfAskingFor(['libcudart.so.13', 'libc.so.6']));
    expect(readNeededLibraries(file)).toEqual(['libcudart.so.13', 'libc.so.6']);
  });

  it.skipIf(process.platform !== 'linux')('such as ONNX Runtime asks for the C library', () => {
    expect(readNeededLibraries(bundledLibraryPath())).toContain('libc.so.6');
  });

  it('that is none, cut short or damaged tells nothing and does not throw', () => {
    const whole = elfAskingFor(['libcudart.so.13']);
    for (const bytes of [Buffer.from('not an ELF file'), Buffer.alloc(0), whole.subarray(0, 70)]) {
      const file = join(folder, 'broken.so');
      writeFileSync(file, bytes);
      expect(readNeededLibraries(file)).toBeUndefined();
    }
  });
});

describe.skipIf(process.platform !== 'linux')('the libraries of a provider', () => {
  const capi = join(folder, 'site', 'onnxruntime', 'capi');
  const cublas = join(folder, 'site', 'nvidia', 'cu13', 'lib');
  for (const one of [capi, cublas]) mkdirSync(one, { recursive: true });
  const ortLibrary = join(capi, 'libonnxruntime.so.1');
  const needs = ['libcublas.so.13', 'libcublasLt.so.13', 'libcurand.so.10', 'libm.so.6'];
  writeFileSync(join(capi, 'libonnxruntime_providers_cuda.so'), elfAskingFor(needs));
  writeFileSync(join(cublas, 'libcublas.so.13'), '');
  writeFileSync(join(cublas, 'libcublasLt.so.13'), '');

  it('are opened by absolute path beside NVIDIA’s wheels, again once what they need is there', () => {
    const opened: string[] = [];
    const open = (path: string): void => {
      if (path.endsWith('libcublas.so.13') && !opened.some((one) => one.includes('Lt'))) throw new Error('needs Lt');
      opened.push(path);
    };
    expect(openProviderLibraries(providerRow('cuda'), ortLibrary, open).missing).toEqual([]);
    expect(opened).toEqual([join(cublas, 'libcublasLt.so.13'), 'libcurand.so.10', join(cublas, 'libcublas.so.13')]);
  });

  it('that are missing are named with the places searched and the wrong versions found', () => {
    writeFileSync(join(cublas, 'libcurand.so.9'), '');
    const open = (path: string): void => {
      if (path.includes('curand')) throw new Error('libcurand.so.10: cannot open shared object file');
    };
    const text = describeSearch(openProviderLibraries(providerRow('cuda'), ortLibrary, open));
    expect(text).toContain(`libcurand.so.10 was not found, only ${join(cublas, 'libcurand.so.9')}`);
    expect(text).toContain(capi);
  });

  it('are named by what was asked for where the loader names nothing', () => {
    const open = (path: string): void => {
      if (path.includes('curand')) {
        throw new Error('Failed to load shared library: cannot open shared object file: No such file or directory');
      }
    };
    const { missing } = openProviderLibraries(providerRow('cuda'), ortLibrary, open);
    expect(missing.map(({ name }) => name)).toEqual(['libcurand.so.10']);
  });

  it('stand instead of the loader’s complaint and behind any other reason', () => {
    expect(withMissing('x.so: libcuda.so.1: cannot open shared object file', 'libcuda.so.1 was not found')).toBe(
      'libcuda.so.1 was not found',
    );
    expect(withMissing('no device', 'libcuda.so.1 was not found')).toBe('no device; libcuda.so.1 was not found');
    expect(withMissing('no device', '')).toBe('no device');
  });

  it('are none for a provider that is built in', () => {
    expect(describeSearch(openProviderLibraries(providerRow('webgpu'), ortLibrary, () => undefined))).toBe('');
  });
});
