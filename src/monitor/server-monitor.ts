/**
 * Watches a server while levels run: its process where it is local, the host's GPUs, and its metrics endpoint where asked for.
 * Works on the main thread twice a second, far from the load workers.
 */
import { largestOf } from '../common/append-all.js';
import { nowNs } from '../common/clock.js';
import { type Nanos, toMillis } from '../common/units.js';
import type { CpuUse, LevelMonitor } from '../measure/measurement.js';
import type { MonitorsRecord, NodeAssignmentRecord } from '../record/run-record.js';
import { energyPerInference, type GpuSnapshot, gpusInMetrics, summarizeGpus } from './gpu-summary.js';
import { readCpuUse } from './host-processes.js';
import { fetchMetrics, type MetricsSnapshot, summarizeMetrics } from './metrics-endpoint.js';
import { type Gpu, openGpus } from './nvml.js';
import { type ProcessUsage, processTree, readUsage } from './process-usage.js';

const SAMPLE_INTERVAL_MS = 500;

export interface ServerMonitorOptions {
  /** The server's process, where it is on this host and can be seen. */
  readonly processId: number | undefined;
  /** True where the GPUs of this host are the server's. */
  readonly isLocal: boolean;
  /** True where no process of this host can be the server's; false by default. */
  readonly isElsewhere?: boolean;
  /** Metrics endpoint; left out asks none. */
  readonly metricsUrl?: string | undefined;
  readonly metricsInterval: Nanos;
  /** Who runs the nodes, as the engine said when it was ready: kept with every level, so that trials have it too. */
  readonly assignments?: readonly NodeAssignmentRecord[];
}

interface UsageSnapshot extends ProcessUsage {
  readonly atNs: number;
}

/** Opens the GPUs, which takes some milliseconds; call it before any load. */
export function createServerMonitor(options: ServerMonitorOptions): LevelMonitor {
  return new ServerMonitor(options, options.isLocal ? openGpus() : []);
}

class ServerMonitor implements LevelMonitor {
  readonly #options: ServerMonitorOptions;
  readonly #gpus: readonly Gpu[];
  #processIds: readonly number[] = [];
  #usages: UsageSnapshot[] = [];
  #gpuLooks: GpuSnapshot[] = [];
  #metrics: MetricsSnapshot[] = [];
  #asking: Promise<void> = Promise.resolve();
  #sampleTimer: NodeJS.Timeout | undefined;
  #metricsTimer: NodeJS.Timeout | undefined;

  constructor(options: ServerMonitorOptions, gpus: readonly Gpu[]) {
    this.#options = options;
    this.#gpus = gpus;
  }

  begin(): void {
    const { processId, metricsUrl, metricsInterval } = this.#options;
    this.#stopTimers();
    this.#usages = [];
    this.#gpuLooks = [];
    this.#metrics = [];
    this.#processIds = processId === undefined ? [] : processTree(processId);
    this.#sample();
    this.#sampleTimer = setInterval(() => this.#sample(), SAMPLE_INTERVAL_MS);
    if (metricsUrl === undefined) return;
    this.#askMetrics(metricsUrl);
    this.#metricsTimer = setInterval(() => this.#askMetrics(metricsUrl), Math.max(1, toMillis(metricsInterval)));
  }

  pause(): void {
    if (this.#sampleTimer === undefined) return;
    this.#stopTimers();
    this.#sample();
    const { metricsUrl } = this.#options;
    if (metricsUrl !== undefined) this.#asking = this.#asking.then(() => this.#ask(metricsUrl));
  }

  cpuUse(): CpuUse | undefined {
    const { processId, isElsewhere = false } = this.#options;
    return processId === undefined && !isElsewhere ? undefined : readCpuUse(processId);
  }

  async end(fromNs: number, toNs: number, inferenceCount: number): Promise<MonitorsRecord | null> {
    this.pause();
    await this.#asking;
    const usages = around(this.#usages, fromNs, toNs);
    const looks = around(this.#gpuLooks, fromNs, toNs);
    const metrics = around(this.#metrics, fromNs, toNs);
    const isDriverRead = this.#gpus.length > 0;
    const gpus = isDriverRead ? summarizeGpus(this.#gpus, looks) : gpusInMetrics(metrics);
    const seenNs = isDriverRead ? spanOf(looks) : spanOf(metrics);
    const [first, last] = [usages[0], usages.at(-1)];
    const usedNs = spanOf(usages);
    const { assignments = [] } = this.#options;
    return {
      serverCpuCount: first && last && usedNs > 0 ? (last.cpuNs - first.cpuNs) / usedNs : null,
      serverMemoryBytes: usages.length === 0 ? null : largestOf(usages.map(({ residentBytes }) => residentBytes)),
      gpus,
      energyPerInferenceJoules: energyPerInference(gpus, inferenceCount * (seenNs / Math.max(1, toNs - fromNs))),
      ...(assignments.length === 0 ? {} : { assignments: [...assignments] }),
      serverMetrics: this.#options.metricsUrl === undefined ? null : summarizeMetrics(metrics),
    };
  }

  #sample(): void {
    const usage = readUsage(this.#processIds);
    const atNs = nowNs();
    if (usage !== undefined) this.#usages.push({ atNs, ...usage });
    if (this.#gpus.length > 0) this.#gpuLooks.push({ atNs, readings: this.#gpus.map((gpu) => gpu.read()) });
  }

  /** A look that takes longer than the interval is not joined by a second one. */
  #askMetrics(url: string): void {
    this.#asking = this.#asking.then(() => this.#ask(url));
  }

  async #ask(url: string): Promise<void> {
    const samples = await fetchMetrics(url).catch(() => undefined);
    if (samples !== undefined) this.#metrics.push({ atNs: nowNs(), samples });
  }

  #stopTimers(): void {
    clearInterval(this.#sampleTimer);
    clearInterval(this.#metricsTimer);
    this.#sampleTimer = undefined;
    this.#metricsTimer = undefined;
  }
}

/** What was seen in [from, to] and the last look before it, or everything where that is less than two looks. */
function around<Look extends { readonly atNs: number }>(
  looks: readonly Look[],
  fromNs: number,
  toNs: number,
): readonly Look[] {
  const first = Math.max(
    0,
    looks.findLastIndex(({ atNs }) => atNs <= fromNs),
  );
  const inside = looks.slice(first).filter(({ atNs }) => atNs <= toNs + SAMPLE_INTERVAL_MS * 1e6);
  return inside.length < 2 ? looks : inside;
}

const spanOf = (looks: readonly { readonly atNs: number }[]): number =>
  looks.length < 2 ? 0 : looks.at(-1)!.atNs - looks[0]!.atNs;
