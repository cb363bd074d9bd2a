/** The answer of a run in words: the peak, what it costs, and where less concurrency would do. */
import { formatDuration, formatPercent, formatRate } from '../common/format.js';
import { findPeak, isUsable, NEAR_PEAK } from '../record/best-level.js';
import { describeLoad, formatAmount, loadAmount } from '../record/load-name.js';
import type { LevelRecord, RunRecord, Verdict } from '../record/run-record.js';
import { reservationsOf } from './reservations.js';

/** The lowest load of the peak's curve that serves nearly as much as the peak; an open loop serves what is offered, so it has none. */
export function findKnee(levels: readonly LevelRecord[], peak: LevelRecord): LevelRecord | undefined {
  return levels
    .filter((level) => peak.isSteady && level.isSteady && !level.isClientLimited && isBelow(level, peak))
    .filter((level) => level.throughputPerSec.value >= NEAR_PEAK * peak.throughputPerSec.value)
    .sort((a, b) => loadAmount(a.load) - loadAmount(b.load))[0];
}

const isBelow = ({ load }: LevelRecord, { load: other }: LevelRecord): boolean =>
  load.kind === 'closed' && isSameCurve({ load }, { load: other }) && loadAmount(load) < loadAmount(other);

const isSameCurve = ({ load }: Pick<LevelRecord, 'load'>, { load: other }: Pick<LevelRecord, 'load'>): boolean =>
  load.kind === other.kind && load.batchSize === other.batchSize && load.shapes === other.shapes;

/** One or two sentences that answer the reader's question. */
export function runHeadline({ levels }: RunRecord): string {
  const peak = findPeak(levels);
  if (levels.length === 0) return 'No level was finished.';
  if (peak === undefined) return `No usable measurement. ${countLevels(levels)}`;
  const rate = `${formatRate(peak.throughputPerSec.value)} inferences/s at ${describeLoad(peak.load)}`;
  const p99 = peak.latencyNs === null ? '' : `; p99 ${formatDuration(peak.latencyNs.p99)}`;
  const reservations = reservationsOf(peak);
  const but = reservations.length === 0 ? '' : ` (${reservations.join('; ')})`;
  return `${peakWord(peak, levels)}${rate}${p99}${but}. ${countLevels(levels)}`;
}

/** What else helps to choose a load; empty where there is nothing to add. */
export function runAdvice({ levels }: RunRecord): string {
  const peak = findPeak(levels);
  if (peak === undefined) return '';
  const knee = findKnee(levels, peak);
  if (knee !== undefined) {
    const share = formatPercent(knee.throughputPerSec.value / peak.throughputPerSec.value);
    const p99 = knee.latencyNs === null ? '' : ` at p99 ${formatDuration(knee.latencyNs.p99)}`;
    return `Concurrency ${formatAmount(knee.load)} already gives ${share} of it${p99}.`;
  }
  if (!isStillRising(levels, peak)) return '';
  const noun = peak.load.kind === 'closed' ? 'concurrency' : 'request rate';
  return `Throughput still rose at the highest ${noun} measured; a wider range may show more.`;
}

/** Without intervals a rise has to be this large to be believed. */
const CLEAR_RISE = 1.1;

/** Whether the peak lies at the end of its curve and clearly above the level before it. */
function isStillRising(levels: readonly LevelRecord[], peak: LevelRecord): boolean {
  const curve = levels
    .filter((level) => isSameCurve(level, peak))
    .toSorted((a, b) => loadAmount(a.load) - loadAmount(b.load));
  const last = curve.at(-1);
  const before = curve.findLast(({ load }) => loadAmount(load) < loadAmount(peak.load));
  if (last === undefined || loadAmount(last.load) > loadAmount(peak.load)) return false;
  if (before === undefined || !isUsable(before)) return false;
  const [lower, upper] = [before.throughputPerSec, peak.throughputPerSec];
  if (lower.high === null || upper.low === null) return upper.value > CLEAR_RISE * lower.value;
  return upper.low > lower.high;
}

/** How the peak's throughput is to be read. */
export function peakWord(peak: LevelRecord, levels: readonly LevelRecord[]): string {
  if (!peak.isSteady) return 'About ';
  if (peak.isClientLimited) return 'At least ';
  const isHighest = levels.every(
    (level) => !isUsable(level) || level.throughputPerSec.value <= peak.throughputPerSec.value,
  );
  return levels.length > 1 && isHighest ? 'Peak ' : '';
}

/** How many levels there are, and how many can be trusted. */
export function countLevels(levels: readonly LevelRecord[]): string {
  if (levels.length === 1) return `1 level, ${levels[0]!.verdict}.`;
  const count = (verdict: Verdict): number => levels.filter((level) => level.verdict === verdict).length;
  const limited = count('CLIENT_LIMITED');
  return `${levels.length} levels, ${count('VALID')} VALID${limited === 0 ? '' : `, ${limited} CLIENT_LIMITED`}.`;
}
