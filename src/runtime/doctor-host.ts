/** What doctor says of the machine: Node, cores and their limits, memory, clock speed, the clock, time stolen by others. */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, freemem, release, totalmem, type } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { formatBytes, formatDuration, formatNumber } from '../common/format.js';
import { type Finding, finding, type Section } from './doctor-report.js';

const STEAL_WINDOW_MS = 500;
const COARSE_CLOCK_NS = 10_000;
const LOW_MEMORY_BYTES = 1024 ** 3;
const OLDEST_NODE = [20, 19] as const;

export async function inspectHost(): Promise<Section> {
  return {
    title: 'Host',
    findings: [
      inspectNode(),
      finding('system', process.platform === 'linux' ? 'ok' : 'note', `${type()} ${release()}, ${process.arch}`),
      inspectCores(),
      inspectMemory(),
      inspectGovernor(),
      inspectClock(),
      await inspectSteal(),
    ],
  };
}

function inspectNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isOld = major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]);
  const remedy = isOld ? `install Node ${OLDEST_NODE.join('.')} or later` : undefined;
  return finding('node', isOld ? 'problem' : 'ok', `${process.version} at ${process.execPath}`, remedy);
}

const readText = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
};

/** CPUs that the control group allows, as a number that may be broken; undefined without a limit. */
export function parseCpuMax(text: string | undefined): number | undefined {
  const [quota, period] = (text ?? '').split(/\s+/).map(Number);
  return quota !== undefined && period !== undefined && quota > 0 && period > 0 ? quota / period : undefined;
}

/** A file of this process's own control group (version 2), which may lie below the root. */
function readGroupFile(name: string): string | undefined {
  const group = /^0::(\/.*)$/m.exec(readText('/proc/self/cgroup') ?? '')?.[1] ?? '/';
  return readText(`/sys/fs/cgroup${group === '/' ? '' : group}/${name}`) ?? readText(`/sys/fs/cgroup/${name}`);
}

function inspectCores(): Finding {
  const model = cpus()[0]?.model.trim() ?? 'unknown model';
  const usable = availableParallelism();
  const limit = parseCpuMax(readGroupFile('cpu.max'));
  const limited = limit === undefined ? 'no cgroup limit' : `cgroup limit ${formatNumber(limit, 1)} CPUs`;
  const text = `${usable} usable of ${cpus().length}, ${model}; ${limited}`;
  const fewest = Math.min(usable, limit ?? usable);
  if (fewest >= 2) return finding('cores', 'ok', text);
  return finding(
    'cores',
    'warning',
    text,
    'with one core the load generator and the server disturb each other: give two or more',
  );
}

function inspectMemory(): Finding {
  const limit = Number(readGroupFile('memory.max') ?? Number.NaN);
  const limited = Number.isFinite(limit) ? `; cgroup limit ${formatBytes(limit)}` : '; no cgroup limit';
  const text = `${formatBytes(freemem())} free of ${formatBytes(totalmem())}${limited}`;
  if (freemem() >= LOW_MEMORY_BYTES) return finding('memory', 'ok', text);
  return finding('memory', 'warning', text, 'end what else is running: a server that swaps is not worth measuring');
}

function inspectGovernor(): Finding {
  const governor = readText('/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor');
  if (governor === undefined) return finding('governor', 'note', 'not visible here, as in most virtual machines');
  if (governor === 'performance') return finding('governor', 'ok', governor);
  const remedy = 'cpupower frequency-set -g performance keeps the clock from changing while you measure';
  return finding('governor', 'warning', governor, remedy);
}

/** The smallest step between two readings that differ. */
function inspectClock(): Finding {
  let step = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 2_000; i++) {
    const from = process.hrtime.bigint();
    let to = process.hrtime.bigint();
    while (to === from) to = process.hrtime.bigint();
    step = Math.min(step, Number(to - from));
  }
  const source = readText('/sys/devices/system/clocksource/clocksource0/current_clocksource');
  const text = `${formatDuration(step)} between two readings${source === undefined ? '' : `, source ${source}`}`;
  if (step <= COARSE_CLOCK_NS) return finding('clock', 'ok', text);
  return finding(
    'clock',
    'warning',
    text,
    'short latencies cannot be told apart; choose the clock source tsc or kvm-clock',
  );
}

/** user, nice, system, idle, iowait, irq, softirq, steal of the first line of /proc/stat (proc(5)). */
export function parseStat(text: string): { readonly total: number; readonly steal: number } {
  const numbers = (text.split('\n')[0] ?? '').trim().split(/\s+/).slice(1, 9).map(Number);
  return { total: numbers.reduce((sum, value) => sum + value, 0), steal: numbers[7] ?? 0 };
}

async function inspectSteal(): Promise<Finding> {
  const read = (): ReturnType<typeof parseStat> | undefined => {
    const text = readText('/proc/stat');
    return text === undefined ? undefined : parseStat(text);
  };
  const before = read();
  await delay(STEAL_WINDOW_MS);
  const after = read();
  if (before === undefined || after === undefined) return finding('steal', 'note', 'not visible on this system');
  const percent = ((after.steal - before.steal) / Math.max(after.total - before.total, 1)) * 100;
  const text = `${formatNumber(percent, 1)} % of the CPU went to other guests in ${STEAL_WINDOW_MS} ms`;
  if (percent < 2) return finding('steal', 'ok', text);
  return finding('steal', 'warning', text, 'the host is shared: expect wide intervals, or move to dedicated cores');
}
