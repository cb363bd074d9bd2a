import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openFileSource } from '../../src/runtime/byte-source.js';
import { partPath } from '../../src/runtime/extract-member.js';
import { type InstallRequest, installRuntime, removeRuntime } from '../../src/runtime/install-runtime.js';
import type { IndexSettings } from '../../src/runtime/pip-settings.js';
import { resolveRuntime } from '../../src/runtime/resolve-runtime.js';
import { partsFolder, readInstalled, runtimesFolder } from '../../src/runtime/runtime-store.js';
import { readZipDirectory } from '../../src/runtime/zip-directory.js';
import { makeTemporaryFolder } from '../support/temporary-folder.js';
import { startPackageIndex } from './support/package-index.js';
import { makeWheel, smallFiles, wheelName } from './support/test-wheel.js';

const wheel = makeWheel();
const wheels = { [wheelName]: wheel };
const openvino: InstallRequest = { what: 'openvino', overrides: {} };

beforeEach(async () => {
  vi.stubEnv('PERF_TS_DATA', await makeTemporaryFolder());
});
afterEach(() => vi.unstubAllEnvs());

function install(request: InstallRequest, settings: Partial<IndexSettings>, signal?: AbortSignal) {
  const said: string[] = [];
  const done = installRuntime(
    request,
    { say: (text) => said.push(text), progress: () => undefined },
    {
      settings: { indexUrls: [], findLinks: [], isOffline: false, certFile: undefined, ...settings },
      retryDelaysMs: [1, 1],
      ...(signal && { signal }),
    },
  );
  return Object.assign(done, { said });
}

/** Everything in the folder of runtimes; a failed install must leave nothing there. */
const left = (): string[] => readdirSync(runtimesFolder());

describe('installing from an index', () => {
  it.each([
    ['json', true],
    ['html', true],
    ['json', false],
    ['html', false],
  ] as const)('takes the members it needs (%s page, hashes: %s)', async (page, hasHashes) => {
    const index = await startPackageIndex({ page, wheels, isWithoutHashes: !hasHashes });
    const { runtime, isNew, fetchedBytes } = await install(openvino, { indexUrls: [index.url] });
    expect({ isNew, name: runtime.name, version: runtime.version }).toEqual({
      isNew: true,
      name: 'openvino-1.30.0',
      version: '1.30.0',
    });
    for (const [name, content] of Object.entries(smallFiles)) {
      expect(readFileSync(join(runtime.folder, name))).toEqual(content);
    }
    const names = [...Object.keys(smallFiles), 'libonnxruntime.so.1.30.0', 'runtime.json'];
    expect(readdirSync(runtime.folder).sort()).toEqual(names.sort());
    // A hash is of the whole file.
    if (hasHashes) expect(fetchedBytes).toBeGreaterThan(wheel.length);
    else expect(fetchedBytes).toBeLessThan(wheel.length - 200_000);
    expect(resolveRuntime('openvino').libraryPath).toBe(runtime.libraryPath);
    expect(readdirSync(partsFolder())).toEqual([]);
  });

  it.each([true, false])('takes the whole wheel from a server without ranges (hashes: %s)', async (hasHashes) => {
    const index = await startPackageIndex({ hasRanges: false, wheels, isWithoutHashes: !hasHashes });
    const outcome = install(openvino, { indexUrls: [index.url] });
    expect((await outcome).runtime.name).toBe('openvino-1.30.0');
    expect(outcome.said.join().includes('does not answer ranges')).toBe(!hasHashes);
    expect(readdirSync(partsFolder())).toEqual([]);
  });

  it.each(['json', 'html'] as const)('refuses a tampered wheel, also where ranges are answered (%s)', async (page) => {
    // A valid archive with right checksums inside: only the hash of the whole tells.
    const tampered = makeWheel({ isTampered: true });
    const { createHash } = await import('node:crypto');
    const sha256 = createHash('sha256').update(wheel).digest('hex');
    const index = await startPackageIndex({ page, wheels: { [wheelName]: tampered }, sha256 });
    await expect(install(openvino, { indexUrls: [index.url] })).rejects.toMatchObject({
      code: 'BAD_FILE',
      message: expect.stringContaining('SHA-256'),
    });
    expect([...left(), ...readdirSync(partsFolder())]).toEqual([]);
  });

  it('refuses plain http from elsewhere without a hash, and says what to do', async () => {
    const { openRemoteWheel } = await import('../../src/runtime/wheel-source.js');
    const asked: string[] = [];
    const http = { get: async (url: string) => Promise.reject(new Error(`asked ${asked.push(url)}`)) };
    const access = { http: http as never, wholeFilePath: join(await makeTemporaryFolder(), 'x.whl') };
    const open = (url: string, sha256?: string) =>
      openRemoteWheel({ filename: wheelName, url, sha256, isYanked: false }, access);
    for (const host of ['index.example', '127.0.0.1.example', 'localhost.example', '10.0.0.1']) {
      await expect(open(`http://${host}/a.whl`)).rejects.toMatchObject({
        code: 'RUNTIME_UNUSABLE',
        problems: [{ what: expect.stringContaining('plain http'), hint: expect.stringContaining('--find-links') }],
      });
    }
    expect(asked).toEqual([]);
    for (const url of ['https://index.example/a.whl', 'http://127.0.0.1/a.whl', 'http://[::1]/a.whl']) {
      await expect(open(url)).rejects.toThrow(/asked/);
    }
  });

  it.each([true, false])('refuses a wheel with another hash than was published (ranges: %s)', async (hasRanges) => {
    const index = await startPackageIndex({ hasRanges, wheels, sha256: 'a'.repeat(64) });
    await expect(install(openvino, { indexUrls: [index.url] })).rejects.toMatchObject({
      code: 'BAD_FILE',
      message: expect.stringContaining('SHA-256'),
    });
    expect([...left(), ...readdirSync(partsFolder())]).toEqual([]);
  });

  it('goes on after a connection that breaks, from the byte where it broke', async () => {
    const index = await startPackageIndex({ wheels, breakAfterBytes: 150_000, breakCount: 2 });
    await install(openvino, { indexUrls: [index.url] });
    const continued = index.requests.filter(({ range, ifRange }) => range !== undefined && ifRange === '"one"');
    expect(continued.length).toBeGreaterThan(0);
    expect(index.sentBytes()).toBe(wheel.length);
  });

  /** A first run that gets part of the wheel, until the server has it no more. */
  async function fetchPartly() {
    const index = await startPackageIndex({ wheels, breakAfterBytes: 290_000 });
    const outcome = install(openvino, { indexUrls: [index.url] }).catch((thrown: Error) => thrown.message);
    await vi.waitFor(() => expect(index.sentBytes()).toBeGreaterThan(290_000));
    index.behave({ fileStatus: 404 });
    expect(await outcome).toMatch(/HTTP 404/);
    expect(left()).toEqual([]);
    return index;
  }

  it('continues in a later run with what an earlier one has fetched', async () => {
    const index = await fetchPartly();
    const keptBytes = readdirSync(partsFolder())
      .map((name) => readFileSync(join(partsFolder(), name)).length)
      .reduce((total, length) => total + length, 0);
    expect(keptBytes).toBeGreaterThan(200_000);
    index.behave({ fileStatus: undefined, breakCount: 0 });
    const { fetchedBytes } = await install(openvino, { indexUrls: [index.url] });
    expect(fetchedBytes).toBeLessThan(wheel.length - keptBytes + 10_000);
  });

  it('starts over when what an earlier run has left is bad', async () => {
    const index = await fetchPartly();
    for (const name of readdirSync(partsFolder())) {
      const file = join(partsFolder(), name);
      writeFileSync(file, Buffer.alloc(readFileSync(file).length, 0x55));
    }
    index.behave({ fileStatus: undefined, breakCount: 0 });
    const { runtime } = await install(openvino, { indexUrls: [index.url] });
    for (const [name, content] of Object.entries(smallFiles)) {
      expect(readFileSync(join(runtime.folder, name))).toEqual(content);
    }
  });

  it('refuses a member whose checksum is wrong', async () => {
    const index = await startPackageIndex({ wheels: { [wheelName]: makeWheel({ wrongCrcOf: 'libtbb.so.12' }) } });
    await expect(install(openvino, { indexUrls: [index.url] })).rejects.toMatchObject({
      code: 'BAD_FILE',
      message: expect.stringContaining('libtbb.so.12 is damaged: its CRC-32 is wrong'),
    });
    expect(left()).toEqual([]);
  });

  it('says when a file without a hash is replaced while it is being fetched', async () => {
    const change = { breakAfterBytes: 250_000, breakCount: 1, etagAfterBreak: '"two"' };
    const index = await startPackageIndex({ wheels, isWithoutHashes: true, ...change });
    const outcome = install(openvino, { indexUrls: [index.url] });
    await expect(outcome).rejects.toThrow(/changed while it was being fetched/);
    expect(left()).toEqual([]);
  });

  it('begins again with a file that is replaced while it is being fetched, and its hash decides', async () => {
    const change = { breakAfterBytes: 250_000, breakCount: 1, etagAfterBreak: '"two"' };
    const index = await startPackageIndex({ wheels, ...change });
    expect((await install(openvino, { indexUrls: [index.url] })).isNew).toBe(true);
    expect(index.sentBytes()).toBe(250_000 + wheel.length);
  });

  it('gives up on a server without ranges that breaks each transfer', async () => {
    const index = await startPackageIndex({ wheels, hasRanges: false, breakAfterBytes: 150_000 });
    await expect(install(openvino, { indexUrls: [index.url] })).rejects.toThrow(/again and again|cannot be reached/);
    expect(left()).toEqual([]);
  });

  it('gives credentials in the index’s address to it, and never shows them', async () => {
    const index = await startPackageIndex({ wheels, user: 'me:pass word' });
    const withUser = index.url.replace('//', '//me:pass%20word@');
    await install(openvino, { indexUrls: [withUser] });
    await removeRuntime('openvino-1.30.0');
    index.behave({ user: 'someone:else' });
    const fault = await install(openvino, { indexUrls: [withUser] }).catch((thrown: Error) => thrown.message);
    expect(fault).toMatch(/refuses access/);
    expect(fault).not.toMatch(/pass/);
  });

  it.each([
    ['an index without the project', { project: 'another' }, /found none at all/],
    ['an index that answers something else', { page: 'garbage' as const }, /not that of a package index/],
    ['a file that is not there', { fileStatus: 404 }, /HTTP 404/],
    ['a wheel that is garbage', { wheels: { [wheelName]: Buffer.alloc(9_000, 3) } }, /not a zip archive/],
    ['a wheel cut short', { wheels: { [wheelName]: wheel.subarray(0, 500_000) } }, /its end is missing/],
    [
      'a wheel for another system only',
      { wheels: { [wheelName.replace('manylinux_2_28', 'manylinux_2_99')]: wheel } },
      /only for other systems/,
    ],
    [
      'a wheel that lacks a file',
      { wheels: { [wheelName]: makeWheel({ without: 'libtbb.so.12' }) } },
      /holds no file like .*libtbb/,
    ],
    [
      'a library that is none',
      { wheels: { [wheelName]: makeWheel({ library: Buffer.from('not a library') }) } },
      /library cannot be used: .*cannot be loaded/,
    ],
  ])('refuses %s in words, and leaves nothing behind', async (_, behaviour, words) => {
    const index = await startPackageIndex({ wheels, ...behaviour });
    await expect(install(openvino, { indexUrls: [index.url] })).rejects.toThrow(words);
    expect(left()).toEqual([]);
  });

  it('says what to do when there is no network', async () => {
    await expect(install(openvino, { indexUrls: ['http://127.0.0.1:1/simple/'] })).rejects.toMatchObject({
      code: 'RUNTIME_UNUSABLE',
      problems: [{ what: expect.stringContaining('cannot be reached'), hint: expect.stringContaining('--find-links') }],
    });
  });

  it('says that the disk is full, and leaves neither a runtime nor a part', async () => {
    const file = join(await makeTemporaryFolder(), wheelName);
    writeFileSync(file, wheel);
    const index = await startPackageIndex({ wheels, etag: '"one"', isWithoutHashes: true });
    // /dev/full answers every write as a full disk does.
    const source = await openFileSource(file, wheelName);
    const members = await readZipDirectory(source);
    await source.close();
    const member = members.find(({ name }) => name.endsWith('libtbb.so.12'))!;
    const identity = [new URL(`/files/${wheelName}`, index.url).href, '"one"', wheel.length].join(' ');
    mkdirSync(partsFolder(), { recursive: true });
    const part = partPath(partsFolder(), { identity }, member);
    symlinkSync('/dev/full', part);
    await expect(install(openvino, { indexUrls: [index.url] })).rejects.toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
      problems: [{ hint: expect.stringContaining('disk is full') }],
    });
    expect(left()).toEqual([]);
    expect(readdirSync(partsFolder())).not.toContain(part);
  });

  it('says that the disk is full under a whole wheel, and leaves nothing', async () => {
    const index = await startPackageIndex({ wheels });
    const { createHash } = await import('node:crypto');
    const hashOf = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');
    const key = hashOf(`${wheelName} ${hashOf(wheel)}`).slice(0, 32);
    mkdirSync(partsFolder(), { recursive: true });
    symlinkSync('/dev/full', join(partsFolder(), `${key}.whl`));
    await expect(install(openvino, { indexUrls: [index.url] })).rejects.toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
      problems: [{ hint: expect.stringContaining('disk is full') }],
    });
    expect([...left(), ...readdirSync(partsFolder())]).toEqual([]);
  });

  it('stops on a signal and keeps what was fetched', async () => {
    const index = await startPackageIndex({ wheels, breakAfterBytes: 250_000 });
    const stop = new AbortController();
    const outcome = install(openvino, { indexUrls: [index.url] }, stop.signal);
    await vi.waitFor(() => expect(index.sentBytes()).toBeGreaterThan(250_000));
    stop.abort();
    await expect(outcome).rejects.toBeInstanceOf(Error);
    expect(left()).toEqual([]);
    expect(readdirSync(partsFolder()).length).toBeGreaterThan(0);
  });
});

describe('installing without a network', () => {
  async function folderWithWheel(): Promise<string> {
    const folder = await makeTemporaryFolder();
    writeFileSync(join(folder, wheelName), makeWheel({ isZip64: true }));
    return folder;
  }

  it('takes the wheel from a folder, and asks no index', async () => {
    const folder = await folderWithWheel();
    const { runtime, fetchedBytes } = await install(openvino, { findLinks: [folder], isOffline: true });
    expect({ name: runtime.name, fetchedBytes }).toEqual({ name: 'openvino-1.30.0', fetchedBytes: 0 });
  });

  it('takes a wheel that is named', async () => {
    const what = join(await folderWithWheel(), wheelName);
    const { runtime } = await install({ what, overrides: {} }, { isOffline: true });
    expect(runtime.origin).toBe(wheelName);
  });

  it('takes a library from disk under the name given', async () => {
    const { libraryPath } = resolveRuntime('bundled');
    const { runtime } = await install({ what: libraryPath, name: 'mine', overrides: {} }, { isOffline: true });
    expect(runtime.name).toBe('mine-1.30.0');
    expect(runtime.providers).toContain('cpu');
  });

  it('refuses a file that is no library, a folder without one, and a word that is nothing', async () => {
    const folder = await makeTemporaryFolder();
    const text = join(folder, 'libonnxruntime.so.1');
    writeFileSync(text, 'text');
    const outcome = (what: string) => install({ what, overrides: {} }, { isOffline: true });
    await expect(outcome(text)).rejects.toThrow(/not a shared library/);
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    await expect(outcome(empty)).rejects.toThrow(/holds no libonnxruntime/);
    await expect(outcome('opnvino')).rejects.toThrow(/did you mean 'openvino'/);
  });

  it('does nothing twice', async () => {
    const folder = await folderWithWheel();
    await install(openvino, { findLinks: [folder], isOffline: true });
    const second = await install(openvino, { findLinks: [folder], isOffline: true });
    expect(second.isNew).toBe(false);
  });

  it('lets one of two installs at once go ahead and tells the other who is at it', async () => {
    const folder = await folderWithWheel();
    const settings = { findLinks: [folder], isOffline: true };
    const outcomes = await Promise.allSettled([install(openvino, settings), install(openvino, settings)]);
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused).toHaveLength(1);
    expect(String(refused[0]?.reason)).toContain(`process ${process.pid}`);
    expect(readInstalled().runtimes).toHaveLength(1);
  });

  it('clears away what an install that was killed has left', async () => {
    const folder = await folderWithWheel();
    mkdirSync(join(runtimesFolder(), '.new-dead'), { recursive: true });
    writeFileSync(join(runtimesFolder(), '.new-dead', 'libonnxruntime.so'), '');
    await install(openvino, { findLinks: [folder], isOffline: true });
    expect(left()).toEqual(['openvino-1.30.0']);
  });
});

describe('removing', () => {
  it('takes the whole folder away', async () => {
    const { libraryPath } = resolveRuntime('bundled');
    await install({ what: libraryPath, name: 'mine', overrides: {} }, { isOffline: true });
    expect(await removeRuntime('mine-1.30.0')).toBeGreaterThan(1e6);
    expect(left()).toEqual([]);
  });

  it('also takes away what is damaged', async () => {
    mkdirSync(join(runtimesFolder(), 'openvino-1.0.0'), { recursive: true });
    expect(readInstalled().damaged).toHaveLength(1);
    expect(() => resolveRuntime('openvino-1.0.0')).toThrow(/damaged/);
    await removeRuntime('openvino-1.0.0');
    expect(left()).toEqual([]);
  });

  it('refuses a name that is not installed', async () => {
    await expect(removeRuntime('openvino')).rejects.toThrow(/is not installed/);
  });
});
