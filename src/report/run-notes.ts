/** The best level in two lines for a terminal: where its time went, and how busy generator, server and GPUs were. */
import { durationColumn, formatBytes, formatNumber, formatPercent } from '../common/format.js';
import { findBest } from '../record/best-level.js';
import { describeLoad } from '../record/load-name.js';
import type { LevelRecord, RunRecord } from '../record/run-record.js';
import { latencyParts } from './latency-parts.js';

/** Parts below this share of the latency are not worth the reader's line. */
const NOTABLE_SHARE = 0.005;

/** Nothing where neither is known. */
export function runNotes(record: RunRecord): string[] {
  const peak = findBest(record);
  return peak === undefined ? [] : [describeParts(peak), describeWatched(peak)].filter((line) => line !== '');
}

function describeParts(level: LevelRecord): string {
  // Without a measured account the table of levels already says all that is known.
  const parts = level.latencyParts === null ? undefined : latencyParts(level);
  if (parts === undefined || level.latencyParts === null) return '';
  const { totalNs } = level.latencyParts;
  const shown = parts.filter(({ valueNs }) => valueNs >= NOTABLE_SHARE * totalNs);
  const format = durationColumn([totalNs]);
  const list = shown.map(({ label, valueNs }) => `${label.toLowerCase()} ${format.format(valueNs)}`).join(', ');
  return `A request at ${describeLoad(level.load)} takes ${format.format(totalNs)} ${format.unit}: ${list}.`;
}

function describeWatched({ generator, monitors }: LevelRecord): string {
  const parts: string[] = [];
  if (generator !== null) parts.push(`generator ${formatPercent(generator.busyRatio)} busy`);
  if (monitors?.serverCpuCount != null) parts.push(`server ${formatNumber(monitors.serverCpuCount, 2)} CPUs`);
  if (monitors?.serverMemoryBytes != null) parts.push(`${formatBytes(monitors.serverMemoryBytes)} resident`);
  for (const gpu of monitors?.gpus ?? []) {
    if (gpu.utilizationRatio !== null) parts.push(`${gpu.name} ${formatPercent(gpu.utilizationRatio)} busy`);
    if (gpu.powerWatts !== null) parts.push(`${formatNumber(gpu.powerWatts)} W`);
  }
  if (monitors?.energyPerInferenceJoules != null) {
    parts.push(`${formatNumber(monitors.energyPerInferenceJoules, 3)} J an inference`);
  }
  const line = parts.join(', ');
  return line === '' ? '' : `${line.charAt(0).toUpperCase()}${line.slice(1)}.`;
}
