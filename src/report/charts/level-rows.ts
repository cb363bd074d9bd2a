/** A run's levels as chart rows: numbers in the shown unit and one tooltip a level that all its charts share. */
import { formatInterval } from '../../common/format.js';
import { compareLoads, describeLoad } from '../../record/load-name.js';
import type { LevelRecord } from '../../record/run-record.js';
import { latencyFormat, throughputFormat } from '../level-table.js';

/** Levels that can be drawn: something was answered. By rising load. */
export const drawableLevels = (levels: readonly LevelRecord[]): LevelRecord[] =>
  levels
    .filter((level) => level.latencyNs !== null && level.requestCount > 0)
    .sort((a, b) => compareLoads(a.load, b.load));

/** What a reader pointing at a level wants to know; the numbers are written as in the table. */
export function aboutLevel(level: LevelRecord, all: readonly LevelRecord[]): string {
  const rates = throughputFormat(all);
  const times = latencyFormat(all);
  const lines = [
    capitalize(describeLoad(level.load)) + (level.verdict === 'VALID' ? '' : `, ${level.verdict}`),
    `${formatInterval(level.throughputPerSec, rates)} inferences/s`,
  ];
  for (const key of ['p50', 'p90', 'p95', 'p99'] as const) {
    const [low, high] = level.latencyIntervalNs?.[key] ?? [null, null];
    lines.push(`${key} ${formatInterval({ value: level.latencyNs?.[key] ?? null, low, high }, times)} ${times.unit}`);
  }
  return lines.join('\n');
}

export const capitalize = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
