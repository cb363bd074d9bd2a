import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { findListener } from '../../src/monitor/find-listener.js';
import { processTree, readUsage } from '../../src/monitor/process-usage.js';

const files: Readonly<Record<string, string>> = {
  '7/stat': '7 (tritonserver (x)) S 1 7 7 0 -1 0 0 0 0 0 120 30 0 0 20 0 1 0 5',
  '7/status': 'Name:\ttritonserver\nVmRSS:\t  2048 kB\n',
  '9/stat': '9 (stub) S 7 7 7 0 -1 0 0 0 0 0 40 10 0 0 20 0 1 0 5',
  '9/status': 'VmRSS:\t  1024 kB\n',
  '12/stat': '12 (other) S 1 12 12 0 -1 0 0 0 0 0 999 999 0 0 20 0 1 0 5',
};
const read = (path: string) => files[path];

describe('the use of CPU and memory of a process', () => {
  it('is that of the process and everything it started', () => {
    const tree = processTree(7, read, () => [12, 9, 7]);
    expect([...tree].sort()).toEqual([7, 9]);
    expect(readUsage(tree, read)).toEqual({ cpuNs: 2e9, residentBytes: 3 * 2 ** 20 });
  });

  it('is unknown for a process that is gone', () => {
    expect(readUsage([99], read)).toBeUndefined();
  });

  it.runIf(process.platform === 'linux')('is read of this very process', () => {
    const usage = readUsage([process.pid])!;
    expect(usage.residentBytes).toBeGreaterThan(10 * 2 ** 20);
    expect(usage.cpuNs).toBeGreaterThan(0);
  });
});

describe('the process that listens on a port', () => {
  const table = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    '   0: 0100007F:1F41 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1',
    '   1: 0100007F:1F41 0100007F:9999 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1',
  ].join('\n');
  const links: Readonly<Record<string, string>> = {
    '/proc/31/fd/3': 'socket:[4712]',
    '/proc/42/fd/9': 'socket:[4711]',
  };
  const lists: Readonly<Record<string, string[]>> = {
    '/proc': ['self', '31', '42'],
    '/proc/31/fd': ['3'],
    '/proc/42/fd': ['9'],
  };
  const fake = {
    read: (path: string) => (path === '/proc/net/tcp' ? table : undefined),
    list: (path: string) => lists[path] ?? [],
    link: (path: string) => links[path],
  };

  it('is the one that holds the listening socket, not one that is connected to it', () => {
    expect(findListener(8001, fake)).toBe(42);
    expect(findListener(8002, fake)).toBeUndefined();
  });

  it.runIf(process.platform === 'linux')('is found for a socket of this process', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    expect(findListener((server.address() as AddressInfo).port)).toBe(process.pid);
    await new Promise((resolve) => server.close(resolve));
  });
});
