/** GPUs over a level: from the driver where the server is local, else from what its metrics say of them. */
import { largestOf } from '../common/append-all.js';
import type { MonitorsRecord } from '../record/run-record.js';
import type { MetricsSnapshot } from './metrics-endpoint.js';
import type { Gpu, GpuReading } from './nvml.js';

type GpuRecord = MonitorsRecord['gpus'][number];

/** One look at all GPUs. */
export interface GpuSnapshot {
  readonly atNs: number;
  /** In the order of the GPUs. */
  readonly readings: readonly GpuReading[];
}

/** Means of utilisation and power, the largest memory use, and the energy between the first look and the last. */
export function summarizeGpus(
  gpus: readonly Pick<Gpu, 'id' | 'name'>[],
  snapshots: readonly GpuSnapshot[],
): GpuRecord[] {
  return gpus.map(({ id, name }, index) => {
    const readings = snapshots.map((snapshot) => snapshot.readings[index]!);
    const all = (field: keyof GpuReading): number[] =>
      readings.map((reading) => reading[field]).filter((value) => value !== null);
    const energy = all('energyJoules');
    return {
      id,
      name,
      utilizationRatio: meanOf(all('utilizationRatio')),
      powerWatts: meanOf(all('powerWatts')),
      memoryUsedBytes: peakOf(all('memoryUsedBytes')),
      memoryTotalBytes: peakOf(all('memoryTotalBytes')),
      energyJoules: energy.length < 2 ? null : Math.max(0, energy.at(-1)! - energy[0]!),
    };
  });
}

const metricNames = {
  utilizationRatio: 'nv_gpu_utilization',
  powerWatts: 'nv_gpu_power_usage',
  memoryUsedBytes: 'nv_gpu_memory_used_bytes',
  memoryTotalBytes: 'nv_gpu_memory_total_bytes',
  energyJoules: 'nv_energy_consumption',
} satisfies Record<keyof GpuReading, string>;

/** The GPUs that Triton's metrics tell of, by their UUID. */
export function gpusInMetrics(snapshots: readonly MetricsSnapshot[]): GpuRecord[] {
  const ids = new Set<string>();
  for (const { samples } of snapshots) for (const { labels } of samples) if (labels.gpu_uuid) ids.add(labels.gpu_uuid);
  const gpus = [...ids].map((id) => ({ id, name: id }));
  const looks = snapshots.map(({ atNs, samples }) => ({
    atNs,
    readings: gpus.map(({ id }) => {
      const metricOf = (name: string): number | null =>
        samples.find((sample) => sample.name === name && sample.labels.gpu_uuid === id)?.value ?? null;
      const entries = Object.entries(metricNames).map(([field, name]) => [field, metricOf(name)]);
      return Object.fromEntries(entries) as unknown as GpuReading;
    }),
  }));
  return summarizeGpus(gpus, looks);
}

/** Of all GPUs together, over `inferenceCount` inferences in the same time; null where no GPU counts energy. */
export function energyPerInference(gpus: readonly GpuRecord[], inferenceCount: number): number | null {
  const known = gpus.map(({ energyJoules }) => energyJoules).filter((joules) => joules !== null);
  if (known.length === 0 || inferenceCount <= 0) return null;
  return known.reduce((sum, joules) => sum + joules, 0) / inferenceCount;
}

const meanOf = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
const peakOf = (values: readonly number[]): number | null => (values.length === 0 ? null : largestOf(values));
