/** Looks for the highest request rate that a server holds: turns what levels show into probes, and the search into a record. */
import { type Nanos, nanos, seconds } from '../../common/units.js';
import type { LevelSequence, LoadPlan, StopRule } from '../../plan/load-plan.js';
import type { PeakRecord, Warning } from '../../record/run-record.js';
import { type LevelBase, type MeasureOne, openLevel } from '../run-levels.js';
import { judgeRate } from './judge-rate.js';
import { limitInterval, limitMetric } from './limit-latency.js';
import { type PeakFound, type Probe, searchPeak } from './peak-search.js';

/** In flight in the closed loop that tells where to begin. */
const START_CONCURRENCY = 16;
/** The search begins at this share of what the closed loop reaches. */
const START_SHARE = 0.5;
/** A rate that leaves so much time's worth of requests unanswered has failed already, and would only take long to drain. */
const MAX_BACKLOG = seconds(1);
const MAX_BACKLOG_LIMITS = 4;
const MIN_IN_FLIGHT = 64;

/** Levels known to come while the search is under way; how many it takes is known afterwards. */
const COMING = 6;

export interface MeasuredPeak {
  readonly record: PeakRecord;
  /** What a reader of the result must know. */
  readonly warnings: readonly Warning[];
}

const clientLimited: Warning = {
  code: 'PEAK_CLIENT_LIMITED',
  message:
    'The lowest rate that failed was CLIENT_LIMITED: the load generator was late there, so the server may hold more; use more load workers (--workers) or another host.',
};

/** Undefined when nothing was found out before an interrupt. */
export async function measurePeak(
  plan: LoadPlan,
  sequence: LevelSequence & { readonly kind: 'peak' },
  base: LevelBase,
  measureOne: MeasureOne,
): Promise<MeasuredPeak | undefined> {
  const startPerSec = sequence.start ?? (await findStart(plan, base, measureOne));
  if (startPerSec === undefined) return undefined;
  let unclearRate: number | undefined;
  const limitedRates = new Set<number>();
  const measureAt = async (rate: number, seedIndex: number): Promise<Probe | undefined> => {
    const level = { ...openLevel(plan, base, rate, 1 + seedIndex), maxInFlight: backlogLimit(plan, rate) };
    const measured = await measureOne(level, { levelCount: COMING });
    if (measured === undefined) return undefined;
    const interval = limitInterval(measured.level, plan.latencyPercentile);
    const isFinal = unclearRate === rate;
    const result = judgeRate(measured.level, measured.latencyNs, plan.latencyLimit, interval, isFinal);
    unclearRate = result === 'unclear' ? rate : undefined;
    if (result === 'fail' && measured.level.verdict === 'CLIENT_LIMITED') limitedRates.add(rate);
    return { requestRatePerSec: rate, result, latencyNs: measured.latencyNs ?? null };
  };
  const found = await searchPeak({ startPerSec, endPerSec: sequence.end, measureAt });
  const isClientLimited = found.lowestFailPerSec !== undefined && limitedRates.has(found.lowestFailPerSec);
  return { record: toRecord(plan, found), warnings: isClientLimited ? [clientLimited] : [] };
}

function backlogLimit({ load, latencyLimit }: LoadPlan, rate: number): number {
  const longest = Math.max(MAX_BACKLOG, (latencyLimit ?? 0) * MAX_BACKLOG_LIMITS);
  const allowed = load.kind === 'open' ? load.maxInFlight : Infinity;
  return Math.min(allowed, Math.max(MIN_IN_FLIGHT, Math.ceil((rate * longest) / seconds(1))));
}

/** Half of what a closed loop gets through: a rate that most servers hold. */
async function findStart(plan: LoadPlan, base: LevelBase, measureOne: MeasureOne): Promise<number | undefined> {
  const measured = await measureOne(
    { kind: 'closed', concurrency: START_CONCURRENCY, ...base },
    { levelCount: COMING, rule: shortRule(plan.stopRule), isKept: false },
  );
  if (measured === undefined) return undefined;
  return Math.max(1, measured.level.requestsPerSec * START_SHARE);
}

const shortRule = (rule: StopRule): StopRule => ({
  ...rule,
  minDuration: half(rule.minDuration),
  maxDuration: half(rule.maxDuration),
});

const half = (time: Nanos): Nanos => nanos(time / 2);

function toRecord({ latencyLimit, latencyPercentile }: LoadPlan, found: PeakFound): PeakRecord {
  const { requestRatePerSec: value, lowestFailPerSec, isConfirmed, probes } = found;
  return {
    latencyLimitNs: latencyLimit ?? null,
    metric: latencyLimit === undefined ? 'served' : limitMetric(latencyPercentile),
    requestRatePerSec: value === undefined ? null : { value, low: value, high: lowestFailPerSec ?? null },
    isConfirmed,
    probes: [...probes],
  };
}
