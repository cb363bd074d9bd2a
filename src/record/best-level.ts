/** Which level speaks for a run: one choice for consoles, pages, files and comparisons. */
import { loadAmount } from './load-name.js';
import type { LevelRecord, RunRecord } from './run-record.js';

/** A level with this share of the peak's throughput serves as well as the peak. */
export const NEAR_PEAK = 0.95;

/** Whether a level has figures at all. */
export const isUsable = ({ verdict, requestCount, latencyNs }: LevelRecord): boolean =>
  verdict !== 'INVALID' && requestCount > 0 && latencyNs !== null;

/** Cut short, or with too few requests for an interval: a rate of three requests is chance. */
export const isThin = ({ isSteady, endReason, throughputPerSec, windowed }: LevelRecord): boolean =>
  !isSteady && (endReason === 'interrupted' || (throughputPerSec.low === null && windowed === undefined));

/**
 * The usable level with the highest throughput, thin ones only where there is no other. Where that was not steady, the
 * best steady one goes before it if it reaches nearly as much, as that much would come again.
 */
export function findPeak(levels: readonly LevelRecord[]): LevelRecord | undefined {
  const usable = levels.filter(isUsable);
  const measured = usable.filter((level) => !isThin(level));
  const fastest = highest(measured.length > 0 ? measured : usable);
  if (fastest === undefined || fastest.isSteady) return fastest;
  const steady = highest(usable.filter(({ isSteady }) => isSteady));
  const isNear = steady !== undefined && steady.throughputPerSec.value >= NEAR_PEAK * fastest.throughputPerSec.value;
  return isNear ? steady : fastest;
}

const highest = (levels: readonly LevelRecord[]): LevelRecord | undefined =>
  levels.reduce<LevelRecord | undefined>(
    (best, level) => (best !== undefined && best.throughputPerSec.value >= level.throughputPerSec.value ? best : level),
    undefined,
  );

/** The level that speaks for a run: one of the rate which a search came to, a steady one first; else the peak. */
export function findBest({ levels, peak }: Pick<RunRecord, 'levels' | 'peak'>): LevelRecord | undefined {
  const found = peak?.isConfirmed === true ? peak.requestRatePerSec?.value : undefined;
  if (found === undefined) return findPeak(levels);
  const distance = ({ load }: LevelRecord): number => Math.abs(loadAmount(load) - found);
  const rank = (level: LevelRecord): number => Number(!isUsable(level)) * 2 + Number(!level.isSteady);
  return levels
    .filter(({ load, latencyNs }) => load.kind === 'open' && latencyNs !== null)
    .toSorted((a, b) => distance(a) - distance(b) || rank(a) - rank(b))[0];
}
