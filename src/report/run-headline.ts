/** The answer of a run in words: the peak, what it costs, and where less concurrency would do. */
import { formatDuration, formatPercent, formatRate } from '../common/format.js';
import type { LevelRecord, RunRecord, Verdict } from '../record/run-record.js';

/** A level with this share of the peak's throughput serves as well as the peak. */
const NEAR_PEAK = 0.95;

/** Best first: a level of a later kind is the peak only where no earlier kind exists. */
const trust: readonly Verdict[] = ['VALID', 'CLIENT_LIMITED', 'UNSTABLE'];

/** The level with the highest throughput among those of the most trustworthy verdict. */
export function findPeak(levels: readonly LevelRecord[]): LevelRecord | undefined {
  for (const verdict of trust) {
    const [first, ...others] = levels.filter((level) => level.verdict === verdict && level.requestCount > 0);
    if (first === undefined) continue;
    return others.reduce(
      (best, level) => (level.throughputPerSec.value > best.throughputPerSec.value ? level : best),
      first,
    );
  }
  return undefined;
}

/** The lowest concurrency that serves nearly as much as the peak. */
export function findKnee(levels: readonly LevelRecord[], peak: LevelRecord): LevelRecord | undefined {
  return levels
    .filter((level) => level.verdict === 'VALID' && level.load.concurrency < peak.load.concurrency)
    .filter((level) => level.throughputPerSec.value >= NEAR_PEAK * peak.throughputPerSec.value)
    .sort((a, b) => a.load.concurrency - b.load.concurrency)[0];
}

/** One or two sentences that answer the reader's question. */
export function runHeadline({ levels }: RunRecord): string {
  const peak = findPeak(levels);
  if (levels.length === 0) return 'No level was finished.';
  if (peak === undefined) return `No usable measurement. ${countLevels(levels)}`;
  const rate = `${formatRate(peak.throughputPerSec.value)} inferences/s at ${describeLoad(peak)}`;
  const p99 = peak.latencyNs === null ? '' : `; p99 ${formatDuration(peak.latencyNs.p99)}`;
  return `${peakWord(peak, levels.length)}${rate}${p99}. ${countLevels(levels)}`;
}

/** What else helps to choose a concurrency; empty where there is nothing to add. */
export function runAdvice({ levels }: RunRecord): string {
  const peak = findPeak(levels);
  if (peak === undefined) return '';
  const knee = findKnee(levels, peak);
  if (knee !== undefined) {
    const share = formatPercent(knee.throughputPerSec.value / peak.throughputPerSec.value);
    const p99 = knee.latencyNs === null ? '' : ` at p99 ${formatDuration(knee.latencyNs.p99)}`;
    return `Concurrency ${knee.load.concurrency} already gives ${share} of it${p99}.`;
  }
  const highest = Math.max(...levels.map((level) => level.load.concurrency));
  if (levels.length > 1 && peak.load.concurrency === highest) {
    return 'Throughput still rose at the highest concurrency measured; a wider range may show more.';
  }
  return '';
}

/** `concurrency 8`, with the batch size where it is not 1. */
export function describeLoad({ load }: Pick<LevelRecord, 'load'>): string {
  return `concurrency ${load.concurrency}${load.batchSize === 1 ? '' : ` and batch size ${load.batchSize}`}`;
}

function peakWord(peak: LevelRecord, levelCount: number): string {
  if (peak.verdict === 'CLIENT_LIMITED') return 'At least ';
  if (peak.verdict === 'UNSTABLE') return 'About ';
  return levelCount === 1 ? '' : 'Peak ';
}

function countLevels(levels: readonly LevelRecord[]): string {
  const valid = levels.filter((level) => level.verdict === 'VALID').length;
  return levels.length === 1 ? `1 level, ${levels[0]!.verdict}.` : `${levels.length} levels, ${valid} VALID.`;
}
