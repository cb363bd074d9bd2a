/** The host's CPU and memory as Triton's gauges, from /proc. On systems without it there are none. */
import { readFileSync } from 'node:fs';
import type { MetricFamily } from './prometheus-text.js';

/** Ticks since the system started, over all cores. */
interface CpuTicks {
  readonly total: number;
  readonly idle: number;
}

/** Reads one of the files of /proc; undefined where there is none. */
export type ReadProc = (name: 'stat' | 'meminfo') => string | undefined;

const readProc: ReadProc = (name) => {
  try {
    return readFileSync(`/proc/${name}`, 'utf8');
  } catch {
    return undefined;
  }
};

/** The first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal. */
function parseTicks(text: string | undefined): CpuTicks | undefined {
  const line = /^cpu +(.+)$/m.exec(text ?? '')?.[1];
  if (line === undefined) return undefined;
  const ticks = line.split(' ').slice(0, 8).map(Number);
  return { total: ticks.reduce((sum, count) => sum + count, 0), idle: (ticks[3] ?? 0) + (ticks[4] ?? 0) };
}

function memoryBytes(text: string | undefined, field: string): number | undefined {
  const kibibytes = new RegExp(`^${field}: +(\\d+) kB$`, 'm').exec(text ?? '')?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}

/** Takes a sample each time it is asked to; the utilization is that between the last two. */
export class CpuMeter {
  readonly #read: ReadProc;
  #last: CpuTicks | undefined;
  #utilizationRatio: number | undefined;
  #meminfo: string | undefined;

  constructor(read: ReadProc = readProc) {
    this.#read = read;
    this.sample();
  }

  sample(): void {
    const ticks = parseTicks(this.#read('stat'));
    this.#meminfo = this.#read('meminfo');
    if (ticks !== undefined && this.#last !== undefined) {
      const total = ticks.total - this.#last.total;
      const idle = ticks.idle - this.#last.idle;
      if (total > 0) this.#utilizationRatio = Math.min(1, Math.max(0, 1 - idle / total));
    }
    this.#last = ticks;
  }

  /** What is known; the utilization is missing until there are two samples with time between them. */
  metrics(): readonly MetricFamily[] {
    // Whoever asks before the first interval is over gets what there is since the start.
    if (this.#utilizationRatio === undefined) this.sample();
    const total = memoryBytes(this.#meminfo, 'MemTotal');
    const available = memoryBytes(this.#meminfo, 'MemAvailable');
    const used = total === undefined || available === undefined ? undefined : total - available;
    return [
      gauge('nv_cpu_utilization', 'CPU utilization rate [0.0 - 1.0]', this.#utilizationRatio),
      gauge('nv_cpu_memory_total_bytes', 'CPU total memory (RAM), in bytes', total),
      gauge('nv_cpu_memory_used_bytes', 'CPU used memory (RAM), in bytes', used),
    ];
  }
}

const gauge = (name: string, help: string, value: number | undefined): MetricFamily => ({
  name,
  help,
  type: 'gauge',
  samples: value === undefined ? [] : [{ labels: {}, value }],
});
