import { describe, expect, it } from 'vitest';
import { type ProcessFiles, readCpuUse } from '../../src/monitor/host-processes.js';

const self = process.pid;
const serverId = self + 10;

/** Ticks: own user time and that of children that have ended. */
const stat = (id: number, name: string, parent: number, user: number, childUser = 0): string =>
  `${id} (${name}) R ${parent} 1 1 0 -1 0 0 0 0 0 ${user} 0 ${childUser} 0 20 0 1 0 5`;

function filesOf(processes: readonly string[], more: Readonly<Record<string, string>> = {}): ProcessFiles {
  const files: Record<string, string> = { ...more };
  for (const text of processes) files[`${Number.parseInt(text, 10)}/stat`] = text;
  return {
    read: (path) => files[path],
    list: () => processes.map((text) => Number.parseInt(text, 10)),
    self: () => self,
  };
}

const usual = [
  stat(self, 'node', 1, 100, 7),
  stat(self + 1, 'engine (x)', self, 50),
  stat(serverId, 'tritonserver', 1, 200),
  stat(serverId + 1, 'stub', serverId, 30, 3),
  stat(self + 100, 'other', 1, 999, 500),
];

describe('the use of the CPUs', () => {
  it('is ours for perf-ts, the server and all that they started, ended children with them', () => {
    const use = readCpuUse(serverId, filesOf(usual))!;
    expect(use.oursNs).toBe((107 + 50 + 200 + 33) * 1e7);
    expect([...use.others.values()]).toEqual([{ name: 'other', cpuNs: 999e7 }]);
  });

  it('counts no server where there is none here', () => {
    expect(readCpuUse(undefined, filesOf(usual))!.oursNs).toBe(157e7);
  });

  it.each([
    ['the server is gone', filesOf(usual.filter((text) => !text.includes('triton')))],
    ['another namespace numbers the processes', { ...filesOf(usual), self: () => self + 1 }],
    ['there is no /proc', { read: () => undefined, list: () => [], self: () => undefined }],
    ['a proxy holds the port', filesOf(usual.map((text) => text.replace('tritonserver', 'docker-proxy')))],
  ])('is unknown where %s', (_, files) => {
    expect(readCpuUse(serverId, files)).toBeUndefined();
  });

  it("takes in what runs in the server's own container", () => {
    const group = '0::/system.slice/docker-abc.scope';
    const groups = { [`${serverId}/cgroup`]: group, [`${self + 100}/cgroup`]: group, [`${self}/cgroup`]: '0::/' };
    expect(readCpuUse(serverId, filesOf(usual, groups))!.others.size).toBe(0);
  });

  it('names the CPUs that either may use', () => {
    const allowed = {
      [`${self}/status`]: 'Cpus_allowed_list:\t0-1\n',
      [`${serverId}/status`]: 'Cpus_allowed_list:\t1,4-5\n',
    };
    expect(readCpuUse(serverId, filesOf(usual, allowed))!.cpus).toEqual([0, 1, 4, 5]);
    expect(readCpuUse(undefined, filesOf(usual, allowed))!.cpus).toEqual([0, 1]);
  });

  it.runIf(process.platform === 'linux')('is read of this very host', () => {
    const use = readCpuUse(undefined)!;
    expect(use.oursNs).toBeGreaterThan(0);
    expect(use.others.size).toBeGreaterThan(0);
    expect(use.cpus!.length).toBeGreaterThan(0);
  });
});
