/** The live line of a running level, and one lasting line for each finished level. */
import { formatCount, formatDuration, formatRate } from '../common/format.js';
import type { LevelProgress } from '../measure/measurement.js';
import type { LoadLevel } from '../plan/load-plan.js';
import { describeLoad } from '../record/load-name.js';
import type { LevelRecord } from '../record/run-record.js';
import type { RunListener } from '../run/run-measurement.js';
import type { Terminal } from './terminal.js';

export interface ProgressListener extends RunListener {
  close(): void;
}

export function createLevelProgress(terminal: Terminal): ProgressListener {
  return {
    say: (sentence) => terminal.milestone(sentence),
    onProgress: (progress) => terminal.progress(describeProgress(progress, terminal.liveColumns())),
    onLevel: (level) => terminal.milestone(describeLevel(level)),
    close: () => terminal.clearProgress(),
  };
}

/** From the fullest to the barest. */
const forms = [
  { barWidth: 16, hasLatency: true },
  { barWidth: 8, hasLatency: true },
  { barWidth: 0, hasLatency: true },
  { barWidth: 0, hasLatency: false },
] as const;

/** One line below `columns` where they are known: one that wraps breaks within words and is not taken back whole. */
export function describeProgress(progress: LevelProgress, columns = Number.POSITIVE_INFINITY): string {
  const lines = forms.map((form) => progressLine(progress, form));
  const fitting = lines.find((line) => line.length < columns);
  return fitting ?? `${lines.at(-1)!.slice(0, Math.max(1, columns - 2))}…`;
}

function progressLine(progress: LevelProgress, { barWidth, hasLatency }: (typeof forms)[number]): string {
  const { level, levelIndex, levelCount, elapsedNs, maxDurationNs } = progress;
  const endedCount = progress.requestCount + progress.errorCount;
  const ofTotal = level.requestCount === undefined ? elapsedNs / maxDurationNs : endedCount / level.requestCount;
  const share = Math.min(1, ofTotal);
  const filled = Math.round(share * barWidth);
  const bar = `${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)}`;
  const leftSec = Math.ceil((progress.leftNs ?? maxDurationNs * (levelCount - levelIndex) - elapsedNs) / 1e9);
  const { visit } = progress;
  const visited = visit === undefined ? '' : ` visit ${visit.index + 1}/${visit.count}`;
  const parts = [`[${levelIndex + 1}/${levelCount}] ${describeLoadLevel(level)}${visited} ${bar}`.trimEnd()];
  if (progress.throughputPerSec !== undefined) {
    const width = progress.halfWidth === undefined ? '' : ` ±${(progress.halfWidth * 100).toFixed(1)}%`;
    parts.push(`${formatRate(progress.throughputPerSec)} infer/s${width}`);
  }
  if (hasLatency && progress.latencyP99Ns !== undefined) parts.push(`p99 ${formatDuration(progress.latencyP99Ns)}`);
  if (progress.errorCount > 0) parts.push(`${formatCount(progress.errorCount)} errors`);
  if (level.requestCount === undefined) parts.push(`at most ${Math.max(0, leftSec)} s left`);
  else parts.push(`${formatCount(endedCount)} of ${formatCount(level.requestCount)} requests`);
  return parts.join('  ');
}

/** `concurrency 4`, `500/s poisson`, with the batch size and shapes where they say something. */
function describeLoadLevel(level: LoadLevel): string {
  if (level.kind === 'closed') return describeLoad(level);
  return describeLoad({ ...level, arrival: level.arrival.kind });
}

/** `concurrency 4: 812 infer/s, p99 6.1 ms, VALID`. */
export function describeLevel(level: LevelRecord): string {
  const latency = level.latencyNs === null ? 'no answers' : `p99 ${formatDuration(level.latencyNs.p99)}`;
  const errors = level.errorCount === 0 ? '' : `, ${formatCount(level.errorCount)} errors`;
  const rate = formatRate(level.throughputPerSec.value);
  return `${describeLoad(level.load)}: ${rate} infer/s, ${latency}${errors}, ${level.verdict}`;
}
