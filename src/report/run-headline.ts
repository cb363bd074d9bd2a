/** The answer of a run in words: the peak, what it costs, and where less concurrency would do. */
import { largestOf } from '../common/append-all.js';
import { formatDuration, formatPercent, formatRate } from '../common/format.js';
import { describeLoad, formatAmount, loadAmount } from '../record/load-name.js';
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

/** The level that speaks for a run: that of the rate which a search came to, else the peak. */
export function findBest({ levels, peak }: Pick<RunRecord, 'levels' | 'peak'>): LevelRecord | undefined {
  const found = peak?.requestRatePerSec?.value;
  if (found === undefined) return findPeak(levels);
  const distance = ({ load }: LevelRecord): number => Math.abs(loadAmount(load) - found);
  return levels
    .filter(({ load, latencyNs }) => load.kind === 'open' && latencyNs !== null)
    .toSorted((a, b) => distance(a) - distance(b))[0];
}

/** The lowest load of the peak's curve that serves nearly as much as the peak; an open loop serves what is offered, so it has none. */
export function findKnee(levels: readonly LevelRecord[], peak: LevelRecord): LevelRecord | undefined {
  return levels
    .filter((level) => level.verdict === 'VALID' && isBelow(level, peak))
    .filter((level) => level.throughputPerSec.value >= NEAR_PEAK * peak.throughputPerSec.value)
    .sort((a, b) => loadAmount(a.load) - loadAmount(b.load))[0];
}

const isBelow = ({ load }: LevelRecord, { load: other }: LevelRecord): boolean =>
  load.kind === 'closed' &&
  other.kind === 'closed' &&
  load.concurrency < other.concurrency &&
  load.batchSize === other.batchSize &&
  load.shapes === other.shapes;

/** One or two sentences that answer the reader's question. */
export function runHeadline({ levels }: RunRecord): string {
  const peak = findPeak(levels);
  if (levels.length === 0) return 'No level was finished.';
  if (peak === undefined) return `No usable measurement. ${countLevels(levels)}`;
  const rate = `${formatRate(peak.throughputPerSec.value)} inferences/s at ${describeLoad(peak.load)}`;
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
    return `Concurrency ${formatAmount(knee.load)} already gives ${share} of it${p99}.`;
  }
  const amounts = levels.map((level) => loadAmount(level.load));
  if (new Set(amounts).size > 1 && loadAmount(peak.load) === largestOf(amounts)) {
    const noun = peak.load.kind === 'closed' ? 'concurrency' : 'request rate';
    return `Throughput still rose at the highest ${noun} measured; a wider range may show more.`;
  }
  return '';
}

function peakWord(peak: LevelRecord, levelCount: number): string {
  if (peak.verdict === 'CLIENT_LIMITED') return 'At least ';
  if (peak.verdict === 'UNSTABLE') return 'About ';
  return levelCount === 1 ? '' : 'Peak ';
}

/** How many levels there are, and how many can be trusted. */
export function countLevels(levels: readonly LevelRecord[]): string {
  const valid = levels.filter((level) => level.verdict === 'VALID').length;
  return levels.length === 1 ? `1 level, ${levels[0]!.verdict}.` : `${levels.length} levels, ${valid} VALID.`;
}
