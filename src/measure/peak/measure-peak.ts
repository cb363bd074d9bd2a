/** Looks for the highest request rate that a server holds: turns what levels show into probes, and the search into a record. */
import { type Nanos, nanos, seconds } from '../../common/units.js';
import type { LevelSequence, LoadPlan, StopRule } from '../../plan/load-plan.js';
import type { PeakRecord, Warning } from '../../record/run-record.js';
import { type LevelBase, type MeasureOne, openLevel } from '../run-levels.js';
import { judgeRate, neededRequests, type RateLimit } from './judge-rate.js';
import { limitMetric } from './limit-latency.js';
import { type PeakFound, type Probe, searchPeak } from './peak-search.js';

/** In flight in the closed loop that tells where to begin. */
const START_CONCURRENCY = 16;
/** The search begins at this share of what the closed loop reaches. */
const START_SHARE = 0.5;
/** A rate that leaves so much time's worth of requests unanswered has failed already, and would only take long to drain. */
const MAX_BACKLOG = seconds(1);
const MAX_BACKLOG_LIMITS = 4;
const MIN_IN_FLIGHT = 64;

/** A probe may last so many times the longest level, to have its requests, and this much longer than they take at least. */
const MOST_PROLONGED = 4;
const SPARE = 1.25;

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
  const { latencyLimit, latencyPercentile: percentile, maxErrorRatio } = plan;
  const limit: RateLimit = { latencyLimit, percentile, maxErrorRatio };
  const thinRates = new Set<number>();
  let unclearRate: number | undefined;
  const limitedRates = new Set<number>();
  const measureAt = async (rate: number, seedIndex: number): Promise<Probe | undefined> => {
    const level = { ...openLevel(plan, base, rate, 1 + seedIndex), maxInFlight: backlogLimit(plan, rate) };
    const measured = await measureOne(level, { levelCount: COMING, rule: probeRule(plan.stopRule, limit, rate) });
    if (measured === undefined) return undefined;
    const result = judgeRate(measured.level, limit, unclearRate === rate);
    if (measured.level.requestCount < neededRequests(limit)) thinRates.add(rate);
    unclearRate = result === 'unclear' ? rate : undefined;
    if (result === 'fail' && measured.level.verdict === 'CLIENT_LIMITED') limitedRates.add(rate);
    return { requestRatePerSec: rate, result, latencyNs: measured.latencyNs ?? null };
  };
  const found = await searchPeak({ startPerSec, endPerSec: sequence.end, measureAt });
  const isClientLimited = found.lowestFailPerSec !== undefined && limitedRates.has(found.lowestFailPerSec);
  const isUndecided = found.requestRatePerSec === undefined && thinRates.size > 0 && !found.isInterrupted;
  const warnings = [
    ...(isClientLimited ? [clientLimited] : []),
    ...(isUndecided ? [tooFewRequests(limit, Math.max(...thinRates))] : []),
  ];
  return { record: toRecord(plan, found), warnings };
}

/** As long as the limit's percentile needs, within reason: a rate that would take longer stays undecided. */
function probeRule(rule: StopRule, limit: RateLimit, rate: number): StopRule {
  const needed = seconds((SPARE * neededRequests(limit)) / rate);
  const longest = nanos(rule.maxDuration * MOST_PROLONGED);
  if (rule.windows !== undefined || needed <= rule.minDuration) return rule;
  const minDuration = nanos(Math.min(needed, longest));
  return { ...rule, minDuration, maxDuration: nanos(Math.max(rule.maxDuration, minDuration)) };
}

function tooFewRequests(limit: RateLimit, rate: number): Warning {
  const time = Math.ceil((SPARE * neededRequests(limit)) / rate);
  const of = limit.percentile === undefined ? 'mean' : `p${limit.percentile}`;
  return {
    code: 'PEAK_UNDECIDED',
    message: `At ${Number(rate.toPrecision(3))} requests/s a probe had fewer than the ${neededRequests(limit)} requests that ${of} needs, so some rates could not be judged; allow more time (--max-time ${time}s) or ask for a lower --percentile.`,
  };
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
  const { requestRatePerSec: value, lowestFailPerSec, probes } = found;
  return {
    latencyLimitNs: latencyLimit ?? null,
    metric: latencyLimit === undefined ? 'served' : limitMetric(latencyPercentile),
    requestRatePerSec: value === undefined ? null : { value, low: value, high: lowestFailPerSec ?? null },
    isConfirmed: value !== undefined,
    probes: [...probes],
  };
}
