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
    onProgress: (progress) => terminal.progress(describeProgress(progress)),
    onLevel: (level) => terminal.milestone(describeLevel(level)),
    close: () => terminal.clearProgress(),
  };
}

const BAR_WIDTH = 16;

/** One line of at most about 110 columns. */
export function describeProgress(progress: LevelProgress): string {
  const { level, levelIndex, levelCount, elapsedNs, maxDurationNs } = progress;
  const endedCount = progress.requestCount + progress.errorCount;
  const ofTotal = level.requestCount === undefined ? elapsedNs / maxDurationNs : endedCount / level.requestCount;
  const share = Math.min(1, ofTotal);
  const filled = Math.round(share * BAR_WIDTH);
  const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)}`;
  const leftSec = Math.ceil((progress.leftNs ?? maxDurationNs * (levelCount - levelIndex) - elapsedNs) / 1e9);
  const { visit } = progress;
  const visited = visit === undefined ? '' : ` visit ${visit.index + 1}/${visit.count}`;
  const parts = [`[${levelIndex + 1}/${levelCount}] ${describeLoadLevel(level)}${visited} ${bar}`];
  if (progress.throughputPerSec !== undefined) {
    const width = progress.halfWidth === undefined ? '' : ` ±${(progress.halfWidth * 100).toFixed(1)}%`;
    parts.push(`${formatRate(progress.throughputPerSec)} infer/s${width}`);
  }
  if (progress.latencyP99Ns !== undefined) parts.push(`p99 ${formatDuration(progress.latencyP99Ns)}`);
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
