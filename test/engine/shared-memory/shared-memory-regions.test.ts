import { readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { MOST_REGIONS, SharedMemoryRegions } from '../../../engine/shared-memory/shared-memory-regions.js';

describe.skipIf(process.platform !== 'linux')('shared-memory regions', () => {
  let folder: string;
  let regions: SharedMemoryRegions;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'perf-ts-shm-'));
    regions = new SharedMemoryRegions(folder);
    writeFileSync(join(folder, 'object'), Buffer.from(Array.from({ length: 64 }, (_, index) => index)));
  });

  const register = (parts: object = {}): void =>
    regions.register({ name: 'r', key: '/object', offset: 8, byte_size: 16, ...parts });
  const reference = (offsetBytes: number, byteSize: number, region = 'r') => ({ region, offsetBytes, byteSize });

  it('are read and written within the part of the object that was registered', () => {
    register();
    const region = regions.retain(reference(4, 12));
    const read = Buffer.alloc(4);
    region.read(4, read);
    region.write(12, Uint8Array.of(200, 201));
    region.release();
    expect([...read]).toEqual([12, 13, 14, 15]);
    expect([...readFileSync(join(folder, 'object')).subarray(19, 23)]).toEqual([19, 200, 201, 22]);
  });

  it('are listed by name or all, and may be registered under several names', () => {
    register();
    register({ name: 's', key: 'object', offset: 0, byte_size: 64 });
    const r = { name: 'r', key: '/object', offset: 8, byte_size: 16 };
    expect(regions.status('r')).toEqual([r]);
    expect(regions.status('')).toEqual([r, { name: 's', key: 'object', offset: 0, byte_size: 64 }]);
    regions.unregister('r');
    regions.unregister('r');
    expect(() => regions.status('r')).toThrow("Unable to find system shared memory region: 'r'");
    regions.unregisterAll();
    expect(regions.status('')).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['no object', { key: '/nothing' }, 'Unable to open'],
    ['an empty key', { key: '/' }, 'Unable to open'],
    ['a key with a folder', { key: '/a/b' }, 'Unable to open'],
    ['a key that leads out', { key: '/..' }, 'Unable to open'],
    ['a key that leads out by a path', { key: '../object' }, 'Unable to open'],
    ['a key with a NUL', { key: '/object\0' }, 'Unable to open'],
    ['an endless key', { key: `/${'x'.repeat(5000)}` }, 'Unable to open'],
    ['more bytes than the object has', { offset: 0, byte_size: 65 }, 'failed to register shared memory region'],
    ['an offset behind its end', { offset: 64, byte_size: 1 }, 'failed to register shared memory region'],
    ['sizes that overflow', { offset: 2 ** 53 - 1, byte_size: 2 ** 53 - 1 }, 'failed to register shared memory region'],
    ['no bytes', { byte_size: 0 }, 'failed to register shared memory region'],
    ['a negative offset', { offset: -8 }, 'failed to register shared memory region'],
    ['no name', { name: '' }, 'needs a name'],
  ])('are refused with %s', (_, parts, message) => {
    expect(() => register(parts)).toThrow(message);
    expect(regions.status('')).toEqual([]);
  });

  it('are refused when there are too many', () => {
    for (let i = 0; i < MOST_REGIONS; i++) register({ name: `r${i}` });
    expect(() => register()).toThrow(`there are ${MOST_REGIONS} shared memory regions already`);
    regions.unregisterAll();
    register();
  });

  it('are not opened through a link', () => {
    symlinkSync('/etc/hostname', join(folder, 'link'));
    expect(() => register({ key: '/link', offset: 0, byte_size: 1 })).toThrow('Unable to open');
  });

  it('are refused under a name that is taken', () => {
    register();
    expect(() => register()).toThrow("shared memory region 'r' already in manager");
  });

  it.each([
    [0, 17],
    [16, 1],
    [2 ** 53 - 1, 2 ** 53 - 1],
    [-1, 4],
  ])('are not lent from %d for %d bytes, which is outside', (offset, size) => {
    register();
    expect(() => regions.retain(reference(offset, size))).toThrow('Invalid offset + byte size');
  });

  it('that were truncated are refused when they are used, and not made longer', () => {
    register();
    const region = regions.retain(reference(0, 16));
    truncateSync(join(folder, 'object'), 10);
    expect(() => region.read(0, Buffer.alloc(16))).toThrow('Invalid offset + byte size');
    expect(() => region.write(0, new Uint8Array(16))).toThrow('Invalid offset + byte size');
    expect(readFileSync(join(folder, 'object'))).toHaveLength(10);
  });

  it('stay readable for requests that began before they were unregistered', () => {
    register();
    const region = regions.retain(reference(0, 4));
    regions.unregister('r');
    const read = Buffer.alloc(4);
    region.read(0, read);
    expect([...read]).toEqual([8, 9, 10, 11]);
    region.release();
  });
});
