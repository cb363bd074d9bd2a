import { describe, expect, it } from 'vitest';
import {
  type HostReading,
  hostLoadBetween,
  judgeHostLoad,
  readHostLoad,
  waitingRatio,
} from '../../../src/measure/limits/host-load.js';
import type { CpuUse } from '../../../src/measure/measurement.js';

const reader = (files: Record<string, string>) => (path: string) => files[path];

const use = (oursSec: number, others: Readonly<Record<string, number>> = {}, cpus?: readonly number[]): CpuUse => ({
  oursNs: oursSec * 1e9,
  others: new Map(Object.entries(others).map(([name, cpuSec], id) => [id, { name, cpuNs: cpuSec * 1e9 }])),
  cpus,
});

/** user, nice, system, idle seconds of each CPU; waiting in seconds. */
function reading(cpus: readonly (readonly number[])[], known: CpuUse | undefined, waitingSec = 0): HostReading {
  const lines = cpus.map((times, id) => `cpu${id} ${times.map((sec) => sec * 100).join(' ')} 0 0 0 0 0 0`);
  return readHostLoad(
    known,
    reader({
      '/proc/stat': `cpu  1 1 1 1 0 0 0 0 0 0\n${lines.join('\n')}\nintr 5\n`,
      '/proc/pressure/cpu': `some avg10=0.00 avg60=0.00 avg300=0.00 total=${waitingSec * 1e6}\nfull total=0\n`,
    }),
  );
}

const idle = [0, 0, 0, 0];

function judge(after: HostReading, isNice = false) {
  const before = reading(after.byCpu.size === 2 ? [idle, idle] : [idle, idle, idle, idle], use(0));
  return judgeHostLoad(hostLoadBetween(before, after, 10e9, isNice), waitingRatio(before, after, 10e9));
}

const busy = [8, 0, 2, 0];

describe('other programs on the host', () => {
  it('are told with their size and names, and are too much at a tenth of the CPUs', () => {
    const judged = judge(reading([busy, busy], use(11, { python3: 6, node: 3, sh: 0.1 }), 9))!;
    expect(judged.isTooMuch).toBe(true);
    expect(judged.warning).toMatchObject({ code: 'HOST_BUSY' });
    expect(judged.warning.message).toContain('used 0.9 of 2 CPUs during the level (python3 0.6, node 0.3)');
  });

  it('never add up to more than their whole', () => {
    const told = (oursSec: number, others: Readonly<Record<string, number>>): string =>
      judge(reading([busy, busy], use(oursSec, others), 9))!.warning.message;
    // One that yields, or ran elsewhere, used more than was taken here.
    expect(told(18.5, { tsc: 3.2, node: 2 })).toContain('used 0.15 of 2 CPUs during the level (among them tsc, node)');
    // Clocks that differ a little, and figures that only rounding makes too large.
    for (const [oursSec, others] of [
      [18.5, { tsc: 1, node: 0.6 }],
      [9.6, { a: 5.2, b: 5.2 }],
      [15, { a: 2.555, b: 2.445 }],
      [17.77, { a: 0.777, b: 0.777, c: 0.777 }],
    ] as const) {
      const [, whole, parts] = /used ([\d.]+) of 2 CPUs during the level \((.*?)\)/.exec(told(oursSec, others))!;
      const named = parts!.split(', ').map((part) => Number(part.split(' ')[1]));
      expect(named).toHaveLength(Object.keys(others).length);
      expect(named.reduce((sum, part) => sum + part, 0)).toBeLessThanOrEqual(Number(whole) + 1e-9);
    }
    // A process that got the id of another one, and a clock ahead of the ticks.
    const before = reading([idle, idle], use(0, { old: 50 }));
    const load = hostLoadBetween(before, reading([busy, busy], use(5, { young: 3 }), 9), 5e9)!;
    expect(load.others).toEqual([{ name: 'young', cpuCount: 0 }]);
    expect(load.othersCpuCount + load.idleRatio * load.cpuCount).toBeLessThanOrEqual(load.cpuCount);
  });

  it('are told without more where they take little', () => {
    expect(judge(reading([busy, busy], use(18.5), 9))).toMatchObject({ isTooMuch: false });
    expect(judge(reading([busy, busy], use(19.5), 9))).toBeUndefined();
  });

  it('are none where the load itself keeps every CPU busy and waiting', () => {
    expect(judge(reading([busy, busy], use(20), 10))).toBeUndefined();
    expect(judge(reading([busy, busy], use(21), 10))).toBeUndefined();
  });

  it('are in nobody’s way where CPUs are left over or nothing waits', () => {
    expect(judge(reading([busy, idle, [0, 0, 0, 10], [0, 0, 0, 10]], use(1), 9))).toBeUndefined();
    expect(judge(reading([busy, busy], use(11), 0.2))).toBeUndefined();
  });

  it('do not count where they yield, unless perf-ts yields too', () => {
    const yielding = reading([busy, [0, 10, 0, 0]], use(10), 9);
    expect(judge(yielding)).toBeUndefined();
    expect(judge(yielding, true)).toMatchObject({ isTooMuch: true });
  });

  it('count on the CPUs that perf-ts and the server may use only', () => {
    const free = [0, 0, 0, 10];
    const contested = reading([busy, busy, free, free], use(12, {}, [0, 1]), 9);
    expect(judge(contested)!.warning.message).toContain('0.8 of 2 CPUs');
    const apart = reading([busy, busy, free, free], use(0.1, {}, [2, 3]), 9);
    expect(judge(apart)).toBeUndefined();
  });

  it('count over all CPUs where a container numbers its own anew', () => {
    expect(judge(reading([busy, busy], use(12, {}, [6, 7]), 9))!.warning.message).toContain('0.8 of 2 CPUs');
  });

  it('do not count stolen time or interrupts, which are nobody’s', () => {
    const text = ['cpu0 400 0 100 0 0 200 200 100 0 0', 'cpu1 400 0 100 0 0 0 200 300 0 0'].join('\n');
    const after = readHostLoad(use(10), reader({ '/proc/stat': text }));
    const before = reading([idle, idle], use(0));
    expect(hostLoadBetween(before, after, 10e9)).toMatchObject({ othersCpuCount: 0, cpuCount: 2 });
  });

  it('are unknown where ours cannot be told, or where there is no /proc', () => {
    const before = reading([idle, idle], undefined);
    expect(hostLoadBetween(before, reading([busy, busy], use(1)), 10e9)).toBeUndefined();
    const nothing = readHostLoad(use(0), reader({}));
    expect(hostLoadBetween(nothing, nothing, 10e9)).toBeUndefined();
    expect(waitingRatio(nothing, nothing, 10e9)).toBeNull();
    expect(judgeHostLoad(undefined, null)).toBeUndefined();
  });

  it('cannot bend the line that names them', () => {
    const judged = judge(reading([busy, busy], use(11, { 'a\u001b[2J\nb': 9 }), 9))!;
    expect(judged.warning.message).toContain('(a?[2J b 0.9)');
  });

  it('are asked of our own control group where it tells', () => {
    const files = {
      '/proc/self/cgroup': '0::/ci',
      '/sys/fs/cgroup/ci/cpu.pressure': 'some avg10=1 total=7\n',
      '/proc/pressure/cpu': 'some avg10=1 total=9\n',
    };
    expect(readHostLoad(undefined, reader(files)).pressureNs).toBe(7000);
  });
});
