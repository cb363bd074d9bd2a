/**
 * CPU time that this host or container was denied: stolen by a hypervisor, or withheld by a control group's quota. Read
 * from Linux's /proc and /sys; elsewhere there is nothing to read and nothing is said.
 */
import { join } from 'node:path';
import type { Warning } from '../../record/run-record.js';
import { type ReadText, readText } from './read-text.js';

/** Share of CPU time that may be stolen, and share of time that may be spent throttled. */
const MAX_STOLEN_SHARE = 0.02;
const MAX_THROTTLED_SHARE = 0.02;

/** Counters since boot; undefined where the system does not keep them. */
export interface CpuPressure {
  /** Clock ticks of all CPUs. */
  readonly totalTicks: number | undefined;
  readonly stolenTicks: number | undefined;
  /** Of all CPUs, with nothing to do or waiting for a device. */
  readonly idleTicks: number | undefined;
  /** Time during which the control group's tasks were held back, summed over its CPUs. */
  readonly throttledNs: number | undefined;
}

/** The counters as of now. `read` is for tests. */
export function readCpuPressure(read: ReadText = readText): CpuPressure {
  const ticks = /^cpu +(.+)$/m
    .exec(read('/proc/stat') ?? '')?.[1]
    ?.split(/\s+/)
    .map(Number);
  return {
    // user, nice, system, idle, iowait, irq, softirq, steal; guest time is part of user time already.
    totalTicks: ticks?.slice(0, 8).reduce((sum, count) => sum + count, 0),
    stolenTicks: ticks?.[7],
    idleTicks: ticks && ticks[3]! + ticks[4]!,
    throttledNs: readThrottledNs(read),
  };
}

/** Version 2 keeps microseconds in the group's own folder, version 1 nanoseconds in that of the cpu controller. */
function readThrottledNs(read: ReadText): number | undefined {
  const groups = read('/proc/self/cgroup') ?? '';
  const unified = /^0::(.*)$/m.exec(groups)?.[1];
  const legacy = /^\d+:(?:[^:]*,)?cpu(?:,[^:]*)?:(.*)$/m.exec(groups)?.[1];
  // Inside a container the path is the host's, while the mount already is the group itself.
  for (const path of [unified, ''].filter((part) => part !== undefined)) {
    const micros = counter(read(join('/sys/fs/cgroup', path, 'cpu.stat')), 'throttled_usec');
    if (micros !== undefined) return micros * 1000;
  }
  for (const path of [legacy, ''].filter((part) => part !== undefined)) {
    const nanoseconds = counter(read(join('/sys/fs/cgroup/cpu', path, 'cpu.stat')), 'throttled_time');
    if (nanoseconds !== undefined) return nanoseconds;
  }
  return undefined;
}

function counter(text: string | undefined, name: string): number | undefined {
  const value = new RegExp(`^${name} (\\d+)$`, 'm').exec(text ?? '')?.[1];
  return value === undefined ? undefined : Number(value);
}

/** Linux counts in hundredths of a second, whatever the kernel's own tick. */
const TICK_NS = 1e7;

/** What two readings, `elapsedNs` apart, say about the host and the share of it that `clientCpuNs` was. */
export function pressureBetween(before: CpuPressure, after: CpuPressure, elapsedNs: number, clientCpuNs: number) {
  const totalTicks = difference(before.totalTicks, after.totalTicks);
  const busyNs = (totalTicks - difference(before.idleTicks, after.idleTicks)) * TICK_NS;
  const known = (value: number): number | null => (Number.isFinite(value) ? Math.max(0, value) : null);
  return {
    stealRatio: known(difference(before.stolenTicks, after.stolenTicks) / totalTicks),
    throttledNs: known(difference(before.throttledNs, after.throttledNs)),
    clientCpuCount: known(clientCpuNs / elapsedNs),
    // Ticks are coarse, so a short level may seem to use more than there was.
    clientCpuShare: known(Math.min(1, clientCpuNs / busyNs)),
  } as const;
}

/** What to say about the time between two readings, `elapsedNs` apart. */
export function pressureWarnings(before: CpuPressure, after: CpuPressure, elapsedNs: number): Warning[] {
  const warnings: Warning[] = [];
  const stolen = difference(before.stolenTicks, after.stolenTicks) / difference(before.totalTicks, after.totalTicks);
  if (stolen > MAX_STOLEN_SHARE) {
    warnings.push({
      code: 'CPU_STEAL',
      message: `The hypervisor took ${percent(stolen)} of the CPU time away during the level; use a host with CPUs of its own.`,
    });
  }
  // Tasks on several CPUs are held back at once, so the sum may exceed the time itself.
  const throttled = Math.min(1, difference(before.throttledNs, after.throttledNs) / elapsedNs);
  if (throttled > MAX_THROTTLED_SHARE) {
    warnings.push({
      code: 'CPU_THROTTLED',
      message: `The container's CPU quota held perf-ts back for ${percent(throttled)} of the level; raise the quota.`,
    });
  }
  return warnings;
}

/** NaN where either is not known, so that no comparison with it holds. */
const difference = (before: number | undefined, after: number | undefined): number =>
  before === undefined || after === undefined ? Number.NaN : after - before;

const percent = (share: number): string => `${Number((share * 100).toPrecision(2))} %`;
