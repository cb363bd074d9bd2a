/**
 * Had other programs the CPUs while a level ran? Pressure alone cannot tell, for the load itself saturates a host; so what all
 * processes used is held against what ours and the server used. Read from Linux's /proc and /sys; elsewhere nothing is said.
 */
import { join } from 'node:path';
import { onOneLine } from '../../common/safe-text.js';
import type { Warning } from '../../record/run-record.js';
import type { CpuUse } from '../measurement.js';
import { type ReadText, readText } from './read-text.js';

/** Share of the CPUs that other programs may use before it is worth a word, and before the level is not steady. */
const TOLD_SHARE = 0.05;
const MAX_SHARE = 0.1;
/** Where more than this share of the CPUs is idle, or nothing waits for one, nobody is in the way. */
const MAX_IDLE_SHARE = 0.2;
const MIN_PRESSURE_RATIO = 0.05;
/** Linux counts in hundredths of a second, whatever the kernel's own tick. */
const TICK_NS = 1e7;
const NAMED_COUNT = 3;

/** Clock ticks of one CPU since boot. */
interface CpuTicks {
  /** Ordinary programs and the kernel on their behalf; interrupts and stolen time are in none of these. */
  readonly busy: number;
  /** Of programs that yield to all others. */
  readonly nice: number;
  readonly idle: number;
  readonly total: number;
}

/** Counters as of one instant. */
export interface HostReading {
  readonly byCpu: ReadonlyMap<number, CpuTicks>;
  /** Time in which something waited for a CPU: of our control group where it tells, else of the host. */
  readonly pressureNs: number | undefined;
  readonly use: CpuUse | undefined;
}

/** `use` tells ours from others; undefined where that is not known, and then nothing is said. */
export function readHostLoad(use: CpuUse | undefined, read: ReadText = readText): HostReading {
  const byCpu = new Map<number, CpuTicks>();
  for (const [, id, counts] of (read('/proc/stat') ?? '').matchAll(/^cpu(\d+) +(.+)$/gm)) {
    const ticks = counts!.split(/\s+/).map(Number);
    const [user = 0, nice = 0, system = 0, idle = 0, wait = 0] = ticks;
    const total = ticks.slice(0, 8).reduce((sum, count) => sum + count, 0);
    byCpu.set(Number(id), { busy: user + system, nice, idle: idle + wait, total });
  }
  return { byCpu, pressureNs: readPressureNs(read), use };
}

function readPressureNs(read: ReadText): number | undefined {
  const group = /^0::(.*)$/m.exec(read('/proc/self/cgroup') ?? '')?.[1];
  const files = [
    ...(group === undefined ? [] : [join('/sys/fs/cgroup', group, 'cpu.pressure')]),
    '/sys/fs/cgroup/cpu.pressure',
    '/proc/pressure/cpu',
  ];
  for (const file of files) {
    const micros = /^some .*total=(\d+)/m.exec(read(file) ?? '')?.[1];
    if (micros !== undefined) return Number(micros) * 1000;
  }
  return undefined;
}

export interface HostLoad {
  /** CPUs that other programs kept busy, of those that perf-ts and the server may use. */
  readonly othersCpuCount: number;
  readonly cpuCount: number;
  readonly idleRatio: number;
  /** The busiest of the others that could be seen. */
  readonly others: readonly { readonly name: string; readonly cpuCount: number }[];
}

/** Undefined where it cannot be known. `isNice`: perf-ts itself yields to others, so programs that yield count too. */
export function hostLoadBetween(
  before: HostReading,
  after: HostReading,
  elapsedNs: number,
  isNice = false,
): HostLoad | undefined {
  if (before.use === undefined || after.use === undefined || !(elapsedNs > 0)) return undefined;
  const spans = spansOf(before, after);
  const sumOf = (of: (span: CpuTicks) => number): number => spans.reduce((sum, span) => sum + of(span), 0);
  const total = sumOf((span) => span.total);
  if (total <= 0) return undefined;
  const busyNs = sumOf((span) => span.busy + (isNice ? span.nice : 0)) * TICK_NS;
  const oursNs = after.use.oursNs - before.use.oursNs;
  const used = [...after.use.others].map(([id, { name, cpuNs }]) => ({
    name,
    // Another process may have got the id of one that ended.
    cpuCount: Math.max(0, cpuNs - (before.use?.others.get(id)?.cpuNs ?? 0)) / elapsedNs,
  }));
  const idleRatio = sumOf((span) => span.idle) / total;
  return {
    // Ticks and the clock differ a little, and nothing runs on an idle CPU.
    othersCpuCount: Math.min((1 - idleRatio) * spans.length, Math.max(0, (busyNs - oursNs) / elapsedNs)),
    cpuCount: spans.length,
    idleRatio,
    others: joinByName(used),
  };
}

/** The CPUs that ours may use; all of them where that is not known, or where a container numbers its CPUs anew. */
function spansOf(before: HostReading, after: HostReading): CpuTicks[] {
  const all = [...before.byCpu.keys()].filter((id) => after.byCpu.has(id));
  const allowed = after.use?.cpus ?? all;
  const chosen = allowed.length > 0 && allowed.every((id) => all.includes(id)) ? allowed : all;
  return chosen.map((id) => {
    const [from, to] = [before.byCpu.get(id)!, after.byCpu.get(id)!];
    return {
      busy: to.busy - from.busy,
      nice: to.nice - from.nice,
      idle: to.idle - from.idle,
      total: to.total - from.total,
    };
  });
}

function joinByName(used: HostLoad['others']): HostLoad['others'] {
  const joined = new Map<string, number>();
  for (const { name, cpuCount } of used) joined.set(name, (joined.get(name) ?? 0) + cpuCount);
  return [...joined]
    .map(([name, cpuCount]) => ({ name, cpuCount }))
    .sort((a, b) => b.cpuCount - a.cpuCount)
    .slice(0, NAMED_COUNT);
}

/** The share of time in which something waited for a CPU; null where the system does not tell. */
export function waitingRatio(before: HostReading, after: HostReading, elapsedNs: number): number | null {
  if (before.pressureNs === undefined || after.pressureNs === undefined || !(elapsedNs > 0)) return null;
  return Math.min(1, Math.max(0, (after.pressureNs - before.pressureNs) / elapsedNs));
}

/** What other programs' use means for a level: nothing where CPUs were left over. */
export function judgeHostLoad(
  load: HostLoad | undefined,
  waiting: number | null,
): { readonly warning: Warning; readonly isTooMuch: boolean } | undefined {
  if (load === undefined || load.idleRatio > MAX_IDLE_SHARE) return undefined;
  if (waiting !== null && waiting < MIN_PRESSURE_RATIO) return undefined;
  const share = load.othersCpuCount / load.cpuCount;
  if (share < TOLD_SHARE) return undefined;
  const isTooMuch = share >= MAX_SHARE;
  const who = nameOthers(load);
  const meaning = isTooMuch ? 'so the figures are what was left of the host' : 'which takes a little from the figures';
  return {
    isTooMuch,
    warning: {
      code: 'HOST_BUSY',
      message: `Other processes used ${hundredths(Math.round, load.othersCpuCount)} of ${load.cpuCount} CPUs during the level${who} and ${hundredths(Math.floor, load.idleRatio * load.cpuCount)} were idle, ${meaning}; end them, or use a host of its own.`,
    },
  };
}

/** Two clocks count the whole and its parts; a larger difference than this is none of theirs. */
const CLOCKS_DIFFER = 1.15;

/**
 * Figures of processes are told only where they fit into the whole: one that yields, or ran on other CPUs, can have used
 * more than was taken here.
 */
function nameOthers({ others, othersCpuCount, cpuCount: total }: HostLoad): string {
  const notable = others.filter(({ cpuCount }) => cpuCount >= 0.02 * total);
  if (notable.length === 0) return '';
  const namedCount = notable.reduce((sum, { cpuCount }) => sum + cpuCount, 0);
  if (namedCount > othersCpuCount * CLOCKS_DIFFER) {
    return ` (among them ${notable.map(({ name }) => onOneLine(name)).join(', ')})`;
  }
  const fit = Math.min(1, othersCpuCount / namedCount);
  const parts = notable.map(({ name, cpuCount }) => `${onOneLine(name)} ${hundredths(Math.floor, cpuCount * fit)}`);
  return ` (${parts.join(', ')})`;
}

/** Parts rounded down and their whole to the nearest can never contradict each other. */
const hundredths = (round: (value: number) => number, value: number): string =>
  String(round(Number((value * 100).toPrecision(12))) / 100);
