import { describe, expect, it } from 'vitest';
import {
  type CpuPressure,
  pressureBetween,
  pressureWarnings,
  readCpuPressure,
} from '../../../src/measure/limits/cpu-pressure.js';

const reader = (files: Record<string, string>) => (path: string) => files[path];
const stat = 'cpu  100 0 50 800 10 0 5 35 7 0\ncpu0 50 0 25 400 5 0 3 20 0 0\n';

describe('the CPU pressure of the host', () => {
  it('is read from the kernel, guest time not counted twice', () => {
    const files = {
      '/proc/stat': stat,
      '/proc/self/cgroup': '0::/ci',
      '/sys/fs/cgroup/ci/cpu.stat': 'throttled_usec 7',
    };
    expect(readCpuPressure(reader(files))).toEqual({
      totalTicks: 1000,
      stolenTicks: 35,
      idleTicks: 810,
      throttledNs: 7000,
    });
  });

  it('is read inside a container, where the group is the mount itself', () => {
    const files = {
      '/proc/self/cgroup': '0::/docker/abc',
      '/sys/fs/cgroup/cpu.stat': 'usage_usec 90\nthrottled_usec 12\n',
    };
    expect(readCpuPressure(reader(files)).throttledNs).toBe(12_000);
  });

  it('is read from version 1 of control groups too', () => {
    const files = {
      '/proc/self/cgroup': '9:cpuset:/\n4:cpu,cpuacct:/build\n',
      '/sys/fs/cgroup/cpu/build/cpu.stat': 'nr_throttled 3\nthrottled_time 500\n',
    };
    expect(readCpuPressure(reader(files)).throttledNs).toBe(500);
  });

  it('is unknown, and no cause for a warning, where the system keeps no such counters', () => {
    const nothing = readCpuPressure(reader({}));
    expect(Object.values(nothing)).toEqual([undefined, undefined, undefined, undefined]);
    expect(pressureBetween(nothing, nothing, 1e9, 5e8)).toEqual({
      stealRatio: null,
      throttledNs: null,
      clientCpuCount: 0.5,
      clientCpuShare: null,
    });
    expect(pressureWarnings(nothing, nothing, 1e9)).toEqual([]);
  });

  it('never throws on the host this runs on', () => {
    expect(() => pressureWarnings(readCpuPressure(), readCpuPressure(), 1e9)).not.toThrow();
  });
});

describe('a pressure warning', () => {
  const before: CpuPressure = { totalTicks: 1000, stolenTicks: 10, idleTicks: 500, throttledNs: 0 };

  it('is given for more than two percent of stolen time', () => {
    const warned = pressureWarnings(before, { totalTicks: 2000, stolenTicks: 50, idleTicks: 900, throttledNs: 0 }, 1e9);
    expect(warned).toMatchObject([{ code: 'CPU_STEAL', message: expect.stringContaining('4 %') }]);
    expect(
      pressureWarnings(before, { totalTicks: 2000, stolenTicks: 29, idleTicks: 900, throttledNs: 0 }, 1e9),
    ).toEqual([]);
  });

  it('is given for throttling', () => {
    const warned = pressureWarnings(
      before,
      { totalTicks: 2000, stolenTicks: 10, idleTicks: 900, throttledNs: 0.1e9 },
      1e9,
    );
    expect(warned).toMatchObject([{ code: 'CPU_THROTTLED', message: expect.stringContaining('10 %') }]);
  });
});

describe('the time between two readings', () => {
  it('tells steal, throttling, and what part of the CPU time in use was the generator', () => {
    const before: CpuPressure = { totalTicks: 1000, stolenTicks: 10, idleTicks: 500, throttledNs: 5 };
    const after: CpuPressure = { totalTicks: 1400, stolenTicks: 18, idleTicks: 700, throttledNs: 25 };
    // 200 ticks of 10 ms were busy over 2 s; the generator used half a second of them.
    expect(pressureBetween(before, after, 2e9, 0.5e9)).toEqual({
      stealRatio: 0.02,
      throttledNs: 20,
      clientCpuCount: 0.25,
      clientCpuShare: 0.25,
    });
  });
});
